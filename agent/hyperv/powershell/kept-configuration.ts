import { constants } from 'node:fs';
import { copyFile, link, readdir, rename } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { RunId, VmId } from '../../../contracts/ids';
import { ifExists, syncFolder } from '../../files';
import { exists, makeFolder, removeDurably } from '../files';
import { exportLayout } from '../home/export-folder';
import { exportedFiles } from './exported-files';

/** Where a run keeps the configuration of a folder that is imported in place. */
const keptFolder = (home: string, run: RunId): string => join(home, `.hyperferry-${run}`);

/**
 * Keeps the configuration and the saved memory of a folder before Hyper-V registers it in place: from then on they are Hyper-V's own files,
 * which it changes, and removes with the registration.
 */
export async function keepConfiguration(home: string, run: RunId, exported: VmId): Promise<void> {
  const kept = keptFolder(home, run);
  if (await exists(kept)) return;
  const unfinished = `${kept}.new`;
  await removeDurably(unfinished);
  await makeFolder(unfinished);
  for (const { id, ending, path } of await exportedFiles(home)) {
    if (id !== exported) continue;
    const beside = join(unfinished, basename(path));
    // Saved memory is large and is read once: a second name keeps it, where the file system has such.
    const isLinked = ending === 'vmrs' && (await couldLink(path, beside));
    if (!isLinked) await copyFile(path, beside, constants.COPYFILE_FICLONE);
  }
  await syncFolder(unfinished);
  await rename(unfinished, kept);
  await syncFolder(home);
}

async function couldLink(path: string, beside: string): Promise<boolean> {
  try {
    await link(path, beside);
    return true;
  } catch {
    return false;
  }
}

/** Puts back what was kept, once nothing is registered from the folder. */
export async function putBackConfiguration(home: string, run: RunId): Promise<void> {
  const kept = keptFolder(home, run);
  const { machines } = exportLayout(home);
  for (const name of (await ifExists(readdir(kept))) ?? []) {
    await makeFolder(machines);
    await rename(join(kept, name), join(machines, name));
  }
  if (await exists(machines)) await syncFolder(machines);
  await forgetConfiguration(home, run);
}

/** The VM was started: its files are its own. */
export async function forgetConfiguration(home: string, run: RunId): Promise<void> {
  for (const folder of [keptFolder(home, run), `${keptFolder(home, run)}.new`]) await removeDurably(folder);
}
