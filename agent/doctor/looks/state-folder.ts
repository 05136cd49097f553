import { mkdir, rm, stat, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describeThrown } from '../../../contracts/failure';
import { takeStateLock } from '../../state-lock';
import type { DoctorParts } from '../parts';

export type StateFolderLook =
  | { readonly type: 'unusable'; readonly why: string }
  | {
      readonly type: 'usable';
      /** Whether an agent has it now. */
      readonly isTaken: boolean;
      readonly freeBytes: number;
    };

/** Makes the folder where it is not there, a file in it, and takes its lock; removes all that it made. */
export async function tryStateFolder({ config, newGuid }: DoctorParts): Promise<StateFolderLook> {
  const { stateFolder } = config;
  let made: string | undefined;
  try {
    made = await mkdir(stateFolder, { recursive: true, mode: 0o700 });
    await tryToWrite(stateFolder, newGuid());
    const { bavail, bsize } = await statfs(stateFolder);
    return { type: 'usable', isTaken: await isTaken(stateFolder), freeBytes: bavail * bsize };
  } catch (thrown) {
    return { type: 'unusable', why: describeThrown(thrown) };
  } finally {
    if (made !== undefined) await rm(made, { recursive: true, force: true });
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

async function isTaken(folder: string): Promise<boolean> {
  const file = join(folder, 'lock.db');
  const wasThere = await stat(file).then(
    () => true,
    () => false,
  );
  const lock = takeStateLock(folder);
  if (lock === undefined) return true;
  lock.release();
  if (!wasThere) await rm(file, { force: true });
  return false;
}
