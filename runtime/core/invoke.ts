import { z } from 'zod';
import { describeThrown } from '../../contracts/failure';
import type { InvocationEnd } from '../engine/invoker';
import { appRegistry, type Handler, type HookName, type ProgrammingModel, type RegisteredFunction } from './registry';
import { isFields } from './plain';
import { plainTypedData, typedData, type TypedData } from './typed-data';

export type LogLine = {
  readonly level: string;
  readonly category: string;
  readonly message: string;
  readonly invocationId: string;
  readonly functionName: string;
};

/** What an invocation is made of, besides the function. */
export type InvocationInput = {
  readonly invocationId: string;
  /** Values by binding name; the trigger's is among them. HTTP requests have their own form. */
  readonly data: Readonly<Record<string, TypedData | { readonly http: unknown } | null>>;
  readonly triggerMetadata: Readonly<Record<string, TypedData>>;
  /** What the run is told of those before it that failed. */
  readonly retryContext?: object;
  /** Taken in place of the trigger's value; for a value that is at hand as an object already. */
  readonly triggerInput?: unknown;
  readonly log: (line: LogLine) => void;
  /** Told the invocation's contexts before the function runs in them. */
  readonly onContexts?: (contexts: RunContexts) => void;
};

/** The context that the function gets, and the one behind it, which is ours. */
export type RunContexts = {
  readonly invocation: object & { invocationId?: unknown };
  readonly core: { state: string | undefined };
};

const response = z.looseObject({
  returnValue: z.unknown(),
  outputData: z.array(z.looseObject({ name: z.string(), data: z.unknown() })).optional(),
});

const httpValue = z.looseObject({ http: z.unknown() });

/** What a function returned: `http` when its return value is bound to HTTP. */
export type Returned =
  { readonly kind: 'value'; readonly value: TypedData | null } | { readonly kind: 'http'; readonly response: unknown };

export type RunEnd =
  { readonly kind: 'returned'; readonly returned: Returned } | Extract<InvocationEnd, { kind: 'threw' }>;

/**
 * Runs a registered function through the programming model, as azure-functions-nodejs-worker does: arguments, hooks
 * before, the handler, hooks after, response. What is thrown comes back as a value.
 */
export async function runFunction(registered: RegisteredFunction, input: InvocationInput): Promise<RunEnd> {
  try {
    const { model } = appRegistry;
    if (model === undefined) throw new Error('No programming model is set: @azure/functions has not been loaded.');
    return { kind: 'returned', returned: await runInModel(model, registered, input) };
  } catch (thrown) {
    return threw(thrown);
  }
}

export function threw(thrown: unknown): Extract<InvocationEnd, { kind: 'threw' }> {
  if (!(thrown instanceof Error)) return { kind: 'threw', name: 'Error', message: describeThrown(thrown), stack: '' };
  // durable-functions sets the stack of its own error to undefined.
  const { stack }: { stack?: unknown } = thrown;
  return {
    kind: 'threw',
    name: thrown.name,
    message: thrown.message,
    stack: typeof stack === 'string' ? stack : '',
  };
}

async function runInModel(
  model: ProgrammingModel,
  registered: RegisteredFunction,
  input: InvocationInput,
): Promise<Returned> {
  const coreContext = new CoreContext(registered, input);
  const invocation = model.getInvocationModel(coreContext);
  const { context, inputs } = await invocation.getArguments();
  if (input.triggerInput !== undefined) inputs[0] = input.triggerInput;
  input.onContexts?.({ invocation: context, core: coreContext });
  const hookContext = new InvocationHookContext(context, inputs, registered.handler);
  if (hasHooks('preInvocation')) await runHooks('preInvocation', hookContext, coreContext);
  coreContext.state = 'invocation';
  try {
    hookContext.result = await invocation.invokeFunction(context, hookContext.inputs, hookContext.functionCallback);
  } catch (thrown) {
    hookContext.error = thrown;
  }
  if (hasHooks('postInvocation')) await runHooks('postInvocation', hookContext, coreContext);
  else coreContext.state = undefined;
  if (hookContext.error !== null && hookContext.error !== undefined) throw asError(hookContext.error);
  return returnedOf(await invocation.getResponse(context, hookContext.result));
}

function returnedOf(rawResponse: unknown): Returned {
  const { returnValue } = isPlainResponse(rawResponse) ? rawResponse : response.parse(rawResponse);
  if (returnValue === null || returnValue === undefined) return { kind: 'value', value: null };
  const plain = plainTypedData(returnValue);
  if (plain !== undefined) return { kind: 'value', value: plain };
  const http = httpValue.safeParse(returnValue);
  if (http.success && http.data.http !== undefined) return { kind: 'http', response: http.data.http };
  return { kind: 'value', value: typedData.parse(returnValue) };
}

/** Without outputs of its own, as an activity's or orchestrator's is. */
const isPlainResponse = (value: unknown): value is { readonly returnValue?: unknown } =>
  isFields(value) && Array.isArray(value['outputData']) && value['outputData'].length === 0;

const asError = (thrown: unknown): Error =>
  thrown instanceof Error ? thrown : new Error(describeThrown(thrown), { cause: thrown });

const hasHooks = (name: HookName): boolean => appRegistry.hooks(name).length > 0;

async function runHooks(name: HookName, hookContext: InvocationHookContext, core: CoreContext): Promise<void> {
  core.state = `${name}Hooks`;
  for (const hook of appRegistry.hooks(name)) await hook(hookContext);
  core.state = undefined;
}

/** Runs the hooks of the app's start or end. */
export async function runAppHooks(name: 'appStart' | 'appTerminate', appFolder: string): Promise<void> {
  for (const hook of appRegistry.hooks(name))
    await hook({ hookData: {}, appHookData, functionAppDirectory: appFolder });
}

/** CoreInvocationContext of the worker's contract. */
class CoreContext {
  readonly invocationId: string;
  readonly metadata: { readonly name: string; readonly bindings: RegisteredFunction['bindings'] };
  readonly request: object;
  state: string | undefined;
  readonly #log: (line: LogLine) => void;

  constructor(registered: RegisteredFunction, input: InvocationInput) {
    this.invocationId = input.invocationId;
    this.metadata = { name: registered.name, bindings: registered.bindings };
    this.request = {
      invocationId: input.invocationId,
      functionId: registered.name,
      inputData: Object.entries(input.data).map(([name, data]) => ({ name, data })),
      triggerMetadata: input.triggerMetadata,
      retryContext: input.retryContext,
    };
    this.#log = input.log;
  }

  log(level: string, category: string, message: string): void {
    const functionName = this.metadata.name;
    this.#log({ level, category, message, invocationId: this.invocationId, functionName });
  }
}

/** The context of the hooks around an invocation; hooks may replace inputs, the handler, the result and the error. */
class InvocationHookContext {
  readonly hookData: Record<string, unknown> = {};
  readonly appHookData = appHookData;
  result: unknown = null;
  error: unknown = null;

  constructor(
    readonly invocationContext: object,
    public inputs: unknown[],
    public functionCallback: Handler,
  ) {}
}

const appHookData: Record<string, unknown> = {};
