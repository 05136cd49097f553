import { failureOf, type Failure } from '../../contracts/failure';
import { rulesOf } from '../../contracts/operations';
import { vmOf, type Operation } from './task';

/** Where the run stands on this host with the operation's VM. */
export type RunOnHost = {
  /** Whether this run started the VM here, or is about to. */
  readonly started: boolean;
  /** Whether this run ever fenced the VM here, which makes this host the source as well (a move to another folder of the same host). */
  readonly fenced: boolean;
};

/** Why the operation must not be carried out any more, if so: what its contract says of the time after the start (`afterStart`). */
export function refusedAfterStart(operation: Operation, { started, fenced }: RunOnHost): Failure | undefined {
  const rule = rulesOf(operation.task.kind).afterStart;
  if (!started || rule === 'allowed' || (rule === 'source-only' && fenced)) return undefined;
  return failureOf('RefusedAfterStart', {
    message: `run ${operation.runId} started VM ${vmOf(operation)} on this host, so ${operation.task.kind} is not carried out`,
    subject: { vmId: vmOf(operation), operationId: operation.operationId },
  });
}
