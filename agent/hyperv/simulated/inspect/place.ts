import type { RunId } from '../../../../contracts/ids';
import {
  known,
  notKnown,
  type ImportInspection,
  type InspectionRequest,
  type PlaceInspection,
} from '../../../../contracts/inspection';
import { publishedFolder } from '../../home/export-folder';
import { exists } from '../../files';
import type { SimulatedHost } from '../host';
import { findImport, importRoomBytes, userOf } from '../operations/import-folder';
import { liesIn, occupantOf, placeBelow } from '../operations/reserve-room';
import { volumeUse } from '../volumes';

export async function inspectPlace(
  host: SimulatedHost,
  { vmId, runId }: InspectionRequest,
  folder: string,
  vmName: string | null,
): Promise<PlaceInspection> {
  const found = await placeBelow(host, folder, vmId);
  if (!found.ok) return { allowed: false, why: found.failure.message };
  const place = found.value;
  const own = runId === null ? undefined : { runId, vmId };
  const { root, freeBytes, reservedBytes } = await volumeUse(place.volume, host.state, own);
  const { fileBytesMax, sectorBytes } = place.volume;
  const published = vmName === null ? null : publishedFolder(place.folder, vmName);
  const isThere = published !== null && (await exists(published));
  return {
    allowed: true,
    volume: known({ root, freeBytes, reservedBytes, fileBytesMax: fileBytesMax ?? null }),
    sectorBytes: known(sectorBytes ?? 512),
    sharedVolume: known(host.fabric?.sharedVolumeOf(place.home)?.name ?? null),
    isOfVm: known(liesIn(host.state.vm(vmId), place)),
    occupiedBy: known(await occupantOf(host, runId, vmId, place)),
    exportThere: vmName === null ? notKnown('the name of the VM is not known') : known(isThere ? published : null),
    paths: known({ home: place.home, charactersMax: host.record.pathCharactersMax }),
  };
}

export async function inspectImport(
  host: SimulatedHost,
  run: RunId | null,
  asked: NonNullable<InspectionRequest['imports']>,
): Promise<ImportInspection> {
  const found = await findImport(host, run, asked);
  if (!found.ok) return { found: false, failure: found.failure };
  const { configuration, fixUps } = found.value;
  const { name, memoryBytes, processorCount, configurationVersion } = configuration;
  return {
    found: true,
    vmName: name,
    memoryBytes,
    roomBytes: importRoomBytes(found.value),
    processorCount,
    configurationVersion,
    fixUps: [...fixUps],
    usedBy: userOf(host, found.value),
  };
}
