import { mkdir, rm, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describeThrown } from '../../../contracts/failure';
import { exists } from '../../hyperv/files';
import { missingFolders, removeIfEmpty } from '../../hyperv/home/made';
import { stateLockFile, takeStateLock } from '../../state-lock';
import type { DoctorParts } from '../parts';

export type StateFolderLook =
  | { readonly type: 'unusable'; readonly why: string }
  | {
      readonly type: 'usable';
      /** Whether an agent has it now. */
      readonly isTaken: boolean;
      readonly freeBytes: number;
    };

/**
 * Makes the folder where it is not there, and a file in it; takes its lock where it has one. Removes what it made, and nothing that an agent,
 * which may start at any moment, has put there.
 */
export async function tryStateFolder({ config, newGuid }: DoctorParts): Promise<StateFolderLook> {
  const { stateFolder } = config;
  let made: readonly string[] = [];
  try {
    made = await missingFolders(stateFolder);
    await mkdir(stateFolder, { recursive: true, mode: 0o700 });
    await tryToWrite(stateFolder, newGuid());
    const { bavail, bsize } = await statfs(stateFolder);
    return { type: 'usable', isTaken: await isTaken(stateFolder), freeBytes: bavail * bsize };
  } catch (thrown) {
    return { type: 'unusable', why: describeThrown(thrown) };
  } finally {
    for (const folder of made) await removeIfEmpty(folder);
  }
}

/** Whether this account can make and remove files in a folder; throws where it cannot. */
export async function tryToWrite(folder: string, guid: string): Promise<void> {
  const probe = join(folder, `hyperferry-doctor-${guid}`);
  try {
    await writeFile(probe, 'made by hyperferry agent doctor, which removes it\n', { flag: 'wx', flush: true });
  } finally {
    await rm(probe, { force: true });
  }
}

/** A folder without the file of the lock has no agent. It is not made by looking: whoever removed it again might remove that of an agent. */
async function isTaken(folder: string): Promise<boolean> {
  if (!(await exists(stateLockFile(folder)))) return false;
  const lock = takeStateLock(folder);
  lock?.release();
  return lock === undefined;
}
