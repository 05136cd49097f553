import type { FunctionKind, Invocation, Invoker } from '../engine/invoker';
import { entityInstanceId } from '../engine/decision';
import type { Log } from './log';
import type { HttpEnd, Supervisor } from './supervisor';

/** One run of a function of the app, after its end. */
export type InvocationRecord = {
  readonly functionName: string;
  readonly kind: FunctionKind;
  /** The orchestration or entity that it is a part of; null for what comes from outside. */
  readonly instanceId: string | null;
  readonly invocationId: string | null;
  readonly startedAtMs: number;
  /** With the wait for a worker. */
  readonly durationMs: number;
  /** `lost`: the worker died of it or with it, and it runs again. `stopped`: the host stops, and it runs again. */
  readonly outcome: 'succeeded' | 'failed' | 'lost' | 'stopped';
  readonly reason: string | null;
};
export type InvocationObserver = (record: InvocationRecord) => void;

type Known = Pick<InvocationRecord, 'functionName' | 'kind' | 'instanceId' | 'invocationId'>;
type End =
  { readonly kind: 'threw'; readonly message: string } | { readonly kind: 'lost'; readonly reason: string } | Other;
type Other = { readonly kind: 'returned' | 'http' | 'stopped' };

async function timed<T extends End>(known: Known, observe: InvocationObserver, run: () => Promise<T>): Promise<T> {
  const startedAtMs = Date.now();
  const began = performance.now();
  const ended = await run();
  observe({ ...known, startedAtMs, durationMs: performance.now() - began, ...outcomeOf(ended) });
  return ended;
}

function outcomeOf(ended: End): Pick<InvocationRecord, 'outcome' | 'reason'> {
  switch (ended.kind) {
    case 'returned':
    case 'http':
      return { outcome: 'succeeded', reason: null };
    case 'threw':
      return { outcome: 'failed', reason: firstLine(ended.message) };
    case 'lost':
      return { outcome: 'lost', reason: ended.reason };
    case 'stopped':
      return { outcome: 'stopped', reason: null };
  }
}

/** durable-functions sends its state behind the message of an orchestrator that failed. */
const firstLine = (message: string): string => message.split('\n', 1)[0] ?? '';

/** An invoker that tells of each invocation when it has ended. */
export function observedInvoker(inner: Invoker, observe: InvocationObserver): Invoker {
  return {
    kindOf: (name) => inner.kindOf(name),
    namesOf: (kind) => inner.namesOf(kind),
    invoke: (invocation, options) => timed(knownOf(invocation), observe, () => inner.invoke(invocation, options)),
  };
}

function knownOf(invocation: Invocation): Known {
  const { kind, functionName } = invocation;
  const common = { kind, functionName, invocationId: null };
  switch (invocation.kind) {
    case 'orchestrator':
      return { ...common, instanceId: invocation.turn.instanceId };
    case 'activity':
      return { ...common, instanceId: invocation.instanceId };
    case 'entity':
      return { ...common, instanceId: entityInstanceId(invocation.batch) };
  }
}

type Requests = Pick<Supervisor, 'request' | 'httpUri'>;

/** The same for what comes from outside: HTTP requests and timers. */
export function observedRequests(inner: Requests, observe: InvocationObserver): Requests {
  return {
    httpUri: () => inner.httpUri(),
    request: (functionName, call, invocationId): Promise<HttpEnd> =>
      timed({ functionName, kind: call.kind, instanceId: null, invocationId }, observe, () =>
        inner.request(functionName, call, invocationId),
      ),
  };
}

/**
 * Writes a line for each invocation in the words of the Functions host: a failure is an error, everything else a detail, since an
 * orchestration has many. `logging.logLevel.Function` of host.json shows or hides them.
 */
export const loggingObserver =
  (log: Log): InvocationObserver =>
  (record) => {
    const { functionName, kind, instanceId, invocationId, outcome, reason } = record;
    const level = outcome === 'failed' ? 'error' : 'debug';
    const category = `Function.${functionName}`;
    if (!log.isWritten(level, category)) return;
    const durationMs = Math.round(record.durationMs);
    const id = invocationId ?? instanceId ?? '';
    const result = { succeeded: 'Succeeded', failed: 'Failed', lost: 'Lost', stopped: 'Stopped' }[outcome];
    const message = `Executed 'Functions.${functionName}' (${result}, Id=${id}, Duration=${durationMs}ms)${reason === null ? '' : `: ${reason}`}`;
    log.line(level, category, message, {
      functionName,
      kind,
      outcome,
      durationMs,
      ...(instanceId === null ? {} : { instanceId }),
      ...(invocationId === null ? {} : { invocationId }),
    });
  };
