import type { RunId, VmId } from '../../../contracts/ids';
import { filesBelow } from '../files';
import { isAtOrBelow } from '../paths';
import type { RunFile } from './run-files';

/** The promises of other runs than the one that asks. */
export const ofOthers = (files: readonly RunFile[], run: RunId, vmId: VmId): RunFile[] =>
  files.filter((file) => file.runId !== run || file.vmId !== vmId);

/** Room below a root that was promised and is not yet taken up by files. */
export async function promisedBytes(files: readonly RunFile[], root: string): Promise<number> {
  let sum = 0;
  for (const file of files)
    if (file.room !== null && isAtOrBelow(root, file.room.folder)) sum += await unwrittenBytes(file);
  return sum;
}

/** What was promised to a run and its placeholder does not hold yet. */
export async function unwrittenBytes({ room, placed }: RunFile): Promise<number> {
  if (room === null) return 0;
  const written = placed === null ? [] : await filesBelow(placed.home);
  return Math.max(0, room.roomBytes - written.reduce((sum, { allocatedBytes }) => sum + allocatedBytes, 0));
}

/** Memory that was promised; once the VM was started it has it. */
export const promisedMemoryBytes = (files: readonly RunFile[]): number =>
  files.reduce((sum, { room, placed }) => sum + (placed?.startedAt ? 0 : (room?.memoryBytes ?? 0)), 0);
