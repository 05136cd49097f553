import { failed, succeeded, type Outcome } from '../../../../contracts/failure';
import type { VmId } from '../../../../contracts/ids';
import type { OperationOutput } from '../../../../contracts/operations';
import { openDisk } from '../../../disks/chain';
import { allChunks, chunksOfRanges, chunksTouchedBy, digestDisk } from '../../../disks/digest';
import { DiskError } from '../../../disks/failures';
import type { Disk } from '../../../disks/image';
import { openVhdx } from '../../../disks/vhdx';
import type { DriverContext } from '../../driver';
import { exists } from '../files';
import { rootsOf, type Handler, type SimulatedHost } from '../host';
import { meterOf } from '../images';
import { homeLayout, mergedPath } from '../layout';
import type { AttachedDisk } from '../records';
import { refuse } from '../../refuse';
import { importedPlaceholder, registeredVm } from '../refusals';
import { readRound } from '../tracking/rounds';
import { vmCheckpointOf } from './take-vm-checkpoint';

type Digests = OperationOutput<'digest-disks'>['disks'];

/**
 * A disk, and what `changed` means: the chunks of the run's differencing disk, also after it was merged, or of a round of pre-copy, whose
 * ranges both ends have.
 */
type Scoped = { readonly disk: AttachedDisk; readonly changedPath: string; readonly roundPath: string | undefined };

/** `changed` is the same set of chunks at both ends, since the differencing disk was copied as it is. */
export const digestDisks: Handler<'digest-disks'> = async (host, context, { vmId, scope, side, round }) => {
  const scoped = await (side === 'source'
    ? ofSource(host, context, vmId, round)
    : ofDestination(host, context, vmId, round));
  if (!scoped.ok) return scoped;
  const digests: Digests = [];
  for (const one of scoped.value) {
    const { disk } = one;
    const digest = await digestOne(host, context, disk, scope === 'all' ? undefined : one);
    if (!digest.ok) return digest;
    digests.push({ diskId: disk.diskId, ...digest.value });
  }
  return succeeded({ disks: digests });
};

async function ofSource(
  host: SimulatedHost,
  { runId }: DriverContext,
  vmId: VmId,
  round: number | undefined,
): Promise<Outcome<Scoped[]>> {
  const registered = registeredVm(host, vmId);
  if (!registered.ok) return registered;
  const vm = registered.value;
  if (vm.state === 'running')
    return refuse('VmStateWrong', vmId, `VM ${vm.name} runs: what it would read changes while it is read.`);
  const isKept = vmCheckpointOf(vm, runId)?.stage === 'taken' || vm.fencedBy === runId;
  if (!isKept) return refuse('VmStateWrong', vmId, `VM ${vm.name} is not kept as it is by run ${runId}.`);
  const roundPath = (disk: AttachedDisk) =>
    round === undefined ? undefined : host.layout.roundFile(runId, vmId, round, disk.diskId);
  return succeeded(vm.disks.map((disk) => ({ disk, changedPath: disk.path, roundPath: roundPath(disk) })));
}

async function ofDestination(
  host: SimulatedHost,
  { runId }: DriverContext,
  vmId: VmId,
  round: number | undefined,
): Promise<Outcome<Scoped[]>> {
  const planned = importedPlaceholder(host, runId, vmId);
  if (!planned.ok) return planned;
  const { vm, differencing } = planned.value.imported;
  const scoped: Scoped[] = [];
  for (const disk of vm.disks) {
    const child = differencing.find((one) => one.diskId === disk.diskId)?.childPath ?? disk.path;
    const aside = mergedPath(child);
    const roundPath = round === undefined ? undefined : homeLayout(planned.value.home).roundFile(disk.diskId, round);
    scoped.push({ disk, changedPath: (await exists(aside)) ? aside : child, roundPath });
  }
  return succeeded(scoped);
}

async function digestOne(
  host: SimulatedHost,
  context: DriverContext,
  { path }: AttachedDisk,
  changed: Scoped | undefined,
): Promise<Outcome<{ digest: string; bytesRead: number }>> {
  const opened = await openDisk(path, { access: 'read', roots: rootsOf(host) });
  if (!opened.ok) return opened;
  const disk = opened.value;
  try {
    const digest =
      changed === undefined
        ? await digestDisk(disk, allChunks(disk), context.signal, meterOf(host, context))
        : changed.roundPath === undefined
          ? await digestChanged(host, context, disk, changed.changedPath)
          : await digestRound(host, context, disk, changed.roundPath);
    if (!digest.ok) return digest;
    return succeeded({ digest: digest.value.digest, bytesRead: digest.value.bytesRead });
  } catch (thrown) {
    if (thrown instanceof DiskError) return failed(thrown.failure);
    throw thrown;
  } finally {
    await disk.close();
  }
}

async function digestChanged(
  host: SimulatedHost,
  context: DriverContext,
  disk: Disk,
  changedPath: string,
): ReturnType<typeof digestDisk> {
  const changed = await openVhdx(changedPath, { access: 'read' });
  if (!changed.ok) return changed;
  try {
    return await digestDisk(disk, chunksTouchedBy(changed.value), context.signal, meterOf(host, context));
  } finally {
    await changed.value.close();
  }
}

async function digestRound(
  host: SimulatedHost,
  context: DriverContext,
  disk: Disk,
  roundPath: string,
): ReturnType<typeof digestDisk> {
  const round = await readRound(roundPath);
  if (!round.ok) return round;
  return digestDisk(disk, chunksOfRanges(round.value.ranges), context.signal, meterOf(host, context));
}
