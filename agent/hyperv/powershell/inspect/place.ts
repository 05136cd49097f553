import { lstat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { succeeded, type Outcome } from '../../../../contracts/failure';
import { known, notKnown, type InspectionRequest, type PlaceInspection } from '../../../../contracts/inspection';
import { isMissing } from '../../../files';
import { publishedFolder } from '../../home/export-folder';
import { isAtOrBelow, resolveBelowRoots } from '../../paths';
import type { InspectedHost } from '../calls/inspection';
import type { VmValue } from '../calls/vm';
import type { RealHost } from '../host';
import { marksIn } from '../marks';
import { promisedBytes } from '../promises';
import type { RunFile } from '../run-files';
import { sharedVolumeOf } from './storage';
import { both, factOf, wholeFact } from './told';

/** A folder that a request names, where it really is, and the root of the configuration that it is below. */
export type Place = { readonly folder: string; readonly root: string };

export async function placeOf({ roots }: RealHost, folder: string): Promise<Outcome<Place>> {
  const place = await resolveBelowRoots(folder, roots[0] ?? '', roots);
  if (!place.ok) return place;
  const root = roots.find((one) => isAtOrBelow(one, place.value)) ?? roots[0] ?? '';
  return succeeded({ folder: place.value, root });
}

export type PlaceLooks = {
  readonly place: Outcome<Place>;
  readonly facts: Outcome<{ volumes: readonly { root: string; freeBytes: number; error: unknown }[] }>;
  readonly host: Outcome<InspectedHost>;
  readonly vm: VmValue | undefined;
  readonly vmName: string | undefined;
  /** Promises to others than the run that asks. */
  readonly promises: Outcome<RunFile[]>;
  /** What is noted of the run that asks. */
  readonly own: RunFile | undefined;
  readonly request: InspectionRequest;
};

export async function inspectPlace(looks: PlaceLooks): Promise<PlaceInspection> {
  const { place, host, vm, vmName, own, request } = looks;
  if (!place.ok) return { allowed: false, why: place.failure.message };
  const { folder } = place.value;
  const home = join(folder, request.vmId);
  const cluster = factOf(host, (read) => read.cluster, known);
  return {
    allowed: true,
    volume: volumeOf(looks, place.value),
    sectorBytes: factOf(
      host,
      (read) => read.sectorBytes,
      (bytes) => (bytes === null ? notKnown('no folder was asked for') : known(bytes)),
    ),
    sharedVolume: sharedVolumeOf(cluster, [home]),
    isOfVm: known(vm !== undefined && marksIn(vm.notes).retiredBy === null && liesIn(vm, folder, home)),
    occupiedBy: known(own?.placed?.home !== home && (await isThere(home)) ? home : null),
    exportThere:
      vmName === undefined ? notKnown('the name of the VM is not known') : known(await exportIn(folder, vmName)),
    // Files of a VM may have longer paths on some hosts, and none has a shorter limit.
    paths: known({ home, charactersMax: process.platform === 'win32' ? 260 : null }),
  };
}

function volumeOf({ facts, host, promises }: PlaceLooks, { root }: Place) {
  const room = both(
    wholeFact(facts, ({ volumes }) => volumes.find((one) => one.root === root)),
    wholeFact(promises, (files) => promisedBytes(files, root)),
    (volume, reservedBytes) => ({ volume, reservedBytes }),
  );
  const system = factOf(host, (read) => read.volume, known);
  if (!room.known) return room;
  if (!system.known) return system;
  const { volume, reservedBytes } = room.value;
  if (volume === undefined || volume.error !== null || system.value === null)
    return notKnown(`the volume of ${root} does not answer`);
  const { fileSystem, allocationUnitBytes } = system.value;
  const fileBytesMax = fileBytesMaxOf(fileSystem, allocationUnitBytes);
  return known({ root, freeBytes: volume.freeBytes, reservedBytes, fileBytesMax });
}

/** NTFS numbers the clusters of a file with 32 bits, FAT its bytes. ReFS takes more than any disk of a VM has. */
function fileBytesMaxOf(fileSystem: string, allocationUnitBytes: number): number | null {
  const clustersMax = 2 ** 32 - 1;
  if (fileSystem === 'FAT32' || fileSystem === 'FAT') return clustersMax;
  return fileSystem === 'NTFS' || fileSystem === 'CSVFS_NTFS' ? clustersMax * allocationUnitBytes : null;
}

/** Its own folder is the one above `Virtual Machines`. */
function liesIn(vm: VmValue, folder: string, home: string): boolean {
  const own = dirname(dirname(vm.configurationPath));
  return [own, ...vm.disks.map(({ path }) => dirname(path))].includes(folder) || isAtOrBelow(own, home);
}

async function exportIn(folder: string, vmName: string): Promise<string | null> {
  const published = publishedFolder(folder, vmName);
  return (await isThere(published)) ? published : null;
}

async function isThere(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (thrown) {
    if (isMissing(thrown)) return false;
    throw thrown;
  }
}
