import { statfs } from 'node:fs/promises';
import type { RunId, VmId } from '../../../contracts/ids';
import { ifExists } from '../../files';
import { filesBelow } from '../files';
import { isAtOrBelow } from '../paths';
import type { HostRecord, RunRecord } from './records';
import type { HostState } from './state';

export type VolumeUse = {
  readonly root: string;
  readonly sizeBytes: number;
  readonly freeBytes: number;
  /** Promised to runs that have not written it yet. */
  readonly reservedBytes: number;
};

/** What a volume holds, has left and has promised to runs other than `exceptOf`. Its capacity is that of host.json or of the real disk, whichever is less. */
export async function volumeUse(
  volume: HostRecord['volumes'][number],
  state: HostState,
  exceptOf?: { readonly runId: RunId; readonly vmId: VmId },
): Promise<VolumeUse> {
  const files = await filesBelow(volume.root);
  const usedBytes = files.reduce((sum, file) => sum + file.allocatedBytes, 0);
  const real = await ifExists(statfs(volume.root));
  const realFreeBytes = real === undefined ? 0 : real.bavail * real.bsize;
  let reservedBytes = 0;
  for (const run of state.runs) {
    if (run.runId === exceptOf?.runId && run.vmId === exceptOf.vmId) continue;
    if (run.room !== null && isAtOrBelow(volume.root, run.room.folder)) reservedBytes += await unwrittenBytes(run);
  }
  const freeBytes = Math.max(0, Math.min(volume.sizeBytes - usedBytes, realFreeBytes));
  return { root: volume.root, sizeBytes: volume.sizeBytes, freeBytes, reservedBytes };
}

/** What was promised to a run and is not yet taken up by its files. */
export async function unwrittenBytes(run: RunRecord): Promise<number> {
  if (run.room === null) return 0;
  const files = run.home === null ? [] : await filesBelow(run.home);
  return Math.max(0, run.room.roomBytes - files.reduce((sum, file) => sum + file.allocatedBytes, 0));
}

/** The volume that a path lies on; the innermost when roots are nested. */
export function volumeOf(path: string, host: HostRecord): HostRecord['volumes'][number] | undefined {
  const holding = host.volumes.filter((volume) => isAtOrBelow(volume.root, path));
  return holding.sort((one, other) => other.root.length - one.root.length)[0];
}

/** Memory of the host that no running VM has and no other run was promised. */
export function memoryFreeBytes(host: HostRecord, state: HostState, exceptOfVm?: VmId): number {
  const running = state.vms.filter((vm) => vm.state === 'running' && vm.vmId !== exceptOfVm);
  const promised = state.runs.filter((run) => run.room !== null && run.vmId !== exceptOfVm && !startedHere(run, state));
  const taken =
    running.reduce((sum, vm) => sum + vm.memoryBytes, 0) +
    promised.reduce((sum, run) => sum + (run.room?.memoryBytes ?? 0), 0);
  return Math.max(0, host.memoryBytes - taken);
}

/** From then on the VM itself has the memory that was promised. */
const startedHere = (run: RunRecord, state: HostState): boolean => state.vm(run.vmId)?.startedBy?.runId === run.runId;
