import type { Failure } from '../../../contracts/failure';
import type { DriverOperationKind } from '../driver';

/** Moments between two durable steps of an operation, at which a test lets the host fail. */
export const crashPoints = [
  'vm-checkpoint-announced',
  'vm-checkpoint-image-made',
  'vm-checkpoint-taken',
  'vm-checkpoint-merge-began',
  'vm-checkpoint-merged',
  'vm-checkpoint-merge-final',
  'vm-checkpoint-detached',
  'tracking-advanced',
  'round-begun',
  'round-merged',
  'export-written',
  'saved-state-written',
  'vm-shut-down',
  'vm-saved',
  'vm-resuming',
  'switch-noted',
  'switch-made',
  'switch-removed',
  'switch-kept',
  'placeholder-announced',
  'images-named',
  'disk-merged',
  'start-committed',
  'start-saved-state-taken',
  'start-set-aside',
  'retirement-planned',
  'retirement-unregistered',
  'retirement-file-deleted',
  'move-offered',
  'move-blackout',
  'move-committed',
  'move-arriving',
  'files-mirrored',
  'files-switched',
  'lun-detached',
  'lun-attached',
  'role-noted',
  'role-removed',
  'role-restored',
  'role-made',
] as const;
export type CrashPoint = (typeof crashPoints)[number];

/** What a test puts into the driver. A driver without hooks has no faults. */
export type SimulationHooks = {
  /** Asked before each operation: a failure that is answered in its place. */
  readonly refuse?: (kind: DriverOperationKind) => Failure | undefined;
  /** Told when an operation has come to a point; it goes on when this resolves, if it ever does. */
  readonly reached?: (point: CrashPoint) => Promise<void> | void;
};

/** Hooks that answer `failure` to the `nth` call of an operation, counted from 1. */
export function failNthCall(kind: DriverOperationKind, nth: number, failure: Failure): SimulationHooks {
  let calls = 0;
  return {
    refuse: (called) => {
      if (called !== kind) return undefined;
      calls++;
      return calls === nth ? failure : undefined;
    },
  };
}
