import { succeeded, type Outcome } from '../../../contracts/failure';
import { chainBroken, damaged, namingFile, outcomeOf, valueOf } from '../failures';
import { nodeFiles, type DiskFile, type DiskFiles } from '../file';
import { readGuid } from './guid';
import { HeaderSlots } from './header-slots';
import { metadataTableLength } from './layout';
import { decodeMetadataTable } from './metadata';
import { roundUp, type Span } from './numbers';
import { encodeParentLocator } from './parent-locator';
import { parseVhdx } from './parse';

const parentLocatorId = 'a8d35f2d-b30b-454d-abf7-d3d84834ab0c';
const entriesOffset = 32;
const entryLength = 32;
const placeUnitBytes = 4096;

/**
 * Tells a differencing disk that its parent is at `relativePath` from its own folder, and nowhere else; which content the parent must
 * have stays as it is. The new locator is durable before the table of the metadata names it (MS-VHDX 2.6.1), so that an interruption
 * leaves the old one. Asked again, it changes nothing.
 *
 * Failures: those of `openVhdx`, and `DiskChainBroken` when the image has no parent.
 */
export function relinkParent(
  path: string,
  relativePath: string,
  options: { readonly newGuid: () => string; readonly files?: DiskFiles },
): Promise<Outcome<void>> {
  return outcomeOf(async () => {
    const file = await (options.files ?? nodeFiles).open(path, 'write');
    try {
      const { current, regions, metadata } = valueOf(namingFile(path, await parseVhdx(file, 'write')));
      if (metadata.parent === undefined) {
        valueOf(chainBroken(`${path}: is not a differencing disk`));
        return;
      }
      const { absolutePath: _former, ...link } = metadata.parent;
      const locator = encodeParentLocator({ ...link, relativePath });
      if (locator.equals(encodeParentLocator(metadata.parent))) return;
      await new HeaderSlots(file, current).change({ fileWriteId: options.newGuid() });
      valueOf(namingFile(path, await replaceLocator(file, regions.metadata, locator)));
    } finally {
      await file.close();
    }
  });
}

async function replaceLocator(file: DiskFile, region: Span, locator: Buffer): Promise<Outcome<void>> {
  const table = Buffer.alloc(metadataTableLength);
  await file.read(table, region.offsetBytes);
  const items = decodeMetadataTable(table, region.lengthBytes);
  if (!items.ok) return items;
  const ends = [...items.value.values()].map((item) => item.offsetBytes + item.lengthBytes);
  const place = roundUp(Math.max(metadataTableLength, ...ends), placeUnitBytes);
  const entry = entryOfLocator(table);
  if (entry === undefined) return damaged('names no parent locator in its metadata');
  if (place + locator.length > region.lengthBytes)
    return damaged('has no room in its metadata for another parent locator');
  await file.write(locator, region.offsetBytes + place);
  await file.sync();
  // Eight bytes inside one sector: the disk takes them as a whole or not at all.
  const placed = Buffer.alloc(8);
  placed.writeUInt32LE(place, 0);
  placed.writeUInt32LE(locator.length, 4);
  await file.write(placed, region.offsetBytes + entry + 16);
  await file.sync();
  return succeeded(undefined);
}

function entryOfLocator(table: Buffer): number | undefined {
  for (let index = 0; index < table.readUInt16LE(10); index++) {
    const at = entriesOffset + index * entryLength;
    if (readGuid(table, at) === parentLocatorId) return at;
  }
  return undefined;
}
