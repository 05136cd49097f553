import { isDeepStrictEqual } from 'node:util';
import { failed, succeeded, type Outcome } from '../../contracts/failure';
import type { OperationId, RunId, VmId } from '../../contracts/ids';
import { operations, type OperationInput, type OperationKind } from '../../contracts/operations';
import type { DriverOperationKind } from '../hyperv/driver';
import { invalidRequest } from '../invalid';

/** What is to be made so. */
export type OperationTask =
  | { readonly kind: 'pull'; readonly input: OperationInput<'pull'> }
  | { readonly kind: DriverOperationKind; readonly input: OperationInput<DriverOperationKind> };

/** An operation as the app asks for it, checked. */
export type Operation = {
  readonly operationId: OperationId;
  readonly runId: RunId;
  readonly epoch: number;
  readonly task: OperationTask;
};

export const vmOf = (operation: Operation): VmId => operation.task.input.vmId;

/** Checks an input by the schema of its kind. Fields that the schema does not know are dropped. */
export function parseTask(kind: OperationKind, input: unknown): Outcome<OperationTask> {
  if (kind === 'pull') {
    const parsed = operations.pull.input.safeParse(input);
    return parsed.success
      ? succeeded({ kind, input: parsed.data })
      : failed(invalidRequest(parsed.error, input, 'input'));
  }
  const parsed = operations[kind].input.safeParse(input);
  return parsed.success
    ? succeeded({ kind, input: parsed.data })
    : failed(invalidRequest(parsed.error, input, 'input'));
}

/**
 * What must be equal for two requests with one id to be the same request. The route of a pull (address, certificate, ticket) and what
 * the ledger holds are looked up anew each time that the app sends it, so they say nothing about what is asked.
 */
function contentOf({ runId, epoch, task }: Operation): unknown {
  if (task.kind !== 'pull') return { runId, epoch, task };
  const { peer, ledgerWatermarkBytes: _looked, ...asked } = task.input;
  return { runId, epoch, kind: task.kind, ...asked, from: peer.hostId };
}

export const sameRequest = (one: Operation, other: Operation): boolean =>
  one.operationId === other.operationId && isDeepStrictEqual(contentOf(one), contentOf(other));
