import { z } from 'zod';
import { defineActivity, type ActivityDefinition } from '../contracts/activity';
import { batchDocument } from '../contracts/batch';
import { failure } from '../contracts/failure';
import { hostId, migrationId, operationId, runId } from '../contracts/ids';
import { acceptedRequest, runInput, runStates } from '../contracts/migration';
import { operationView, type OperationKind, type OperationView } from '../contracts/operations';
import { preflightReport } from '../contracts/preflight';
import { phaseRecord, told } from '../contracts/receipt';

/** What orchestrators may call, by name and shape. The bodies are beside this file; no orchestrator may import them. */

export const startOperationInput = z.object({
  host: hostId,
  operationId,
  runId,
  epoch: z.int().positive(),
  input: z.unknown(),
  /** For a pull: the host that serves it. The activity asks both ends for their addresses and signs the ticket. */
  pullFrom: hostId.optional(),
  /** For a pull: the name under which the ledger keeps its watermark. */
  ledgerName: z.string().optional(),
});
export type StartOperationInput = z.infer<typeof startOperationInput>;

const starts = new Map<OperationKind, ActivityDefinition<StartOperationInput, OperationView>>();

/** One activity a kind of operation, so that the portal shows by name what a run asked of which host. */
export function startOperation(kind: OperationKind): ActivityDefinition<StartOperationInput, OperationView> {
  const start = starts.get(kind) ?? defineActivity(kind, startOperationInput, operationView);
  starts.set(kind, start);
  return start;
}

export const operationRef = z.object({
  host: hostId,
  operationId,
  /** Name under which the ledger keeps this operation's watermark; absent for operations that move no bytes. */
  ledgerName: z.string().optional(),
});
export type OperationRef = z.infer<typeof operationRef>;

const viewOrFailure = z.discriminatedUnion('ok', [
  z.object({ ok: z.literal(true), value: operationView }),
  z.object({ ok: z.literal(false), failure }),
]);

/** Asks the agents how operations stand, and copies the watermarks of transfers to the ledger. Answers in the order of the question. */
export const lookAtOperations = defineActivity(
  'look-at-operations',
  z.object({ runId, operations: z.array(operationRef).min(1) }),
  z.array(viewOrFailure),
);

/** Asks agents to stop operations. It is done when a look says so. */
export const cancelOperations = defineActivity(
  'cancel-operations',
  z.object({ runId, operations: z.array(operationRef) }),
  z.object({}),
);

/** Looks at everything that a migration needs, and changes nothing. A host that cannot be asked now is a failure. */
export const preflight = defineActivity('preflight', z.object({ runId, request: acceptedRequest }), preflightReport);

/** Tells that a run which staged its bytes has ended, and removes what no run of its batch needs any more. */
export const leaveStaging = defineActivity('leave-staging', z.object({ runId }), z.object({}));

/** Writes the receipt of a run that ended; asks both hosts what still carries the run's mark. */
export const writeReceipt = defineActivity(
  'write-receipt',
  z.object({
    input: runInput,
    state: z.enum(runStates),
    startedAt: z.string(),
    endedAt: z.string(),
    phases: z.array(phaseRecord),
    told,
    failure: failure.nullable(),
    /** Write it even if a host cannot be asked. */
    lastAttempt: z.boolean(),
  }),
  z.object({ leftovers: z.int().nonnegative() }),
);

/** The document of a batch, without its migrations. */
export const readBatch = defineActivity(
  'read-batch',
  z.object({ batchId: z.string() }),
  batchDocument.omit({ migrations: true }).extend({ migrationCount: z.int().positive() }),
);

/** One migration of a batch as the input of its run, with the settings of the app as they are now. */
export const readBatchMember = defineActivity(
  'read-batch-member',
  z.object({ batchId: z.string(), index: z.int().nonnegative() }),
  runInput,
);

export const runOutcome = z.object({
  id: migrationId,
  state: z.enum(runStates),
  failure: failure.nullable(),
});
export type RunOutcome = z.infer<typeof runOutcome>;
