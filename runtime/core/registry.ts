import { z } from 'zod';
import type { FunctionKind } from '../engine/invoker';

const binding = z.looseObject({ type: z.string(), direction: z.string().optional() });
export type Binding = z.infer<typeof binding>;

const metadata = z.looseObject({
  name: z.string().min(1),
  bindings: z.record(z.string(), binding),
  retryOptions: z.unknown(),
});

/** A function of the app: what it is called, what it is bound to, and its code. */
export type RegisteredFunction = {
  readonly name: string;
  readonly bindings: Readonly<Record<string, Binding>>;
  readonly trigger: { readonly name: string; readonly binding: Binding };
  readonly kind: FunctionKind;
  /** The `retry` of the function, unread; undefined when it has none. */
  readonly retry: unknown;
  readonly handler: Handler;
};
export type Handler = (...inputs: unknown[]) => unknown;

const triggerKinds: Readonly<Record<string, FunctionKind>> = {
  orchestrationtrigger: 'orchestrator',
  activitytrigger: 'activity',
  entitytrigger: 'entity',
  httptrigger: 'http',
  timertrigger: 'timer',
};

/** What a trigger type makes of its function; names are compared without regard to case, as the host does. */
export const kindOfTrigger = (type: string): FunctionKind => triggerKinds[type.toLowerCase()] ?? 'unsupported';

export const hookNames = ['appStart', 'appTerminate', 'preInvocation', 'postInvocation', 'log'] as const;
export type HookName = (typeof hookNames)[number];
const hookName = z.enum(hookNames);
export type Hook = (context: object) => unknown;

/** The contract of `@azure/functions` with its worker, as far as it is used (azure-functions-nodejs-worker, types-core). */
export type InvocationModel = {
  getArguments(): Promise<{ context: object; inputs: unknown[] }>;
  invokeFunction(context: object, inputs: unknown[], handler: Handler): Promise<unknown>;
  getResponse(context: object, result: unknown): Promise<unknown>;
};
export type ProgrammingModel = {
  readonly name: string;
  readonly version: string;
  getInvocationModel(context: object): InvocationModel;
  getCapabilities?(capabilities: Record<string, unknown>): Promise<Record<string, unknown>>;
};

/** What an app registers while its modules load. There is one in a process, as there is one `@azure/functions-core`. */
export class AppRegistry {
  readonly #functions = new Map<string, RegisteredFunction>();
  readonly #hooks = new Map<HookName, Hook[]>();
  #model: ProgrammingModel | undefined;

  /** Throws when the metadata is not a function with a trigger; a name registered again replaces the first. */
  register(rawMetadata: unknown, handler: unknown): () => void {
    const { name, bindings, retryOptions } = metadata.parse(rawMetadata);
    const trigger = Object.entries(bindings).find(([, candidate]) => /trigger$/i.test(candidate.type));
    if (trigger === undefined) throw new TypeError(`The function "${name}" has no trigger.`);
    if (!isHandler(handler)) throw new TypeError(`The handler of the function "${name}" is not a function.`);
    const [triggerName, triggerBinding] = trigger;
    const registered: RegisteredFunction = {
      name,
      bindings,
      trigger: { name: triggerName, binding: triggerBinding },
      kind: kindOfTrigger(triggerBinding.type),
      retry: retryOptions,
      handler,
    };
    const key = name.toLowerCase();
    this.#functions.set(key, registered);
    return () => {
      if (this.#functions.get(key) === registered) this.#functions.delete(key);
    };
  }

  functions(): RegisteredFunction[] {
    return [...this.#functions.values()];
  }

  find(name: string): RegisteredFunction | undefined {
    return this.#functions.get(name.toLowerCase());
  }

  addHook(name: string, hook: Hook): () => void {
    const known = hookName.parse(name);
    const hooks = this.#hooks.get(known) ?? [];
    this.#hooks.set(known, [...hooks, hook]);
    return () => {
      this.#hooks.set(
        known,
        (this.#hooks.get(known) ?? []).filter((other) => other !== hook),
      );
    };
  }

  hooks(name: HookName): readonly Hook[] {
    return this.#hooks.get(name) ?? [];
  }

  get model(): ProgrammingModel | undefined {
    return this.#model;
  }

  set model(model: ProgrammingModel | undefined) {
    this.#model = model;
  }
}

const isHandler = (value: unknown): value is Handler => typeof value === 'function';

/** The registry of this process. */
export const appRegistry = new AppRegistry();
