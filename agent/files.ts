import { open, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { describeThrown, failureOf, type Failure } from '../contracts/failure';
import { errorCode } from './thrown';

/** Whether a file operation failed because there is no such file or folder. */
export const isMissing = (thrown: unknown): boolean => errorCode(thrown) === 'ENOENT';

/** Whether something that was to be made is there already. */
export const isThere = (thrown: unknown): boolean => errorCode(thrown) === 'EEXIST';

/** Makes the names in a folder survive a power loss. Windows writes them through by itself and opens no folder as a file. */
export async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Replaces a file as a whole: after a crash it holds either what it held before or all of `data`. */
export async function writeFileDurably(path: string, data: string): Promise<void> {
  const beside = `${path}.new`;
  const handle = await open(beside, 'w', 0o600);
  try {
    await handle.writeFile(data);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(beside, path);
  await syncFolder(dirname(path));
}

const noRoom = ['ENOSPC', 'EDQUOT', 'EFBIG'];

/** A failed file operation of the agent's own state as a failure; `what` says what could not be done. */
export function failureOfIo(thrown: unknown, what: string, effect: Failure['effect']): Failure {
  const code = noRoom.includes(errorCode(thrown) ?? '') ? 'DiskFull' : 'IoFailed';
  return failureOf(code, { message: `${what}: ${describeThrown(thrown)}`, effect });
}
