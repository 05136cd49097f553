import { failureOf, type Failure } from '../../contracts/failure';
import type { OperationKind } from '../../contracts/operations';
import { vmOf, type Operation } from './task';

/**
 * What a run may still ask for a VM that it started here. From the start on a run only goes forward, so what would write to or remove
 * the started VM's files, stop it, or let the source start again on this same host, is refused whatever the driver thinks.
 * `source-only` is for a host that is source and destination of the run: there it means the VM that the run fenced before the start.
 */
const afterStart = {
  'reserve-vm': 'allowed',
  'reserve-room': 'allowed',
  release: 'allowed',
  'check-disks': 'allowed',
  'place-vm': 'refused',
  'remove-placeholder': 'refused',
  'take-vm-checkpoint': 'refused',
  'remove-vm-checkpoint': 'allowed',
  pull: 'refused',
  'save-vm': 'refused',
  'resume-vm': 'refused',
  'fence-vm': 'source-only',
  'unfence-vm': 'refused',
  'export-configuration': 'allowed',
  'remove-export': 'allowed',
  'import-configuration': 'refused',
  'merge-disks': 'refused',
  'digest-disks': 'allowed',
  'start-vm': 'allowed',
  'await-heartbeat': 'allowed',
  'retire-vm': 'source-only',
} as const satisfies Record<OperationKind, 'allowed' | 'refused' | 'source-only'>;

/** Where the run stands on this host with the operation's VM. */
export type RunOnHost = {
  /** Whether this run started the VM here, or is about to. */
  readonly started: boolean;
  /** Whether this run ever fenced the VM here, which makes this host the source as well (a move to another folder of the same host). */
  readonly fenced: boolean;
};

/** Why the operation must not be carried out any more, if so. */
export function refusedAfterStart(operation: Operation, { started, fenced }: RunOnHost): Failure | undefined {
  const rule = afterStart[operation.task.kind];
  if (!started || rule === 'allowed' || (rule === 'source-only' && fenced)) return undefined;
  return failureOf('RefusedAfterStart', {
    message: `run ${operation.runId} started VM ${vmOf(operation)} on this host, so ${operation.task.kind} is not carried out`,
    subject: { vmId: vmOf(operation), operationId: operation.operationId },
  });
}
