import { dirname } from 'node:path';
import { succeeded, type Outcome } from '../../../../contracts/failure';
import type { RunId, VmId } from '../../../../contracts/ids';
import { exists } from '../../files';
import { digestScoped, type ScopedDisk } from '../../home/digest';
import { homeLayout, mergedPath } from '../../home/layout';
import { refuse } from '../../refuse';
import { disksOf, sizesOf, stateOf } from '../facts';
import { checkpointOf } from '../checkpoints';
import { registeredVm, type Handler, type RealHost } from '../host';
import { marksIn } from '../marks';
import { withImport } from '../placing';

/** Read by the agent itself from files that stand still; their chains are followed within the folders that Hyper-V named. */
export const digestDisks: Handler<'digest-disks'> = async (host, context, { vmId, scope, side, round }) => {
  const { runId } = context;
  const scoped = await (side === 'source'
    ? ofSource(host, runId, vmId, round)
    : ofDestination(host, runId, vmId, round));
  if (!scoped.ok) return scoped;
  const disks = scoped.value.map((disk) => (scope === 'all' ? { ...disk, scope: { type: 'all' as const } } : disk));
  const roots = [...host.roots, ...disks.map(({ path }) => dirname(path))];
  return digestScoped({ clock: host.clock, roots }, context, disks);
};

const changedScope = (imagePath: string, roundPath: string | undefined): ScopedDisk['scope'] =>
  roundPath === undefined ? { type: 'touched-by', imagePath } : { type: 'round', roundPath };

async function ofSource(
  host: RealHost,
  runId: RunId,
  vmId: VmId,
  round: number | undefined,
): Promise<Outcome<ScopedDisk[]>> {
  const registered = await registeredVm(host, vmId);
  if (!registered.ok) return registered;
  const vm = registered.value;
  if (stateOf(vm) === 'running')
    return refuse('VmStateWrong', vmId, `VM ${vm.name} runs: what it would read changes while it is read.`);
  const isKept = checkpointOf(vm, runId) !== undefined || marksIn(vm.notes).fencedBy === runId;
  if (!isKept) return refuse('VmStateWrong', vmId, `VM ${vm.name} is not kept as it is by run ${runId}.`);
  const sizes = sizesOf(vm);
  if (!sizes.ok) return sizes;
  return succeeded(
    disksOf(vm).map(({ diskId, path }) => ({
      diskId,
      path,
      scope: changedScope(path, round === undefined ? undefined : host.runs.roundFile(runId, vmId, round, diskId)),
    })),
  );
}

async function ofDestination(
  host: RealHost,
  runId: RunId,
  vmId: VmId,
  round: number | undefined,
): Promise<Outcome<ScopedDisk[]>> {
  const noted = await host.runs.read(runId, vmId);
  if (!noted.ok) return noted;
  const { placed } = noted.value;
  if (placed === null) return refuse('VmNotFound', vmId, `Run ${runId} has no placeholder of VM ${vmId} on this host.`);
  const note = withImport({ ...noted.value, placed });
  if (!note.ok) return note;
  const { home, imported } = note.value.placed;
  const scoped: ScopedDisk[] = [];
  for (const { diskId, path } of imported.disks) {
    const child = imported.differencing.find((one) => one.diskId === diskId)?.childPath ?? path;
    const aside = mergedPath(child);
    const imagePath = (await exists(aside)) ? aside : child;
    const roundPath = round === undefined ? undefined : homeLayout(home).roundFile(diskId, round);
    scoped.push({ diskId, path, scope: changedScope(imagePath, roundPath) });
  }
  return succeeded(scoped);
}
