import { succeeded, type Outcome } from '../../../contracts/failure';
import { damaged, truncated } from '../failures';
import type { DiskFile } from '../file';
import { entryBytes, geometryOf } from './bat';
import { zeroGuid } from './guid';
import { checkIdentifier, chooseHeader, type CurrentHeader } from './header';
import { HeaderSlots } from './header-slots';
import {
  fileBytesMax,
  headerAreaLength,
  headerLength,
  headerOffsets,
  metadataTableLength,
  regionTableLength,
  regionTableOffsets,
} from './layout';
import { planReplay, ReplayedFile, replayIntoFile } from './log-replay';
import { decodeMetadata, decodeMetadataTable, type Metadata } from './metadata';
import type { Span } from './numbers';
import { decodeRegionTable, isIntactRegionTable, type Regions } from './region-table';

/** A VHDX whose head is read and checked; its tables of blocks are not looked at yet. */
export type ParsedVhdx = {
  readonly file: DiskFile;
  readonly current: CurrentHeader;
  readonly regions: Regions;
  readonly metadata: Metadata;
};

async function readAt(file: DiskFile, offsetBytes: number, lengthBytes: number): Promise<Buffer> {
  const bytes = Buffer.alloc(lengthBytes);
  await file.read(bytes, offsetBytes);
  return bytes;
}

/**
 * Reads what stands at the head of an opened file, after a replay of its log: into the file when it is opened for writing, in memory when
 * it is only read. `file` of the answer is the one to go on with.
 */
export async function parseVhdx(opened: DiskFile, access: 'read' | 'write'): Promise<Outcome<ParsedVhdx>> {
  const found = await parseHeader(opened);
  if (!found.ok) return found;
  const replayed = await replay(opened, found.value, access);
  if (!replayed.ok) return replayed;
  const { file, current } = replayed.value;
  const regions = await parseRegions(file, logSpan(current));
  if (!regions.ok) return regions;
  const metadata = await parseMetadata(file, regions.value.metadata);
  if (!metadata.ok) return metadata;
  const { entryCount } = geometryOf({ ...metadata.value, hasParent: metadata.value.kind === 'differencing' });
  if (entryCount * entryBytes > regions.value.bat.lengthBytes)
    return damaged(`has a block allocation table of ${regions.value.bat.lengthBytes} bytes for ${entryCount} entries`);
  return succeeded({ file, current, regions: regions.value, metadata: metadata.value });
}

/** As the first intact copy of the table has them. */
async function parseRegions(file: DiskFile, log: Span): Promise<Outcome<Regions>> {
  for (const offset of regionTableOffsets) {
    const table = await readAt(file, offset, regionTableLength);
    if (isIntactRegionTable(table)) return decodeRegionTable(table, file.sizeBytes, log);
  }
  return damaged('neither of its two region tables is intact');
}

async function parseHeader(file: DiskFile): Promise<Outcome<CurrentHeader>> {
  const firstBytes = await readAt(file, 0, Math.min(file.sizeBytes, 512));
  const identified = checkIdentifier(firstBytes);
  if (!identified.ok) return identified;
  if (file.sizeBytes < headerAreaLength) return truncated(`ends at byte ${file.sizeBytes}, inside its header`);
  if (file.sizeBytes > fileBytesMax) return damaged(`is ${file.sizeBytes} bytes long, more than any VHDX`);
  const slots = [
    await readAt(file, headerOffsets[0], headerLength),
    await readAt(file, headerOffsets[1], headerLength),
  ] as const;
  return chooseHeader(slots, file.sizeBytes);
}

/** Before the tables may be believed: what the log says in addition, in memory when the file is only read. */
async function replay(
  file: DiskFile,
  current: CurrentHeader,
  access: 'read' | 'write',
): Promise<Outcome<{ file: DiskFile; current: CurrentHeader }>> {
  const planned = await planReplay(file, current.header);
  if (!planned.ok) return planned;
  if (planned.value === undefined) return succeeded({ file, current });
  if (access === 'read') return succeeded({ file: new ReplayedFile(file, planned.value), current });
  await replayIntoFile(file, planned.value);
  const headers = new HeaderSlots(file, current);
  await headers.change({ logId: zeroGuid });
  return succeeded({ file, current: headers.current });
}

async function parseMetadata(file: DiskFile, region: Span): Promise<Outcome<Metadata>> {
  const table = decodeMetadataTable(await readAt(file, region.offsetBytes, metadataTableLength), region.lengthBytes);
  if (!table.ok) return table;
  return decodeMetadata(table.value, (item) => readAt(file, region.offsetBytes + item.offsetBytes, item.lengthBytes));
}

export const logSpan = ({ header }: CurrentHeader): Span => ({
  what: 'log',
  offsetBytes: header.logOffsetBytes,
  lengthBytes: header.logLengthBytes,
});
