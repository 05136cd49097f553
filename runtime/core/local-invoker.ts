import { isPromise } from 'node:util/types';
import { wholeTurnPayload } from '../engine/turn';
import type { FunctionKind, Invocation, InvocationEnd, Invoker } from '../engine/invoker';
import { runFunction, threw, type LogLine } from './invoke';
import { appRegistry } from './registry';
import { activityData, type TypedData } from './typed-data';

/** An activity that a test supplies in place of the app's own. */
export type ActivityStandIn = (input: unknown, call: { readonly instanceId: string }) => unknown;

/** Runs functions in this process, through the unmodified `@azure/functions`. */
export class LocalInvoker implements Invoker {
  readonly #standIns: ReadonlyMap<string, ActivityStandIn>;
  readonly #log: (line: LogLine) => void;
  #invocations = 0;

  constructor(standIns: Readonly<Record<string, ActivityStandIn>>, log: (line: LogLine) => void) {
    this.#standIns = new Map(Object.entries(standIns).map(([name, run]) => [name.toLowerCase(), run]));
    this.#log = log;
  }

  kindOf(functionName: string): FunctionKind | undefined {
    if (this.#standIns.has(functionName.toLowerCase())) return 'activity';
    return appRegistry.find(functionName)?.kind;
  }

  namesOf(kind: FunctionKind): readonly string[] {
    return appRegistry
      .functions()
      .filter((registered) => registered.kind === kind)
      .map((registered) => registered.name);
  }

  async invoke(invocation: Invocation): Promise<InvocationEnd> {
    const standIn = this.#standIns.get(invocation.functionName.toLowerCase());
    if (invocation.kind === 'activity' && standIn !== undefined) return runStandIn(standIn, invocation);
    const registered = appRegistry.find(invocation.functionName);
    if (registered === undefined) return threw(new Error(`no function '${invocation.functionName}' is registered`));
    const ended = await runFunction(registered, {
      invocationId: `local-${++this.#invocations}`,
      data: { [registered.trigger.name]: triggerData(invocation) },
      triggerMetadata: {},
      log: this.#log,
    });
    if (ended.kind === 'threw') return ended;
    return { kind: 'returned', value: ended.returned.kind === 'value' ? ended.returned.value : null };
  }
}

async function runStandIn(
  standIn: ActivityStandIn,
  invocation: Extract<Invocation, { kind: 'activity' }>,
): Promise<InvocationEnd> {
  try {
    // Input and result go through JSON, as they do for the app's own activities.
    const outer: unknown = invocation.input === null ? null : JSON.parse(invocation.input);
    const input: unknown = typeof outer === 'string' ? parsedOr(outer) : outer;
    const running = standIn(input, { instanceId: invocation.instanceId });
    const result: unknown = isPromise(running) ? await running : running;
    return {
      kind: 'returned',
      value: result === undefined || result === null ? null : { json: JSON.stringify(result) },
    };
  } catch (thrown) {
    return threw(thrown);
  }
}

/** durable-functions makes a string input JSON once more, so that it arrives as it was. */
function parsedOr(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

/** The value that a trigger of the engine hands to its function. */
export function triggerData(invocation: Invocation): TypedData | null {
  switch (invocation.kind) {
    case 'orchestrator':
      return { json: JSON.stringify(wholeTurnPayload(invocation.turn)) };
    case 'activity':
      return activityData(invocation.input);
    case 'entity': {
      const { name, key, exists, state, operations } = invocation.batch;
      return { json: JSON.stringify({ self: { name, key }, exists, state, batch: operations }) };
    }
  }
}
