import { succeeded, type Outcome } from '../../../contracts/failure';
import { damaged } from '../failures';
import type { DiskFile } from '../file';
import { readGuid } from './guid';
import { metadataTableLength } from './layout';
import { decodeMetadataTable } from './metadata';
import { roundUp, type Span } from './numbers';

const entriesOffset = 32;
const entryLength = 32;
const placeUnitBytes = 4096;

/**
 * Puts another content of a metadata item into free room of the region, makes it durable, and then lets the table of the metadata name it
 * (MS-VHDX 2.6.1): an interruption leaves the old content. Durable when it returns.
 */
export async function replaceMetadataItem(
  file: DiskFile,
  region: Span,
  itemId: string,
  content: Buffer,
): Promise<Outcome<void>> {
  const table = Buffer.alloc(metadataTableLength);
  await file.read(table, region.offsetBytes);
  const items = decodeMetadataTable(table, region.lengthBytes);
  if (!items.ok) return items;
  const place = roundUp(items.value.endBytes, placeUnitBytes);
  const entry = entryOf(table, itemId);
  if (entry === undefined) return damaged(`has no metadata item ${itemId}`);
  if (place + content.length > region.lengthBytes) return damaged('has no room in its metadata for another item');
  await file.write(content, region.offsetBytes + place);
  await file.sync();
  // Eight bytes inside one sector: the disk takes them as a whole or not at all.
  const placed = Buffer.alloc(8);
  placed.writeUInt32LE(place, 0);
  placed.writeUInt32LE(content.length, 4);
  await file.write(placed, region.offsetBytes + entry + 16);
  await file.sync();
  return succeeded(undefined);
}

function entryOf(table: Buffer, itemId: string): number | undefined {
  for (let index = 0; index < table.readUInt16LE(10); index++) {
    const at = entriesOffset + index * entryLength;
    if (readGuid(table, at) === itemId) return at;
  }
  return undefined;
}
