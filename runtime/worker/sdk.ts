import { createHash } from 'node:crypto';

/** What of durable-functions' tasks (lib/src/task/TaskBase) is used here. */
export type SdkTask = { isPlayed: boolean; readonly parent?: SdkTask | undefined };

/** What of a history event is used here; `PlayedEvent` has the rest. */
export type SdkEvent = { readonly IsPlayed: boolean };

type IdKey = 'TaskScheduledId' | 'TimerId' | 'Name';
type EndEvent = SdkEvent & { readonly [key in IdKey]?: string | number };

/** What of durable-functions' TaskOrchestrationExecutor is used here. */
export type SdkExecutor = {
  _isReplaying: boolean;
  readonly actions: readonly object[];
  readonly output: unknown;
  readonly exception: unknown;
  readonly schemaVersion: number;
  readonly openTasks: Readonly<Record<string, SdkTask>>;
  readonly openEvents: Readonly<Record<string, readonly SdkTask[]>>;
  processEvent(event: SdkEvent): void;
  isDoneExecuting(): boolean;
  setTaskValue(event: EndEvent, isSuccess: boolean, idKey: IdKey): void;
};

/** What of durable-functions' DurableOrchestrationContext is used here. */
export type SdkContext = { readonly customStatus?: unknown; readonly taskOrchestratorExecutor: SdkExecutor };

/**
 * Fingerprints of the classes TaskOrchestrationExecutor and DurableOrchestrationContext that have been studied: that of
 * durable-functions 3.5.0. What is used of them is private to that package, so with any other every turn is played from its
 * start. A test says when the installed package is not one of these.
 */
const knownFingerprints: ReadonlySet<string> = new Set([
  '2ba5207e1d124f2e04f7c148a4d52ae4961de9c81585ab1d327776e2768f2fdf',
]);

/** By the context's class: an app has one of them. */
const verdicts = new WeakMap<object, boolean>();

/** Whether this is an orchestration's context of a durable-functions whose code is known. */
export function isKnownContext(value: unknown): value is SdkContext {
  if (typeof value !== 'object' || value === null) return false;
  const { constructor } = value;
  let verdict = verdicts.get(constructor);
  if (verdict === undefined) {
    verdict = knownFingerprints.has(fingerprintOf(value));
    verdicts.set(constructor, verdict);
  }
  return verdict;
}

/** SHA-256 of the source texts of the executor's class and the context's. */
function fingerprintOf(context: object): string {
  const executor = 'taskOrchestratorExecutor' in context ? context.taskOrchestratorExecutor : undefined;
  if (typeof executor !== 'object' || executor === null) return '';
  return createHash('sha256').update(String(executor.constructor)).update(String(context.constructor)).digest('hex');
}
