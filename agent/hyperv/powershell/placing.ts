import { dirname, join } from 'node:path';
import type { VmFacts } from '../../../contracts/facts';
import { succeeded, type Outcome } from '../../../contracts/failure';
import type { RunId, VmId } from '../../../contracts/ids';
import { exists } from '../files';
import { isMarkedBy } from '../home/made';
import { isAtOrBelow, resolveBelowRoots } from '../paths';
import { refuse } from '../refuse';
import type { VmValue } from './calls/vm';
import { findVm, homeOf, type RealHost } from './host';
import { marksIn } from './marks';
import type { ImportedPlan, Placed, RunFile } from './run-files';

export type Place = { readonly folder: string; readonly home: string };

/** A folder that a request names, where it really is; PathOutsideRoots when that is not below an allowed root. */
export const resolveFolder = ({ roots }: RealHost, folder: string): Promise<Outcome<string>> =>
  resolveBelowRoots(folder, roots[0] ?? '', roots);

/** Where a run's copy of a VM goes below `folder`; PathOutsideRoots when that is not below an allowed root. */
export async function placeBelow(host: RealHost, folder: string, vmId: VmId): Promise<Outcome<Place>> {
  const resolved = await resolveFolder(host, folder);
  if (!resolved.ok) return resolved;
  const home = await resolveFolder(host, join(resolved.value, vmId));
  return home.ok ? succeeded({ folder: resolved.value, home: home.value }) : home;
}

/** The innermost root that holds a path. */
export const rootOf = ({ roots }: Pick<RealHost, 'roots'>, path: string): string =>
  roots.filter((root) => isAtOrBelow(root, path)).sort((one, other) => other.length - one.length)[0] ?? '';

/** Refuses a place that is taken: by the source itself, by a VM of this id that is not the run's source, by another run, by files. */
export async function checkPlace(host: RealHost, run: RunId, vmId: VmId, place: Place): Promise<Outcome<void>> {
  const found = await findVm(host, vmId);
  if (!found.ok) return found;
  const free = found.value === undefined ? succeeded(undefined) : checkRegistered(found.value, run, place);
  if (!free.ok) return free;
  const noted = await host.runs.all();
  if (!noted.ok) return noted;
  const other = noted.value.find((file) => file.vmId === vmId && file.runId !== run && isPlaceholder(file));
  if (other !== undefined)
    return refuse('DestinationOccupied', vmId, `Run ${other.runId} has a placeholder of VM ${vmId} on this host.`);
  const isOurs = noted.value.some(
    (file) => file.vmId === vmId && file.runId === run && file.placed?.home === place.home,
  );
  const isFree = isOurs || !(await exists(place.home)) || (await isMarkedBy(place.home, run, vmId));
  return isFree
    ? succeeded(undefined)
    : refuse('DestinationOccupied', vmId, `${place.home} exists and is not of this run.`);
}

function checkRegistered(vm: VmValue, run: RunId, { folder, home }: Place): Outcome<void> {
  const { retiredBy, reservedBy } = marksIn(vm.notes);
  if (retiredBy !== null) return succeeded(undefined);
  const own = homeOf(vm);
  const lies = [own, ...vm.disks.map(({ path }) => dirname(path))];
  if (lies.includes(folder) || isAtOrBelow(own, home))
    return refuse('DestinationSameAsSource', vm.id, `VM ${vm.name} lies in ${folder} already.`);
  return reservedBy === run
    ? succeeded(undefined)
    : refuse('DestinationOccupied', vm.id, `A VM ${vm.id} (${vm.name}) is registered on this host.`);
}

/** Whether a run has a placeholder that is no VM yet. */
export const isPlaceholder = ({ placed }: RunFile): boolean => placed !== null && placed.startedAt === null;

/** The placeholder of a run in its folder, with all that is noted of the run. */
export type PlaceholderNote = RunFile & { readonly placed: Placed };

/** Failures: VmNotFound where the run has none, VmStateWrong where it is in another folder. */
export async function placeholderOf(
  host: RealHost,
  run: RunId,
  vmId: VmId,
  folder: string,
): Promise<Outcome<PlaceholderNote>> {
  const noted = await host.runs.read(run, vmId);
  if (!noted.ok) return noted;
  const { placed } = noted.value;
  if (placed === null) return refuse('VmNotFound', vmId, `Run ${run} has no placeholder of VM ${vmId} on this host.`);
  const place = placed.isAdopted ? await resolveFolder(host, folder) : await placeBelow(host, folder, vmId);
  if (!place.ok) return place;
  const home = typeof place.value === 'string' ? place.value : place.value.home;
  return home === placed.home
    ? succeeded({ ...noted.value, placed })
    : refuse('VmStateWrong', vmId, `The placeholder is in ${placed.home}, not in ${folder}.`);
}

export type ImportedNote = PlaceholderNote & { readonly placed: { readonly imported: ImportedPlan } };

/** The placeholder with its configuration: VmStateWrong where it has none yet. */
export function withImport(note: PlaceholderNote): Outcome<ImportedNote> {
  const { imported } = note.placed;
  return imported === null
    ? refuse('VmStateWrong', note.vmId, `The placeholder of VM ${note.vmId} has no configuration yet: import it first.`)
    : succeeded({ ...note, placed: { ...note.placed, imported } });
}

/** A placeholder as a VM that is planned; nothing for a run that has none, or whose VM is registered in its home. */
export function plannedFactsOf({ runId, vmId, placed }: RunFile, registered?: VmValue): VmFacts[] {
  if (placed === null || placed.startedAt !== null) return [];
  if (registered !== undefined && homeOf(registered) === placed.home) return [];
  return [
    {
      vmId,
      name: placed.imported?.vmName ?? placed.vmName,
      state: 'planned',
      generation: 2,
      configurationVersion: '',
      processorCount: 0,
      memoryBytes: placed.imported?.memoryBytes ?? 0,
      switchName: placed.imported?.switchName ?? null,
      configurationPath: '',
      disks: (placed.imported?.disks ?? []).map((disk) => ({ ...disk, virtualSizeBytes: 0, images: [] })),
      vmCheckpointCount: 0,
      heartbeat: 'none',
      reservedBy: runId,
      fencedBy: null,
    },
  ];
}
