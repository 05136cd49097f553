import { isDeepStrictEqual } from 'node:util';
import type { z } from 'zod';
import { failed, succeeded, type Outcome } from '../../contracts/failure';
import type { OperationId, RunId, VmId } from '../../contracts/ids';
import { operations, type OperationInput, type OperationKind } from '../../contracts/operations';
import type { DriverOperationKind } from '../hyperv/driver';
import { invalidRequest } from '../invalid';

/** What is to be made so. */
export type OperationTask =
  | { readonly kind: 'pull'; readonly input: OperationInput<'pull'> }
  | { readonly kind: 'stage'; readonly input: OperationInput<'stage'> }
  | { readonly kind: 'pull-staged'; readonly input: OperationInput<'pull-staged'> }
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
  switch (kind) {
    case 'pull':
      return parsedAs(operations.pull.input.safeParse(input), input, (parsed) => ({ kind, input: parsed }));
    case 'stage':
      return parsedAs(operations.stage.input.safeParse(input), input, (parsed) => ({ kind, input: parsed }));
    case 'pull-staged':
      return parsedAs(operations['pull-staged'].input.safeParse(input), input, (parsed) => ({ kind, input: parsed }));
    default:
      return parsedAs<OperationInput<typeof kind>>(operations[kind].input.safeParse(input), input, (parsed) => ({
        kind,
        input: parsed,
      }));
  }
}

const parsedAs = <T>(
  parsed: z.ZodSafeParseResult<T>,
  input: unknown,
  taskOf: (input: T) => OperationTask,
): Outcome<OperationTask> =>
  parsed.success ? succeeded(taskOf(parsed.data)) : failed(invalidRequest(parsed.error, input, 'input'));

/**
 * What must be equal for two requests with one id to be the same request. The route of a pull (address, certificate, ticket), the access to
 * staging storage and what the ledger holds are looked up anew each time that the app sends it, so they say nothing about what is asked.
 */
function contentOf({ runId, epoch, task }: Operation): unknown {
  switch (task.kind) {
    case 'pull': {
      const { peer, ledgerWatermarkBytes: _looked, ...asked } = task.input;
      return { runId, epoch, kind: task.kind, ...asked, from: peer.hostId };
    }
    case 'stage':
    case 'pull-staged': {
      const { staging: _made, ledgerWatermarkBytes: _looked, ...asked } = task.input;
      return { runId, epoch, kind: task.kind, ...asked };
    }
    default:
      return { runId, epoch, task };
  }
}

export const sameRequest = (one: Operation, other: Operation): boolean =>
  one.operationId === other.operationId && isDeepStrictEqual(contentOf(one), contentOf(other));
