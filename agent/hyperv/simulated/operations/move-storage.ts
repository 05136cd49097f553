import { failed, failureOf, succeeded, type Outcome } from '../../../../contracts/failure';
import { operations, type OperationOutput } from '../../../../contracts/operations';
import { isoTime } from '../../../clock';
import type { DriverContext } from '../../driver';
import { checkSlots } from '../admission';
import { filesOfVm } from '../file-use';
import { removeDurably } from '../../files';
import { changeDisks, isAwake } from '../guests';
import type { Handler, SimulatedHost } from '../host';
import { Mirror, movedTo } from '../mirror';
import type { VmRecord } from '../records';
import { refuse } from '../../refuse';
import { reservedVm } from '../refusals';
import { makeHome } from '../../home/made';
import { checkPlace, placeBelow } from './reserve-room';
import { deleteFiles } from './retire-vm';

type Moved = OperationOutput<'move-storage'>;

/**
 * Copies the disks of a running VM to another folder, its writes going to both, then switches by one change of the record. Before the switch
 * everything is taken back; after it the old files are deleted, by a repeat if need be.
 */
export const moveStorage: Handler<'move-storage'> = async (host, context, { vmId, folder }) => {
  const { runId } = context;
  const reserved = reservedVm(host, runId, vmId);
  if (!reserved.ok) return reserved;
  const vm = reserved.value;
  const place = await placeBelow(host, folder, vmId);
  if (!place.ok) return place;
  const { home } = place.value;
  if (vm.home === home && host.state.run(runId, vmId).moved !== null) return finish(host, context, vm);
  const free = await checkPlace(host, runId, vmId, place.value);
  if (!free.ok) return free;
  const guest = host.guests.get(vmId);
  if (vm.state !== 'running' || guest === undefined)
    return refuse('VmStateWrong', vmId, `VM ${vm.name} is ${vm.state}; it must be running for its files to move.`);
  if (vm.vmCheckpoints.some((taken) => taken.stage !== 'taken'))
    return refuse('VmBusy', vmId, `A VM checkpoint of VM ${vm.name} is being taken or merged.`);
  if (!(await isAwake(host, guest, context.signal))) return refuse('VmBusy', vmId, `VM ${vm.name} is still starting.`);
  const slots = await checkSlots(host, vmId, 'storage');
  if (!slots.ok) return slots;
  host.jobs.set(vmId, 'storage');
  try {
    const switched = await mirrorAndSwitch(host, context, vm, home);
    return switched.ok ? await finish(host, context, switched.value) : switched;
  } finally {
    host.jobs.delete(vmId);
  }
};

async function mirrorAndSwitch(
  host: SimulatedHost,
  context: DriverContext,
  vm: VmRecord,
  home: string,
): Promise<Outcome<VmRecord>> {
  const { runId } = context;
  const guest = host.guests.get(vm.vmId);
  if (guest === undefined) throw new Error('a VM whose files move runs');
  await removeDurably(home);
  await makeHome(home, runId, vm.vmId);
  guest.watchPauses();
  const made = await Mirror.make(host, context, guest, home);
  if (!made.ok) {
    await removeDurably(home);
    return made;
  }
  await host.reached('files-mirrored');
  const mirror = made.value;
  const old = await filesOfVm(host, vm);
  const beganAtMs = host.clock.now();
  const switched = await changeDisks(host, vm.vmId, async (): Promise<Outcome<VmRecord>> => {
    if (mirror.failure !== undefined) return failed({ ...mirror.failure, effect: 'none' });
    if (context.signal.aborted)
      return failed(failureOf('CanceledByOperator', { message: 'The move was stopped.', effect: 'none' }));
    const now = movedTo({ ...(host.state.vm(vm.vmId) ?? vm), guestOutageMs: null }, home);
    const changes = now.disks.map(
      ({ diskId, path }, index) => `Disk ${diskId} was ${vm.disks[index]?.path ?? 'nowhere'} and is now ${path}.`,
    );
    const endedAt = isoTime(host.clock.now());
    const answer: Moved = {
      ...mirror.sums,
      endedAt,
      outageMs: host.clock.now() - beganAtMs,
      memorySentBytes: 0,
      changes,
    };
    await host.state.saveRun({
      ...host.state.run(runId, vm.vmId),
      moved: { answer, remove: old.map((file) => file.path), home: vm.home, arrivedAt: null },
    });
    return succeeded(await host.state.saveVm(now));
  });
  await host.reached('files-switched');
  if (switched.ok) guest.pausesSeen();
  // Where the VM has its files there by now, and could not open them, they are all that it has.
  else if (host.state.vm(vm.vmId)?.home !== home) await removeDurably(home);
  return switched;
}

/** The old files go; nothing of the VM is in them any more. */
async function finish(host: SimulatedHost, { runId }: DriverContext, vm: VmRecord): Promise<Outcome<Moved>> {
  const { moved } = host.state.run(runId, vm.vmId);
  if (moved === null) throw new Error('a move that was made was noted before');
  if (moved.home !== null) {
    const deleted = await deleteFiles(host, { policy: 'delete', delete: moved.remove, home: moved.home });
    if (!deleted.ok) return failed({ ...deleted.failure, effect: 'applied' });
  }
  return succeeded(operations['move-storage'].output.parse(moved.answer));
}
