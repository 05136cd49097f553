import { failed, failureOf, succeeded, type Outcome } from '../../../contracts/failure';
import { namingFile, outcomeOf, valueOf } from '../failures';
import { nodeFiles, type DiskFile, type DiskFiles } from '../file';
import {
  blockBytesUsed,
  blockState,
  entryBytes,
  entryHigh,
  entryLow,
  geometryOf,
  payloadIndex,
  type Geometry,
} from './bat';
import { HeaderSlots } from './header-slots';
import { batBytesMax, regionTableLength, regionTableOffsets, virtualSizeBytesMax } from './layout';
import { mib, roundUp, writeU64, type Span } from './numbers';
import { mapOf, roomOf } from './open';
import { parseVhdx, type ParsedVhdx } from './parse';
import { isIntactRegionTable, withTableAt } from './region-table';
import { replaceMetadataItem } from './replace-item';
import { Space } from './space';

const virtualSizeId = '2fa54224-cd1b-4876-b211-5dbed83bf4b8';
const zeros = Buffer.alloc(mib);

/**
 * Makes a VHDX that has no parent larger; what is added reads zero. Its content gets a new data write id, since children of the old size
 * must not take it for their parent. The size is changed last and at once: an interruption leaves the old one, and a repeat goes on.
 *
 * Failures: those of `openVhdx`, and `RequestInvalid` for a size that it cannot have, or a disk with a parent.
 */
export function resizeVhdx(
  path: string,
  virtualSizeBytes: number,
  options: { readonly newGuid: () => string; readonly files?: DiskFiles },
): Promise<Outcome<void>> {
  return outcomeOf(async () => {
    const file = await (options.files ?? nodeFiles).open(path, 'write');
    try {
      const parsed = valueOf(namingFile(path, await parseVhdx(file, 'write')));
      valueOf(namingFile(path, checkSize(parsed, virtualSizeBytes)));
      if (parsed.metadata.virtualSizeBytes === virtualSizeBytes) return;
      await enlarge(parsed, virtualSizeBytes, options.newGuid);
    } finally {
      await file.close();
    }
  });
}

function checkSize({ metadata }: ParsedVhdx, virtualSizeBytes: number): Outcome<void> {
  const invalid = (message: string, remedy: string) => failed(failureOf('RequestInvalid', { message, remedy }));
  if (metadata.parent !== undefined)
    return invalid('is a differencing disk, whose size is that of its parent', 'Merge it first.');
  if (virtualSizeBytes < metadata.virtualSizeBytes)
    return invalid(`has ${metadata.virtualSizeBytes} bytes and is not made smaller`, 'Name a larger size.');
  if (virtualSizeBytes % metadata.logicalSectorSizeBytes !== 0 || virtualSizeBytes > virtualSizeBytesMax)
    return invalid(`cannot have ${virtualSizeBytes} bytes`, 'Name whole sectors, 64 TiB at most.');
  return succeeded(undefined);
}

async function enlarge(parsed: ParsedVhdx, virtualSizeBytes: number, newGuid: () => string): Promise<void> {
  const { file, metadata, regions, current } = parsed;
  const map = mapOf(parsed);
  const space = new Space(file, await roomOf(parsed, map));
  const before = map.geometry;
  const after = geometryOf({ ...metadata, virtualSizeBytes, hasParent: false });
  await new HeaderSlots(file, current).change({ fileWriteId: newGuid(), dataWriteId: newGuid() });
  await zeroTail(file, before, map.block(before.blockCount - 1));
  const added = metadata.kind === 'fixed' ? await placeBlocks(file, space, before, after) : [];
  const table = await tableFor(parsed, space, before, after);
  await writeAdded(file, table, before, after, added);
  await file.sync();
  if (table !== regions.bat) await moveTable(file, table);
  const size = Buffer.alloc(8);
  writeU64(size, 0, virtualSizeBytes);
  valueOf(namingFile(file.path, await replaceMetadataItem(file, regions.metadata, virtualSizeId, size)));
}

/** What of the last block lies past the old end shows from now on. */
async function zeroTail(
  file: DiskFile,
  geometry: Geometry,
  last: { readonly meaning: string; readonly fileOffsetBytes: number },
): Promise<void> {
  if (last.meaning !== 'full') return;
  const used = blockBytesUsed(geometry, geometry.blockCount - 1);
  await fillZeros(file, last.fileOffsetBytes + used, last.fileOffsetBytes + geometry.blockSizeBytes);
}

async function fillZeros(file: DiskFile, fromByte: number, toByte: number): Promise<void> {
  for (let at = fromByte; at < toByte; at += zeros.length)
    await file.write(zeros.subarray(0, Math.min(zeros.length, toByte - at)), at);
}

/** Places for the new blocks of a fixed disk. */
async function placeBlocks(file: DiskFile, space: Space, before: Geometry, after: Geometry): Promise<number[]> {
  const places: number[] = [];
  for (let block = before.blockCount; block < after.blockCount; block++) {
    const { offsetBytes, content } = await space.take(after.blockSizeBytes);
    if (content === 'used') await fillZeros(file, offsetBytes, offsetBytes + after.blockSizeBytes);
    places.push(offsetBytes);
  }
  return places;
}

/** The table as it is where it has room, otherwise a longer copy of it elsewhere. */
async function tableFor(parsed: ParsedVhdx, space: Space, before: Geometry, after: Geometry): Promise<Span> {
  const { file, regions } = parsed;
  if (after.entryCount * entryBytes <= regions.bat.lengthBytes) return regions.bat;
  const lengthBytes = Math.min(batBytesMax, roundUp(after.entryCount * entryBytes, mib));
  const { offsetBytes } = await space.take(lengthBytes);
  const used = before.entryCount * entryBytes;
  const piece = Buffer.allocUnsafe(mib);
  for (let at = 0; at < used; at += piece.length) {
    const bytes = piece.subarray(0, Math.min(piece.length, used - at));
    await file.read(bytes, regions.bat.offsetBytes + at);
    await file.write(bytes, offsetBytes + at);
  }
  await fillZeros(file, offsetBytes + used, offsetBytes + lengthBytes);
  return { what: regions.bat.what, offsetBytes, lengthBytes };
}

/** The entries of the new blocks, and nothing in those of sector bitmaps between them. */
async function writeAdded(
  file: DiskFile,
  table: Span,
  before: Geometry,
  after: Geometry,
  places: readonly number[],
): Promise<void> {
  const first = before.entryCount;
  const bytes = Buffer.alloc(Math.max(0, after.entryCount - first) * entryBytes);
  for (const [index, place] of places.entries()) {
    const at = (payloadIndex(after, before.blockCount + index) - first) * entryBytes;
    bytes.writeUInt32LE(entryLow(blockState.fullyPresent, place), at);
    bytes.writeUInt32LE(entryHigh(place), at + 4);
  }
  if (bytes.length > 0) await file.write(bytes, table.offsetBytes + first * entryBytes);
}

/** The second copy first: until the first one follows, that one counts. */
async function moveTable(file: DiskFile, table: Span): Promise<void> {
  const copies: Buffer[] = [];
  for (const offset of regionTableOffsets) {
    const bytes = Buffer.alloc(regionTableLength);
    await file.read(bytes, offset);
    copies.push(bytes);
  }
  const intact = copies.find(isIntactRegionTable);
  if (intact === undefined) throw new RangeError('a file that opened has an intact region table');
  const moved = withTableAt(intact, table);
  for (const offset of [...regionTableOffsets].reverse()) {
    await file.write(moved, offset);
    await file.sync();
  }
}
