import { failed, succeeded, type Outcome } from '../../../../contracts/failure';
import type { RunId } from '../../../../contracts/ids';
import { vmSizes } from '../facts';
import { changeDisks } from '../guests';
import type { Handler, SimulatedHost } from '../host';
import { differencingPath, factsOfFiles, makeDifferencing } from '../images';
import type { VmCheckpointRecord, VmRecord } from '../records';
import { afterwards } from '../../afterwards';
import { refuse } from '../../refuse';
import { reservedVm } from '../refusals';
import { guidOf } from '../seeded';
import { volumeOf, volumeUse } from '../volumes';
import { isoTime } from '../../../clock';

export const vmCheckpointOf = (vm: VmRecord, run: RunId): VmCheckpointRecord | undefined =>
  vm.vmCheckpoints.find((taken) => taken.runId === run);

/** Header, tables, log and the first blocks of a differencing disk. */
const newImageBytes = 8 * 1024 * 1024;

/**
 * Announced in the record, then one differencing disk for each disk, then all attached by one change of the record: after a crash
 * either none or all of them are in use, and those that are not are known.
 */
export const takeVmCheckpoint: Handler<'take-vm-checkpoint'> = async (host, { runId }, { vmId }) => {
  const reserved = reservedVm(host, runId, vmId);
  if (!reserved.ok) return reserved;
  const vm = reserved.value;
  const before = vmCheckpointOf(vm, runId);
  if (before?.stage === 'taken') return afterwards(() => vmSizes(host, vm));
  if (before?.stage === 'merging')
    return refuse('VmStateWrong', vmId, `The VM checkpoint of run ${runId} is being merged back.`);
  if (vm.fencedBy !== null)
    return refuse('VmFenced', vmId, `VM ${vm.name} is fenced by this run: its disks do not change.`);
  if (!host.guests.has(vmId)) {
    // A guest has the whole chain open; without one nobody has looked at it yet.
    const whole = await factsOfFiles(host, vm.disks);
    if (!whole.ok) return whole;
  }
  const taken = await freeze(host, vm, runId);
  return taken.ok ? afterwards(() => vmSizes(host, taken.value)) : taken;
};

/** What is noted in the record in the moment in which the disks stand still. */
export type AlsoNoted = (vm: VmRecord) => Promise<Outcome<VmRecord>>;

const nothingElse: AlsoNoted = (vm) => Promise.resolve(succeeded(vm));

/** Room for new differencing disks on the volume of the VM. */
export async function roomForLayers(host: SimulatedHost, vm: VmRecord): Promise<Outcome<void>> {
  const volume = volumeOf(vm.home, host.record);
  const freeBytes = volume === undefined ? 0 : (await volumeUse(volume, host.state)).freeBytes;
  const neededBytes = vm.disks.length * newImageBytes;
  if (freeBytes >= neededBytes) return succeeded(undefined);
  const message = `A VM checkpoint of VM ${vm.name} takes ${neededBytes} bytes to begin with; its volume has ${freeBytes} free.`;
  return refuse('NotEnoughRoom', vm.vmId, message);
}

/** Puts a differencing disk on top of each disk. The VM has no VM checkpoint of this run yet, or one that was cut short. */
export async function freeze(
  host: SimulatedHost,
  vm: VmRecord,
  runId: RunId,
  alsoNoted = nothingElse,
): Promise<Outcome<VmRecord>> {
  const room = await roomForLayers(host, vm);
  if (!room.ok) return room;
  const announced = vmCheckpointOf(vm, runId) === undefined ? await announce(host, vm, runId) : vm;
  await host.reached('vm-checkpoint-announced');
  const taken = await changeDisks(host, vm.vmId, () => attachDifferencing(host, announced, runId, alsoNoted));
  return taken.ok ? taken : failed({ ...taken.failure, effect: 'applied' });
}

function announce(host: SimulatedHost, vm: VmRecord, runId: RunId): Promise<VmRecord> {
  const announced: VmCheckpointRecord = {
    id: guidOf(runId, vm.vmId, 'vm-checkpoint'),
    name: `hyperferry ${runId}`,
    runId,
    createdAt: isoTime(host.clock.now()),
    frozen: vm.disks,
    stage: 'taking',
    layers: 1,
  };
  return host.state.saveVm({ ...vm, vmCheckpoints: [...vm.vmCheckpoints, announced] });
}

async function attachDifferencing(
  host: SimulatedHost,
  vm: VmRecord,
  runId: RunId,
  alsoNoted: AlsoNoted,
): Promise<Outcome<VmRecord>> {
  const noted = await alsoNoted(host.state.vm(vm.vmId) ?? vm);
  if (!noted.ok) return noted;
  const disks: VmRecord['disks'] = [];
  for (const { diskId, path } of vm.disks) {
    const childPath = differencingPath(path, runId, vm.vmId, diskId, 'vm-checkpoint');
    const made = await makeDifferencing(host, path, childPath);
    if (!made.ok) return made;
    disks.push({ diskId, path: childPath });
    await host.reached('vm-checkpoint-image-made');
  }
  const now = noted.value;
  const vmCheckpoints = now.vmCheckpoints.map((one) =>
    one.runId === runId ? { ...one, stage: 'taken' as const } : one,
  );
  const saved = await host.state.saveVm({ ...now, disks, vmCheckpoints });
  await host.reached('vm-checkpoint-taken');
  return succeeded(saved);
}
