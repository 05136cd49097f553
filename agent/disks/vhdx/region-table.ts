import { succeeded, type Outcome } from '../../../contracts/failure';
import { damaged, notVhdx, truncated } from '../failures';
import { isSealed, sealStructure } from './crc32c';
import { readGuid, writeGuid } from './guid';
import { batBytesMax, headerAreaLength, metadataRegionBytesMax, regionTableLength, tableEntriesMax } from './layout';
import { metadataTableLength } from './layout';
import { mib, overlapping, readU64, writeU64, type Span } from './numbers';

/** The two regions that every VHDX has (MS-VHDX 2.2.3.2). */
export type KnownRegions = { readonly bat: Span; readonly metadata: Span };
/** `all`: these two and those that are not known and not required; what they hold is not ours to use. */
export type Regions = KnownRegions & { readonly all: readonly Span[] };

const signature = 'regi';
const entriesOffset = 16;
const entryLength = 32;
const batId = '2dc27766-f623-4200-9d64-115e9bfd4a08';
const metadataId = '8b7ca206-4790-4b9a-b8fe-575f050f886e';
const requiredFlag = 1;

/** The table of a new file; both copies are the same. */
export function encodeRegionTable(regions: KnownRegions): Buffer {
  const bytes = Buffer.alloc(regionTableLength);
  bytes.write(signature, 0, 'latin1');
  const entries = [
    { id: batId, span: regions.bat },
    { id: metadataId, span: regions.metadata },
  ];
  bytes.writeUInt32LE(entries.length, 8);
  for (const [index, { id, span }] of entries.entries()) {
    const at = entriesOffset + index * entryLength;
    writeGuid(bytes, at, id);
    writeU64(bytes, at + 16, span.offsetBytes);
    bytes.writeUInt32LE(span.lengthBytes, at + 24);
    bytes.writeUInt32LE(requiredFlag, at + 28);
  }
  sealStructure(bytes);
  return bytes;
}

/** Whether a copy of the table is as it was written. */
export const isIntactRegionTable = (bytes: Buffer): boolean =>
  bytes.toString('latin1', 0, 4) === signature && isSealed(bytes);

/** An intact table with its block allocation table elsewhere. */
export function withTableAt(intact: Buffer, bat: Span): Buffer {
  const bytes = Buffer.from(intact);
  for (let index = 0; index < bytes.readUInt32LE(8); index++) {
    const at = entriesOffset + index * entryLength;
    if (readGuid(bytes, at) !== batId) continue;
    writeU64(bytes, at + 16, bat.offsetBytes);
    bytes.writeUInt32LE(bat.lengthBytes, at + 24);
  }
  sealStructure(bytes);
  return bytes;
}

/** The regions of an intact copy of the table. `log` is where the header puts the log; nothing may overlap. */
export function decodeRegionTable(bytes: Buffer, fileSizeBytes: number, log: Span): Outcome<Regions> {
  const entryCount = bytes.readUInt32LE(8);
  if (entryCount > tableEntriesMax) return damaged(`has ${entryCount} regions; at most ${tableEntriesMax} are allowed`);
  const spans = [{ what: 'header area', offsetBytes: 0, lengthBytes: headerAreaLength }, log];
  const found = new Map<string, Span>();
  for (let index = 0; index < entryCount; index++) {
    const entry = decodeEntry(bytes, entriesOffset + index * entryLength, fileSizeBytes);
    if (!entry.ok) return entry;
    const { id, span } = entry.value;
    if (found.has(id)) return damaged(`has two regions ${id}`);
    found.set(id, span);
    spans.push(span);
  }
  const clash = overlapping(spans);
  if (clash !== undefined) return damaged(`has ${clash[0].what} and ${clash[1].what} in the same place`);
  return pickRegions(found);
}

function decodeEntry(bytes: Buffer, at: number, fileSizeBytes: number): Outcome<{ id: string; span: Span }> {
  const id = readGuid(bytes, at);
  const known = id === batId ? 'block allocation table' : id === metadataId ? 'metadata region' : undefined;
  const isRequired = (bytes.readUInt32LE(at + 28) & requiredFlag) !== 0;
  if (known === undefined && isRequired) return notVhdx(`needs region ${id}, which is not known`);
  const what = known ?? `region ${id}`;
  const offsetBytes = readU64(bytes, at + 16);
  const lengthBytes = bytes.readUInt32LE(at + 24);
  if (offsetBytes % mib !== 0 || lengthBytes % mib !== 0 || offsetBytes < headerAreaLength)
    return damaged(`has its ${what} at byte ${offsetBytes} with ${lengthBytes} bytes, not in whole mebibytes`);
  if (offsetBytes + lengthBytes > fileSizeBytes) return truncated(`ends at byte ${fileSizeBytes}, inside its ${what}`);
  return succeeded({ id, span: { what, offsetBytes, lengthBytes } });
}

function pickRegions(found: ReadonlyMap<string, Span>): Outcome<Regions> {
  const bat = found.get(batId);
  const metadata = found.get(metadataId);
  if (bat === undefined) return damaged('has no block allocation table');
  if (metadata === undefined) return damaged('has no metadata region');
  if (bat.lengthBytes > batBytesMax) return damaged(`has a block allocation table of ${bat.lengthBytes} bytes`);
  if (metadata.lengthBytes > metadataRegionBytesMax || metadata.lengthBytes < metadataTableLength)
    return damaged(`has a metadata region of ${metadata.lengthBytes} bytes`);
  return succeeded({ bat, metadata, all: [...found.values()] });
}
