import { succeeded, type Outcome } from '../../../contracts/failure';
import type { RunId, VmId } from '../../../contracts/ids';
import { filesBelow } from '../files';
import { isAtOrBelow } from '../paths';
import type { RunFile, RunFiles } from './run-files';

/**
 * Everything that is noted, with promises as far as they are open: room that is still to be written, and memory of VMs that were not
 * started yet. Failure: JournalDamaged where one of the files cannot be read.
 */
export async function openPromises(runs: RunFiles): Promise<Outcome<RunFile[]>> {
  const noted = await runs.all();
  return noted.ok ? succeeded(await Promise.all(noted.value.map(asOpen))) : noted;
}

/** What is noted of a run, with its promise as far as it is open. */
export async function asOpen(file: RunFile): Promise<RunFile> {
  const { room, placed } = file;
  if (room === null) return file;
  const written = placed === null ? [] : await filesBelow(placed.home);
  const writtenBytes = written.reduce((sum, { allocatedBytes }) => sum + allocatedBytes, 0);
  const roomBytes = Math.max(0, room.roomBytes - writtenBytes);
  const isStarted = placed !== null && placed.startedAt !== null;
  return { ...file, room: { ...room, roomBytes, memoryBytes: isStarted ? 0 : room.memoryBytes } };
}

/** The promises of other runs than the one that asks. */
export const ofOthers = (files: readonly RunFile[], run: RunId, vmId: VmId): RunFile[] =>
  files.filter((file) => file.runId !== run || file.vmId !== vmId);

/** Room below a root that was promised. */
export const promisedBytes = (files: readonly RunFile[], root: string): number =>
  files.reduce((sum, { room }) => sum + (room !== null && isAtOrBelow(root, room.folder) ? room.roomBytes : 0), 0);

export const promisedMemoryBytes = (files: readonly RunFile[]): number =>
  files.reduce((sum, { room }) => sum + (room?.memoryBytes ?? 0), 0);
