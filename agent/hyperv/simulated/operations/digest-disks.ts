import { succeeded, type Outcome } from '../../../../contracts/failure';
import type { VmId } from '../../../../contracts/ids';
import type { DriverContext } from '../../driver';
import { exists } from '../../files';
import { digestScoped, type ScopedDisk } from '../../home/digest';
import { homeLayout, mergedPath } from '../../home/layout';
import { rootsOf, type Handler, type SimulatedHost } from '../host';
import type { AttachedDisk } from '../records';
import { refuse } from '../../refuse';
import { importedPlaceholder, registeredVm } from '../refusals';
import { vmCheckpointOf } from './take-vm-checkpoint';

/**
 * `changed` is the same set of chunks at both ends: of the run's differencing disk, which was copied as it is, also after it was merged,
 * or of a round of pre-copy, whose ranges both ends have.
 */
export const digestDisks: Handler<'digest-disks'> = async (host, context, { vmId, scope, side, round }) => {
  const scoped = await (side === 'source'
    ? ofSource(host, context, vmId, round)
    : ofDestination(host, context, vmId, round));
  if (!scoped.ok) return scoped;
  const disks = scoped.value.map((disk) => (scope === 'all' ? { ...disk, scope: { type: 'all' as const } } : disk));
  return digestScoped({ clock: host.clock, roots: rootsOf(host) }, context, disks);
};

const changedScope = (imagePath: string, roundPath: string | undefined): ScopedDisk['scope'] =>
  roundPath === undefined ? { type: 'touched-by', imagePath } : { type: 'round', roundPath };

async function ofSource(
  host: SimulatedHost,
  { runId }: DriverContext,
  vmId: VmId,
  round: number | undefined,
): Promise<Outcome<ScopedDisk[]>> {
  const registered = registeredVm(host, vmId);
  if (!registered.ok) return registered;
  const vm = registered.value;
  if (vm.state === 'running')
    return refuse('VmStateWrong', vmId, `VM ${vm.name} runs: what it would read changes while it is read.`);
  const isKept = vmCheckpointOf(vm, runId)?.stage === 'taken' || vm.fencedBy === runId;
  if (!isKept) return refuse('VmStateWrong', vmId, `VM ${vm.name} is not kept as it is by run ${runId}.`);
  const roundPath = (disk: AttachedDisk) =>
    round === undefined ? undefined : host.layout.roundFile(runId, vmId, round, disk.diskId);
  return succeeded(vm.disks.map((disk) => ({ ...disk, scope: changedScope(disk.path, roundPath(disk)) })));
}

async function ofDestination(
  host: SimulatedHost,
  { runId }: DriverContext,
  vmId: VmId,
  round: number | undefined,
): Promise<Outcome<ScopedDisk[]>> {
  const planned = importedPlaceholder(host, runId, vmId);
  if (!planned.ok) return planned;
  const { vm, differencing } = planned.value.imported;
  const scoped: ScopedDisk[] = [];
  for (const disk of vm.disks) {
    const child = differencing.find((one) => one.diskId === disk.diskId)?.childPath ?? disk.path;
    const aside = mergedPath(child);
    const roundPath = round === undefined ? undefined : homeLayout(planned.value.home).roundFile(disk.diskId, round);
    scoped.push({ ...disk, scope: changedScope((await exists(aside)) ? aside : child, roundPath) });
  }
  return succeeded(scoped);
}
