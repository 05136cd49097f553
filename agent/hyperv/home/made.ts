import { rename, rmdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import { runId, vmId, type RunId, type VmId } from '../../../contracts/ids';
import { ifExists, syncFolder } from '../../files';
import { exists, filesBelow, makeFolder, readJson, removeDurably, writeJsonAtomic } from '../files';
import { homeLayout } from './layout';

/** `<home>/.hyperferry/run.json`: the run that made the folder. */
const homeMark = z.object({ schema: z.literal(1), runId, vmId });

/** Whether the folder of a VM was made by this run. */
export async function isMarkedBy(home: string, run: RunId, vm: VmId): Promise<boolean> {
  const mark = await readJson(homeLayout(home).markFile, homeMark);
  return mark.state === 'read' && mark.value.runId === run && mark.value.vmId === vm;
}

/** Folders that have to be made for that one, innermost first. */
export async function missingFolders(folder: string): Promise<string[]> {
  const missing: string[] = [];
  for (let here = folder; !(await exists(here)); here = dirname(here)) missing.push(here);
  return missing;
}

/** The folder appears with its mark in it, so that nobody takes it for somebody else's. */
const unfinishedHome = (home: string, run: RunId): string => `${home}.${run}.placing`;

/** Makes the folder of a VM, with the mark of the run. */
export async function makeHome(home: string, run: RunId, vm: VmId): Promise<void> {
  const unfinished = unfinishedHome(home, run);
  await removeDurably(unfinished);
  const { disks, savedStates, journals, markFile } = homeLayout(unfinished);
  for (const folder of [disks, savedStates, journals]) await makeFolder(folder);
  await writeJsonAtomic(markFile, { schema: 1, runId: run, vmId: vm });
  await rename(unfinished, home);
  await syncFolder(dirname(home));
}

/** Removes the folder of a VM with all that is in it, if `isOurs`, and what a run made of it that it never finished. Answers the bytes of the files. */
export async function removeHome(home: string, run: RunId, isOurs: boolean): Promise<number> {
  const finished = isOurs ? await removeCounted(home) : 0;
  return finished + (await removeCounted(unfinishedHome(home, run)));
}

async function removeCounted(folder: string): Promise<number> {
  const files = await filesBelow(folder);
  await removeDurably(folder);
  return files.reduce((sum, file) => sum + file.sizeBytes, 0);
}

/** Removes a folder that is empty. One that is gone, or into which somebody put something, is left as it is. */
export async function removeIfEmpty(folder: string): Promise<void> {
  try {
    await ifExists(rmdir(folder));
  } catch {
    // Something is in it: then it stays.
  }
}
