import { open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { describeThrown, failureOf, type Failure } from '../contracts/failure';
import { errorCode, refusalOfVolume } from './thrown';

/** Whether a file operation failed because there is no such file or folder. */
export const isMissing = (thrown: unknown): boolean => errorCode(thrown) === 'ENOENT';

/** Whether something that was to be made is there already. */
export const isThere = (thrown: unknown): boolean => errorCode(thrown) === 'EEXIST';

/** What `work` gives, or undefined when the file or folder that it wants does not exist. */
export async function ifExists<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (thrown) {
    const code = errorCode(thrown);
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw thrown;
  }
}

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

/** What stands behind the name of a file while it is written anew. */
export const unfinishedSuffix = '.new';

/**
 * Replaces a file as a whole: after a crash it holds either what it held before or all of `data`. What cannot be written is thrown, and
 * nothing of it is left.
 */
export async function writeFileDurably(
  path: string,
  data: string | Iterable<string | Uint8Array> | AsyncIterable<string>,
): Promise<void> {
  const beside = path + unfinishedSuffix;
  try {
    const handle = await open(beside, 'w', 0o600);
    try {
      for await (const chunk of typeof data === 'string' ? [data] : data) await handle.writeFile(chunk);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(beside, path);
  } catch (thrown) {
    await rm(beside, { force: true });
    throw thrown;
  }
  await syncFolder(dirname(path));
}

/** A failed file operation of the agent's own state as a failure; `what` says what could not be done. */
export function failureOfIo(thrown: unknown, what: string, effect: Failure['effect']): Failure {
  return failureOf(refusalOfVolume(thrown) ?? 'IoFailed', { message: `${what}: ${describeThrown(thrown)}`, effect });
}
