import type { Outcome } from '../../../contracts/failure';
import { namingFile, outcomeOf, valueOf } from '../failures';
import { nodeFiles, type DiskFile, type DiskFiles } from '../file';
import { MappedReader } from '../mapped-reader';
import type { ImageShape, ReadableImage, WritableImage } from '../image';
import { entryBytes, geometryOf } from './bat';
import { BlockMap, wholeTableBytesMax } from './block-map';
import { BlockPlacer } from './block-placer';
import { HeaderSlots } from './header-slots';
import { headerAreaLength, newLogBytes } from './layout';
import { LoggedTableWriter } from './log-writer';
import type { Metadata } from './metadata';
import { mib, roundUp, type Span } from './numbers';
import { logSpan, parseVhdx, type ParsedVhdx } from './parse';
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
      const parsed = valueOf(namingFile(path, await parseVhdx(file, options.access)));
      return options.access === 'read' ? await makeReader(parsed) : await makeWriter(parsed, options);
    } catch (thrown) {
      await file.close();
      throw thrown;
    }
  });
}

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

/** The tables of a parsed file. */
export const mapOf = ({ file, metadata, regions }: ParsedVhdx): BlockMap =>
  new BlockMap(file, geometryOf({ ...metadata, hasParent: metadata.kind === 'differencing' }), regions.bat);

const spansOf = ({ current, regions }: ParsedVhdx): Span[] => [
  { what: 'header area', offsetBytes: 0, lengthBytes: headerAreaLength },
  logSpan(current),
  ...regions.all,
];

/** What of the file nobody uses. Small tables are checked whole. A huge one is checked where it is used, and new blocks go to the end of the file. */
export function roomOf(parsed: ParsedVhdx, map: BlockMap): Promise<Room> {
  const { file } = parsed;
  if (map.geometry.entryCount * entryBytes <= wholeTableBytesMax) return scanTables(file, map, spansOf(parsed));
  return Promise.resolve({ holes: [], endBytes: roundUp(file.sizeBytes, mib) + map.geometry.blockSizeBytes });
}

async function makeReader(parsed: ParsedVhdx): Promise<ReadableImage> {
  const map = mapOf(parsed);
  await roomOf(parsed, map);
  return new MappedReader(parsed.file, map, shapeOf(parsed.metadata, parsed.current.header.dataWriteId));
}

async function makeWriter(parsed: ParsedVhdx, options: VhdxWriteOptions): Promise<WritableImage> {
  const { file, current, metadata } = parsed;
  const map = mapOf(parsed);
  const space = new Space(file, await roomOf(parsed, map));
  const headers = new HeaderSlots(file, current);
  const tables = await makeTableWriter(file, headers, space, options);
  const shape = shapeOf(metadata, current.header.dataWriteId);
  const { dataWriteId, newGuid } = options;
  const blocks = new BlockPlacer(file, map, space);
  return new VhdxWriter({ file, map, space, blocks, headers, tables, shape, dataWriteId, newGuid });
}

async function makeTableWriter(
  file: DiskFile,
  headers: HeaderSlots,
  space: Space,
  options: VhdxWriteOptions,
): Promise<TableWriter> {
  if (options.tables === 'ordered') return new OrderedTableWriter(file);
  if (headers.header.logLengthBytes === 0) {
    // A VHDX may have no log at all; then it gets one.
    const { offsetBytes } = await space.take(newLogBytes);
    await headers.change({ fileWriteId: options.newGuid(), logOffsetBytes: offsetBytes, logLengthBytes: newLogBytes });
  }
  return new LoggedTableWriter(file, headers, options.newGuid());
}
