import type { Outcome } from '../../../../contracts/failure';
import { succeeded } from '../../../../contracts/failure';
import type { VmId } from '../../../../contracts/ids';
import type { LookedAtMove, MoveJob } from '../calls/moves';
import type { RealHost } from '../host';

/** Msvm_ComputerSystem.OperationalStatus: the hypervisor moves the VM. */
const migrating = 32774;

/** Jobs of these types move something: a VM (305), a VM and its storage (306), storage (307). The others check or prepare. */
const movingTypes: readonly number[] = [305, 306, 307];
export const moves = ({ type }: MoveJob): boolean => movingTypes.includes(type);

/** New, starting, running, suspended, shutting down; service. */
const openStates: readonly number[] = [2, 3, 4, 5, 6, 11];
export const isOpen = ({ state }: MoveJob): boolean => openStates.includes(state);

/** Completed, with warnings or without. */
export const isCompleted = ({ state }: MoveJob): boolean => state === 7 || state === 32768;

/** Whether Hyper-V moves the VM, or is about to. */
export const isUnderWay = ({ statuses, jobs }: LookedAtMove): boolean =>
  statuses.includes(migrating) || jobs.some(isOpen);

export const lookAtMove = ({ client }: RealHost, vmId: VmId): Promise<Outcome<LookedAtMove>> =>
  client.call('read-move', { VmId: vmId }, { vmId });

/** Whether Hyper-V moves the VM from or to this host now. */
export async function isMoving(host: RealHost, vmId: VmId): Promise<Outcome<boolean>> {
  const looked = await lookAtMove(host, vmId);
  return looked.ok ? succeeded(isUnderWay(looked.value)) : looked;
}
