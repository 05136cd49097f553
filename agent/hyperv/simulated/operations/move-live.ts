import { dirname } from 'node:path';
import { failed, failureOf, succeeded, type Outcome } from '../../../../contracts/failure';
import type { HostId, VmId } from '../../../../contracts/ids';
import type { OperationOutput, VmNeeds } from '../../../../contracts/operations';
import { operations } from '../../../../contracts/operations';
import { isoTime } from '../../../clock';
import type { DriverContext } from '../../driver';
import { checkSlots } from '../admission';
import { awaitArrival, Giving, type Asked } from '../fabric/handover';
import { filesOfVm } from '../file-use';
import { makeFolder, removeDurably } from '../../files';
import type { Guest } from '../guest/guest';
import { writeSavedState } from '../guest/saved-state-file';
import { goOn, haltGuest, isAwake } from '../guests';
import type { Handler, SimulatedHost } from '../host';
import { homeLayout } from '../../home/layout';
import { Mirror, movedTo, type Mirrored } from '../mirror';
import type { VmRecord } from '../records';
import { refuse } from '../../refuse';
import { reservedVm } from '../refusals';
import { needsOf } from './describe-vm';
import { precopy } from './precopy';
import { deleteFiles } from './retire-vm';

export type Moved = OperationOutput<'move-live'>;

type Move = {
  readonly peerHost: HostId;
  readonly type: 'live' | 'whole';
  readonly folder: string | null;
  readonly switchName: string | null;
};

export const moveLive: Handler<'move-live'> = (host, context, { vmId, peerHost }) =>
  move(host, context, vmId, { peerHost, type: 'live', folder: null, switchName: null });

export const moveWhole: Handler<'move-whole'> = (host, context, { vmId, peerHost, folder, switchName }) =>
  move(host, context, vmId, { peerHost, type: 'whole', folder, switchName });

/**
 * The job of the hypervisor that takes a running VM to another host. Until the handover is committed everything can be taken back, and
 * whatever fails is; from then on it waits until the VM has arrived. A repeat after a crash goes by what is on disk.
 */
async function move(host: SimulatedHost, context: DriverContext, vmId: VmId, asked: Move): Promise<Outcome<Moved>> {
  const { runId } = context;
  if (host.state.vm(vmId) === undefined && host.state.run(runId, vmId).moved !== null)
    return finish(host, context, vmId);
  const reserved = reservedVm(host, runId, vmId);
  if (!reserved.ok) return reserved;
  const vm = reserved.value;
  const guest = host.guests.get(vmId);
  if (vm.state !== 'running' || guest === undefined)
    return refuse('VmStateWrong', vmId, `VM ${vm.name} is ${vm.state}; it must be running to be moved live.`);
  if (!(await isAwake(host, guest, context.signal))) return refuse('VmBusy', vmId, `VM ${vm.name} is still starting.`);
  const slots = await checkSlots(host, vmId, 'live');
  if (!slots.ok) return slots;
  const needs = await needsOf(host, vm);
  if (!needs.ok) return needs;
  host.jobs.set(vmId, 'live');
  try {
    const given = await give(host, context, { vm, guest, needs: needs.value, asked });
    return given.ok ? await finish(host, context, vmId) : given;
  } finally {
    host.jobs.delete(vmId);
  }
}

type Job = { readonly vm: VmRecord; readonly guest: Guest; readonly needs: VmNeeds; readonly asked: Move };

/** Everything up to the commit. A failure leaves the VM running here. */
async function give(host: SimulatedHost, context: DriverContext, job: Job): Promise<Outcome<void>> {
  const { vm, needs, asked } = job;
  const offer: Asked = { ...asked, runId: context.runId, to: asked.peerHost, needs };
  const giving = await Giving.begin(host, vm, offer, context.signal);
  if (!giving.ok) return giving;
  let given: Outcome<void> | undefined;
  try {
    given = await giveTo(host, context, job, giving.value);
  } finally {
    if (given?.ok !== true) await giving.value.abandon();
  }
  if (!given.ok) await host.state.saveRun({ ...host.state.run(context.runId, vm.vmId), moved: null });
  return given;
}

async function giveTo(host: SimulatedHost, context: DriverContext, job: Job, giving: Giving): Promise<Outcome<void>> {
  const { vm, guest, asked } = job;
  const mirror =
    asked.type === 'whole' ? await Mirror.make(host, context, guest, giving.home, vm.memoryBytes) : undefined;
  if (mirror?.ok === false) return mirror;
  const sent = await precopy(host, after(context, mirror?.value.sums.copiedBytes ?? 0), vm);
  const broken = sent.ok ? mirror?.value.failure : sent.failure;
  if (!sent.ok || broken !== undefined) {
    await mirror?.value.stop();
    return failed(broken ?? failureOf('Bug', { message: 'a pre-copy that failed says why' }));
  }
  return handOver(host, context, job, giving, mirror?.value, sent.value);
}

/** Work that comes after so many bytes of the same operation. */
const after = (context: DriverContext, bytes: number): DriverContext => ({
  ...context,
  report: (progress) =>
    context.report({
      ...progress,
      bytesDone: progress.bytesDone + bytes,
      bytesTotal: progress.bytesTotal + bytes,
    }),
});

/** The VM stands still from here to its arrival; when the other host does not take it after all, it goes on here. */
async function handOver(
  host: SimulatedHost,
  { runId }: DriverContext,
  { vm, guest, asked }: Job,
  giving: Giving,
  mirror: Mirror | undefined,
  memorySentBytes: number,
): Promise<Outcome<void>> {
  const files = asked.type === 'whole' ? (await filesOfVm(host, vm)).map((file) => file.path) : [];
  const current = host.state.vm(vm.vmId) ?? vm;
  const memory = await haltGuest(host, current, guest);
  const stoppedAtMs = host.clock.now();
  const moved = mirror === undefined ? current : movedTo(current, giving.home);
  const path = homeLayout(moved.home).savedStateOf(vm.vmId);
  const committed = await untilCommitted().catch(async (thrown: unknown) => {
    // Where something failed behind the handover, the VM is the other host's, and never goes on here.
    if (await giving.isCommitted()) return succeeded(undefined);
    await goOn(host, current, memory);
    throw thrown;
  });
  if (committed.ok) return committed;
  const resumed = await goOn(host, current, memory);
  await removeDurably(path);
  return resumed.ok ? committed : resumed;

  async function untilCommitted(): Promise<Outcome<void>> {
    if (mirror?.failure !== undefined) return failed(mirror.failure);
    await makeFolder(dirname(path));
    const savedAt = isoTime(stoppedAtMs);
    const sizeBytes = await writeSavedState(path, vm.vmId, memory, 0);
    const sums: Mirrored = mirror?.sums ?? { copiedBytes: 0, mirroredBytes: 0 };
    const answer = { stoppedAt: savedAt, memorySentBytes, ...sums, changes: changesOf(current, moved, asked) };
    await host.state.saveRun({
      ...host.state.run(runId, vm.vmId),
      moved: { answer, remove: files, home: asked.type === 'whole' ? vm.home : null, arrivedAt: null },
    });
    const { setAside: _none, ...registration } = moved;
    return giving.commit({
      ...registration,
      switchName: asked.switchName ?? vm.switchName,
      savedState: { path, sizeBytes, savedAt, runId },
    });
  }
}

const stored = operations['move-live'].output
  .pick({ memorySentBytes: true, copiedBytes: true, mirroredBytes: true, changes: true })
  .extend({ stoppedAt: operations['save-vm'].output.shape.savedAt });

/** After the commit: the VM is not here any more. Its files go when they went along, and the move is over when it has arrived. */
async function finish(host: SimulatedHost, context: DriverContext, vmId: VmId): Promise<Outcome<Moved>> {
  const { moved } = host.state.run(context.runId, vmId);
  if (moved === null) throw new Error('a move that was committed was noted before');
  if (host.state.vm(vmId) !== undefined) await host.state.dropVm(vmId);
  const arrived = await awaitArrival(host, context.runId, vmId, context.signal);
  if (!arrived.ok) return arrived;
  if (moved.home !== null) {
    const deleted = await deleteFiles(host, { policy: 'delete', delete: moved.remove, home: moved.home });
    if (!deleted.ok) return failed({ ...deleted.failure, effect: 'applied' });
  }
  const { stoppedAt, ...sums } = stored.parse(moved.answer);
  const outageMs = Math.max(0, Date.parse(arrived.value) - Date.parse(stoppedAt));
  return succeeded({ ...sums, endedAt: arrived.value, outageMs });
}

function changesOf(before: VmRecord, after: VmRecord, { peerHost, switchName }: Move): string[] {
  const disks = after.disks.flatMap(({ diskId, path }, index) => {
    const former = before.disks[index]?.path;
    return former === path ? [] : [`Disk ${diskId} was ${former ?? 'nowhere'} and is now ${path}.`];
  });
  const network =
    switchName === null || switchName === before.switchName
      ? []
      : [`The virtual switch was "${before.switchName ?? ''}" and is now "${switchName}".`];
  return [`The VM is on ${peerHost} now.`, ...disks, ...network];
}
