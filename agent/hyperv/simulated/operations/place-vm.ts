import { rename, rmdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { succeeded } from '../../../../contracts/failure';
import type { RunId, VmId } from '../../../../contracts/ids';
import { ifExists, syncFolder } from '../../../files';
import { exists, filesBelow, makeFolder, removeDurably, writeJsonAtomic } from '../files';
import { resolveOnHost, type Handler } from '../host';
import { homeLayout } from '../layout';
import { refuse } from '../../refuse';
import { checkPlace, isMarkedBy, placeBelow } from './reserve-room';

/** The folder appears with its mark in it, so that nobody takes it for somebody else's. */
const unfinishedHome = (home: string, run: RunId): string => `${home}.${run}.placing`;

export const placeVm: Handler<'place-vm'> = async (host, { runId }, { vmId, vmName, folder }) => {
  const place = await placeBelow(host, folder, vmId);
  if (!place.ok) return place;
  const free = await checkPlace(host, runId, vmId, place.value);
  if (!free.ok) return free;
  const { home } = place.value;
  const before = host.state.plannedVm(runId, vmId);
  if (before !== undefined && before.home !== home)
    return refuse('DestinationOccupied', vmId, `Run ${runId} has its placeholder in ${before.home}.`);
  await host.state.saveRun({ ...host.state.run(runId, vmId), home });
  if (before === undefined) {
    const madeFolders = await missingFolders(place.value.folder);
    await host.state.savePlanned({ schema: 1, runId, vmId, vmName, home, madeFolders, adopted: false, imported: null });
  }
  await host.reached('placeholder-announced');
  if (!(await isMarkedBy(home, runId, vmId))) await makeHome(home, runId, vmId);
  return succeeded({});
};

/** Folders that have to be made for that one, innermost first. */
export async function missingFolders(folder: string): Promise<string[]> {
  const missing: string[] = [];
  for (let here = folder; !(await exists(here)); here = dirname(here)) missing.push(here);
  return missing;
}

export async function makeHome(home: string, runId: RunId, vmId: VmId): Promise<void> {
  const unfinished = unfinishedHome(home, runId);
  await removeDurably(unfinished);
  const { disks, savedStates, journals, markFile } = homeLayout(unfinished);
  for (const folder of [disks, savedStates, journals]) await makeFolder(folder);
  await writeJsonAtomic(markFile, { schema: 1, runId, vmId });
  await rename(unfinished, home);
  await syncFolder(dirname(home));
}

/** Deletes nothing outside of the folder that this run made, and nothing at all once it started the VM here. */
export const removePlaceholder: Handler<'remove-placeholder'> = async (host, { runId }, { vmId, folder }) => {
  if (host.state.vm(vmId)?.startedBy?.runId === runId)
    return refuse('RefusedAfterStart', vmId, `Run ${runId} started VM ${vmId} here: its files stay.`);
  const planned = host.state.plannedVm(runId, vmId);
  const place = await placeBelow(host, folder, vmId);
  const homes = new Set([planned?.home, place.ok ? place.value.home : undefined]);
  let removedBytes = 0;
  for (const home of homes) {
    if (home === undefined) continue;
    const safe = await resolveOnHost(host, home);
    if (!safe.ok) return safe;
    if (home === planned?.home && planned.adopted) continue;
    if (home === host.state.vm(vmId)?.home)
      return refuse('RefusedAfterStart', vmId, `VM ${vmId} uses ${home}: its files stay.`);
    if (home === planned?.home || (await isMarkedBy(home, runId, vmId))) removedBytes += await removeCounted(home);
    removedBytes += await removeCounted(unfinishedHome(home, runId));
  }
  for (const made of planned?.madeFolders ?? []) await removeIfEmpty(made);
  await host.state.dropPlanned(runId, vmId);
  return succeeded({ removedBytes });
};

async function removeCounted(folder: string): Promise<number> {
  const files = await filesBelow(folder);
  await removeDurably(folder);
  return files.reduce((sum, file) => sum + file.sizeBytes, 0);
}

async function removeIfEmpty(folder: string): Promise<void> {
  try {
    await ifExists(rmdir(folder));
  } catch {
    // Somebody else put something into it: then it stays.
  }
}
