import { z } from 'zod';
import { isFields, isInteger } from '../core/plain';
import type { InvocationEnd } from './invoker';

/** The numbers by which durable-functions names what an orchestrator asks for (lib/src/actions/ActionType). */
export const ActionType = {
  CallActivity: 0,
  CallActivityWithRetry: 1,
  CallSubOrchestrator: 2,
  CallSubOrchestratorWithRetry: 3,
  ContinueAsNew: 4,
  CreateTimer: 5,
  WaitForExternalEvent: 6,
  CallEntity: 7,
  CallHttp: 8,
  SignalEntity: 9,
  WhenAny: 11,
  WhenAll: 12,
  LockEntities: 13,
  ReleaseEntities: 14,
} as const;

const retryOptions = z.object({
  firstRetryIntervalInMilliseconds: z.number(),
  maxNumberOfAttempts: z.number(),
  backoffCoefficient: z.number().optional(),
  maxRetryIntervalInMilliseconds: z.number().optional(),
  retryTimeoutInMilliseconds: z.number().optional(),
});
export type RetryOptions = z.infer<typeof retryOptions>;

const name = z.string().min(1);
const input = z.unknown().optional();
const child = { functionName: name, instanceId: z.string().nullish(), version: z.string().nullish(), input };

const httpRequest = z.object({
  method: z.string(),
  uri: z.string(),
  content: z.string().nullish(),
  headers: z.record(z.string(), z.string()).nullish(),
  asynchronousPatternEnabled: z.boolean().default(true),
  tokenSource: z.object({ kind: z.literal('AzureManagedIdentity'), resource: z.string().min(1) }).nullish(),
});
export type DurableHttpRequest = z.infer<typeof httpRequest>;

const leaf = z.discriminatedUnion('actionType', [
  z.object({ actionType: z.literal(ActionType.CallActivity), functionName: name, input }),
  z.object({ actionType: z.literal(ActionType.CallActivityWithRetry), functionName: name, input, retryOptions }),
  z.object({ actionType: z.literal(ActionType.CallSubOrchestrator), ...child }),
  z.object({ actionType: z.literal(ActionType.CallSubOrchestratorWithRetry), ...child, retryOptions }),
  z.object({ actionType: z.literal(ActionType.ContinueAsNew), input }),
  z.object({ actionType: z.literal(ActionType.CreateTimer), fireAt: z.iso.datetime(), isCanceled: z.boolean() }),
  z.object({ actionType: z.literal(ActionType.WaitForExternalEvent), externalEventName: name }),
  z.object({ actionType: z.literal(ActionType.CallEntity), instanceId: z.string(), operation: name, input }),
  z.object({ actionType: z.literal(ActionType.CallHttp), httpRequest }),
  z.object({ actionType: z.literal(ActionType.SignalEntity), instanceId: z.string(), operation: name, input }),
  z.object({
    actionType: z.literal(ActionType.LockEntities),
    lockSet: z.array(z.object({ name: z.string(), key: z.string() })).min(1),
    lockRequestId: z.string(),
  }),
  z.object({ actionType: z.literal(ActionType.ReleaseEntities) }),
]);

/** One thing that an orchestrator asked for, in the order of its yields. */
export type Action =
  | z.infer<typeof leaf>
  | {
      readonly actionType: typeof ActionType.WhenAny | typeof ActionType.WhenAll;
      readonly compoundActions: readonly Action[];
    };

const action: z.ZodType<Action> = z.lazy(() =>
  z.union([
    leaf,
    z.object({
      actionType: z.union([z.literal(ActionType.WhenAny), z.literal(ActionType.WhenAll)]),
      compoundActions: z.array(action),
    }),
  ]),
);

/** What durable-functions answers to a turn (lib/src/orchestrations/OrchestratorState). */
export const orchestratorAnswer = z.object({
  isDone: z.boolean(),
  /** Not of durable-functions: `actions` are those from this one on, since the engine has the others (`knownActions`). */
  actionsFrom: z.int().nonnegative().default(0),
  actions: z.array(z.array(action)),
  output: z.unknown().optional(),
  error: z.string().optional(),
  customStatus: z.unknown().optional(),
  schemaVersion: z.number(),
});
export type OrchestratorAnswer = z.infer<typeof orchestratorAnswer>;

export type ReadAnswer =
  | { readonly kind: 'answer'; readonly answer: OrchestratorAnswer }
  | { readonly kind: 'unreadable'; readonly reason: string };

/** What an orchestrator function has said by returning or throwing. */
export function answerOf(ended: Extract<InvocationEnd, { kind: 'returned' | 'threw' }>): ReadAnswer {
  if (ended.kind === 'threw') {
    const answer = answerInError(ended.message);
    return answer === undefined ? { kind: 'unreadable', reason: ended.message } : { kind: 'answer', answer };
  }
  const text = ended.value !== null && 'json' in ended.value ? ended.value.json : 'null';
  const value: unknown = JSON.parse(text);
  const plain = plainAnswer(value);
  if (plain !== undefined) return { kind: 'answer', answer: plain };
  const parsed = orchestratorAnswer.safeParse(value);
  if (parsed.success) return { kind: 'answer', answer: parsed.data };
  return { kind: 'unreadable', reason: `its answer cannot be read: ${z.prettifyError(parsed.error)}` };
}

/** The answer of an orchestrator that has listed nothing but activities and goes on; undefined for any other. */
function plainAnswer(value: unknown): OrchestratorAnswer | undefined {
  if (!isFields(value) || value['error'] !== undefined) return undefined;
  const { isDone, actionsFrom = 0, actions, output, customStatus, schemaVersion } = value;
  const isSound = isDone === false && isInteger(actionsFrom) && actionsFrom >= 0 && typeof schemaVersion === 'number';
  if (!isSound || !Array.isArray(actions)) return undefined;
  const read: Action[][] = [];
  for (const list of actions) {
    if (!Array.isArray(list)) return undefined;
    const calls = list.map(plainCall).filter((call) => call !== undefined);
    if (calls.length < list.length) return undefined;
    read.push(calls);
  }
  return { isDone, actionsFrom, actions: read, output, customStatus, schemaVersion };
}

function plainCall(value: unknown): Action | undefined {
  if (!isFields(value) || value['actionType'] !== ActionType.CallActivity) return undefined;
  const { functionName, input: given } = value;
  if (typeof functionName !== 'string' || functionName === '') return undefined;
  return { actionType: ActionType.CallActivity, functionName, input: given };
}

/** The text that durable-functions puts before its state in the message of a failed orchestrator. */
const outOfProcLabel = '\n\n$OutOfProcData$:';

/** The state that a failed orchestrator sent inside its error's message; undefined when the error is another one. */
export function answerInError(message: string): OrchestratorAnswer | undefined {
  const at = message.indexOf(outOfProcLabel);
  if (at < 0) return undefined;
  try {
    const parsed = orchestratorAnswer.safeParse(JSON.parse(message.slice(at + outOfProcLabel.length)));
    if (!parsed.success) return undefined;
    // What is no Error has no message; the extension then takes the orchestrator for unfinished, and it waits for ever.
    return { ...parsed.data, error: parsed.data.error ?? 'it threw something that is no Error' };
  } catch {
    return undefined;
  }
}
