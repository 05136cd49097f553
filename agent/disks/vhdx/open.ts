import { succeeded, type Outcome } from '../../../contracts/failure';
import { damaged, namingFile, notVhdx, outcomeOf, truncated, valueOf } from '../failures';
import { nodeFiles, type DiskFile, type DiskFiles } from '../file';
import type { ImageShape, ReadableImage, WritableImage } from '../image';
import { entryBytes, geometryOf } from './bat';
import { BlockMap, wholeTableBytesMax } from './block-map';
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
import { decodeMetadata, decodeMetadataTable, type Metadata } from './metadata';
import { mib, roundUp, type Span } from './numbers';
import { VhdxReader } from './read-image';
import { decodeRegionTable, type Regions } from './region-table';
import { scanTables } from './scan';
import { Space, type Room } from './space';
import { OrderedTableWriter, type TableWriter } from './table-writer';
import { VhdxWriter } from './write-image';

export type VhdxReadOptions = {
  readonly access: 'read';
  readonly files?: DiskFiles;
};

export type VhdxWriteOptions = {
  readonly access: 'write';
  /**
   * How changes of the tables reach the file.
   * - `logged`: through the log of the format, for a disk in use by a guest: a power loss at any moment leaves a disk that opens with
   *   what was flushed, after a replay.
   * - `ordered`: in place after the data, for a file that a transfer or a merge builds. What was flushed stays; what was not is old or
   *   new; no replay is ever needed.
   */
  readonly tables: 'logged' | 'ordered';
  /**
   * Whether the first write gives the content a new id, as it must when a guest writes (every child then refuses this image as its
   * parent), or keeps it, as it must when the image becomes a copy of one that has this id.
   */
  readonly dataWriteId: 'new-at-first-write' | 'kept';
  readonly newGuid: () => string;
  readonly files?: DiskFiles;
};

/**
 * Opens a VHDX. Reading alone never changes the file: a log that was left behind is replayed in memory. Opening for writing replays it
 * into the file first.
 *
 * Failures: `DiskNotVhdx`, `DiskTruncated`, `DiskDamaged`, `IoFailed`, `DiskFull`. The parent of a differencing disk is not looked at;
 * `openDisk` opens chains. The image's own methods throw the same failures as `DiskError`.
 */
export function openVhdx(path: string, options: VhdxReadOptions): Promise<Outcome<ReadableImage>>;
export function openVhdx(path: string, options: VhdxWriteOptions): Promise<Outcome<WritableImage>>;
export function openVhdx(
  path: string,
  options: VhdxReadOptions | VhdxWriteOptions,
): Promise<Outcome<ReadableImage | WritableImage>> {
  return outcomeOf(async () => {
    const files = options.files ?? nodeFiles;
    const file = await files.open(path, options.access);
    try {
      const parsed = valueOf(namingFile(path, await parse(file)));
      return options.access === 'read' ? await makeReader(parsed) : await makeWriter(parsed, options);
    } catch (thrown) {
      await file.close();
      throw thrown;
    }
  });
}

type ParsedVhdx = {
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

async function parse(file: DiskFile): Promise<Outcome<ParsedVhdx>> {
  const current = await parseHeader(file);
  if (!current.ok) return current;
  const tables = [
    await readAt(file, regionTableOffsets[0], regionTableLength),
    await readAt(file, regionTableOffsets[1], regionTableLength),
  ] as const;
  const regions = decodeRegionTable(tables, file.sizeBytes, logSpan(current.value));
  if (!regions.ok) return regions;
  const metadata = await parseMetadata(file, regions.value.metadata);
  if (!metadata.ok) return metadata;
  const { entryCount } = geometryOf({ ...metadata.value, hasParent: metadata.value.kind === 'differencing' });
  if (entryCount * entryBytes > regions.value.bat.lengthBytes)
    return damaged(`has a block allocation table of ${regions.value.bat.lengthBytes} bytes for ${entryCount} entries`);
  return succeeded({ file, current: current.value, regions: regions.value, metadata: metadata.value });
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

async function parseMetadata(file: DiskFile, region: Span): Promise<Outcome<Metadata>> {
  const table = decodeMetadataTable(await readAt(file, region.offsetBytes, metadataTableLength), region.lengthBytes);
  if (!table.ok) return table;
  return decodeMetadata(table.value, (item) => readAt(file, region.offsetBytes + item.offsetBytes, item.lengthBytes));
}

const logSpan = ({ header }: CurrentHeader): Span => ({
  what: 'log',
  offsetBytes: header.logOffsetBytes,
  lengthBytes: header.logLengthBytes,
});

function shapeOf(metadata: Metadata, dataWriteId: string): ImageShape {
  const { kind, blockSizeBytes, virtualSizeBytes, logicalSectorSizeBytes, physicalSectorSizeBytes, parent } = metadata;
  return {
    kind,
    virtualSizeBytes,
    blockSizeBytes,
    logicalSectorSizeBytes,
    physicalSectorSizeBytes,
    virtualDiskId: metadata.virtualDiskId,
    dataWriteId,
    ...(parent !== undefined && { parent }),
  };
}

const mapOf = ({ file, metadata, regions }: ParsedVhdx): BlockMap =>
  new BlockMap(file, geometryOf({ ...metadata, hasParent: metadata.kind === 'differencing' }), regions.bat);

const spansOf = ({ current, regions }: ParsedVhdx): Span[] => [
  { what: 'header area', offsetBytes: 0, lengthBytes: headerAreaLength },
  logSpan(current),
  regions.bat,
  regions.metadata,
];

/** Small tables are checked whole. A huge one is checked where it is used, and new blocks go to the end of the file. */
function roomOf(parsed: ParsedVhdx, map: BlockMap): Promise<Room> {
  const { file } = parsed;
  if (map.geometry.entryCount * entryBytes <= wholeTableBytesMax) return scanTables(file, map, spansOf(parsed));
  return Promise.resolve({ holes: [], endBytes: roundUp(file.sizeBytes, mib) + map.geometry.blockSizeBytes });
}

async function makeReader(parsed: ParsedVhdx): Promise<ReadableImage> {
  const map = mapOf(parsed);
  await roomOf(parsed, map);
  return new VhdxReader(parsed.file, map, shapeOf(parsed.metadata, parsed.current.header.dataWriteId));
}

async function makeWriter(parsed: ParsedVhdx, options: VhdxWriteOptions): Promise<WritableImage> {
  const { file, current, metadata } = parsed;
  if (metadata.logicalSectorSizeBytes > metadata.blockSizeBytes) valueOf(notVhdx('has sectors larger than blocks'));
  const map = mapOf(parsed);
  const space = new Space(file, await roomOf(parsed, map));
  const headers = new HeaderSlots(file, current);
  const tables: TableWriter = new OrderedTableWriter(file);
  const shape = shapeOf(metadata, current.header.dataWriteId);
  const { dataWriteId, newGuid } = options;
  return new VhdxWriter({ file, map, space, headers, tables, shape, dataWriteId, newGuid });
}
