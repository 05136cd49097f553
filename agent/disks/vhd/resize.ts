import { failed, failureOf, succeeded, type Outcome } from '../../../contracts/failure';
import { namingFile, outcomeOf, valueOf } from '../failures';
import { nodeFiles, type DiskFile, type DiskFiles } from '../file';
import { mib, roundUp } from '../vhdx/numbers';
import { blockBytesUsed, type VhdBlockMap } from './block-map';
import { fill } from './create';
import { Footers } from './footers';
import { withTable } from './header';
import { entryBytes, footerBytes, sectorBytes, virtualSizeBytesMax } from './layout';
import { mendedFooters, readBlocks } from './open';
import { parseVhd, type ParsedDynamic, type ParsedVhd } from './parse';
import { SlotSpace } from './slot-space';

/**
 * Makes a VHD that has no parent larger; what is added reads zero. Its content gets a new id, since children of the old size must not take
 * it for their parent. The size is changed last: an interruption leaves the old one, and a repeat goes on.
 *
 * Failures: those of `openVhd`, and `RequestInvalid` for a size that it cannot have, or a disk with a parent.
 */
export function resizeVhd(
  path: string,
  virtualSizeBytes: number,
  options: { readonly newGuid: () => string; readonly files?: DiskFiles },
): Promise<Outcome<void>> {
  return outcomeOf(async () => {
    const file = await (options.files ?? nodeFiles).open(path, 'write');
    try {
      const parsed = valueOf(namingFile(path, await parseVhd(file)));
      valueOf(namingFile(path, checkSize(parsed, virtualSizeBytes)));
      if (parsed.footer.virtualSizeBytes === virtualSizeBytes) return;
      if (parsed.dynamic === undefined) await enlargeFixed(parsed, virtualSizeBytes, options.newGuid());
      else await enlarge(parsed, parsed.dynamic, virtualSizeBytes, options.newGuid());
    } finally {
      await file.close();
    }
  });
}

function checkSize({ footer, dynamic }: ParsedVhd, virtualSizeBytes: number): Outcome<void> {
  const invalid = (message: string, remedy: string) => failed(failureOf('RequestInvalid', { message, remedy }));
  if (dynamic?.parent !== undefined)
    return invalid('is a differencing disk, whose size is that of its parent', 'Merge it first.');
  if (virtualSizeBytes < footer.virtualSizeBytes)
    return invalid(`has ${footer.virtualSizeBytes} bytes and is not made smaller`, 'Name a larger size.');
  if (virtualSizeBytes % sectorBytes !== 0 || virtualSizeBytes > virtualSizeBytesMax)
    return invalid(`cannot have ${virtualSizeBytes} bytes`, 'Name whole sectors of 512 bytes, 2040 GiB at most.');
  return succeeded(undefined);
}

/** A footer that still tells the old size goes to the new end; then what stood behind the old one reads zero; then the size changes. */
async function enlargeFixed({ file, footer }: ParsedVhd, virtualSizeBytes: number, uniqueId: string): Promise<void> {
  const footers = new Footers(file, footer, file.sizeBytes - footerBytes);
  const oldEnd = footers.atBytes + footerBytes;
  if (footers.atBytes < virtualSizeBytes) await footers.moveUp(virtualSizeBytes);
  else if (footers.atBytes > virtualSizeBytes) await footers.moveDown(virtualSizeBytes);
  await fill(file, 0, footer.virtualSizeBytes, Math.min(oldEnd, virtualSizeBytes));
  await file.sync();
  await footers.change({ virtualSizeBytes, uniqueId });
}

async function enlarge(
  parsed: ParsedVhd,
  dynamic: ParsedDynamic,
  virtualSizeBytes: number,
  uniqueId: string,
): Promise<void> {
  const { file, footer } = parsed;
  const { map, room } = await readBlocks(file, footer, dynamic);
  const footers = await mendedFooters(parsed, room);
  const space = new SlotSpace(file, footers, room.holes, map.geometry.bitmapBytes);
  await footers.change({ uniqueId });
  await zeroTail(file, map);
  const entryCount = Math.ceil(virtualSizeBytes / dynamic.header.blockSizeBytes);
  const tableEnd = await growTable(file, space, dynamic, map.geometry.blockCount, entryCount);
  await footers.change({ virtualSizeBytes });
  await space.trim(Math.max(room.endBytes, tableEnd));
}

/** What of the last block lies past the old end shows from now on. */
async function zeroTail(file: DiskFile, map: VhdBlockMap): Promise<void> {
  const last = map.geometry.blockCount - 1;
  const place = map.place(last);
  if (place === undefined) return;
  const data = place + map.geometry.bitmapBytes;
  await fill(file, 0, data + blockBytesUsed(map.geometry, last), data + map.geometry.blockSizeBytes);
  await file.sync();
}

/** The table with entries for more blocks, elsewhere when it has no room; answers where it ends. Durable when it returns. */
async function growTable(
  file: DiskFile,
  space: SlotSpace,
  { header, headerOffsetBytes }: ParsedDynamic,
  blocksBefore: number,
  entryCount: number,
): Promise<number> {
  const tableBytes = (entries: number) => roundUp(entries * entryBytes, sectorBytes);
  const usedBytes = blocksBefore * entryBytes;
  const fits = tableBytes(entryCount) <= tableBytes(blocksBefore);
  const tableOffsetBytes = fits ? header.tableOffsetBytes : (await space.take(tableBytes(entryCount))).offsetBytes;
  for (let at = 0; !fits && at < usedBytes; at += mib) {
    const piece = Buffer.alloc(Math.min(mib, usedBytes - at));
    await file.read(piece, header.tableOffsetBytes + at);
    await file.write(piece, tableOffsetBytes + at);
  }
  await fill(file, 0xff, tableOffsetBytes + usedBytes, tableOffsetBytes + tableBytes(entryCount));
  await file.sync();
  const { raw } = withTable(header, {
    tableOffsetBytes,
    entryCount: Math.max(entryCount, fits ? header.entryCount : 0),
  });
  await file.write(raw.subarray(0, sectorBytes), headerOffsetBytes);
  await file.sync();
  return tableOffsetBytes + tableBytes(entryCount);
}
