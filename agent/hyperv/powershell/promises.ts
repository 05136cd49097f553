import type { RunId, VmId } from '../../../contracts/ids';
import { isAtOrBelow } from '../paths';
import type { RunFile } from './run-files';

/** The promises of other runs than the one that asks. */
export const ofOthers = (files: readonly RunFile[], run: RunId, vmId: VmId): RunFile[] =>
  files.filter((file) => file.runId !== run || file.vmId !== vmId);

/** Room below a root that was promised. This driver writes nothing there yet, so all of it is still to be written. */
export const promisedBytes = (files: readonly RunFile[], root: string): number =>
  files.reduce((sum, { room }) => sum + (room !== null && isAtOrBelow(root, room.folder) ? room.roomBytes : 0), 0);

export const promisedMemoryBytes = (files: readonly RunFile[]): number =>
  files.reduce((sum, { room }) => sum + (room?.memoryBytes ?? 0), 0);
