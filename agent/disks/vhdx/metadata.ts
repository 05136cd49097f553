import { succeeded, type Outcome } from '../../../contracts/failure';
import { damaged, notVhdx } from '../failures';
import type { ImageKind, ParentLink } from '../image';
import { readGuid, writeGuid } from './guid';
import {
  blockSizeBytesMax,
  blockSizeBytesMin,
  metadataItemBytesMax,
  metadataTableLength,
  tableEntriesMax,
  virtualSizeBytesMax,
} from './layout';
import { isPowerOfTwo, overlapping, readU64, writeU64, type Span } from './numbers';
import { decodeParentLocator, encodeParentLocator } from './parent-locator';

/** What the metadata region says (MS-VHDX 2.6). */
export type Metadata = {
  readonly kind: ImageKind;
  readonly blockSizeBytes: number;
  readonly virtualSizeBytes: number;
  readonly logicalSectorSizeBytes: 512 | 4096;
  readonly physicalSectorSizeBytes: 512 | 4096;
  readonly virtualDiskId: string;
  readonly parent?: ParentLink;
};

const items = {
  'caa16737-fa36-4d43-b3b6-33f0aa44e76b': 'fileParameters',
  '2fa54224-cd1b-4876-b211-5dbed83bf4b8': 'virtualSize',
  'beca12ab-b2e6-4523-93ef-c309e000c746': 'virtualDiskId',
  '8141bf1d-a96f-4709-ba47-f233a8faab5f': 'logicalSectorSize',
  'cda348c7-445d-4471-9cc9-e9885251c556': 'physicalSectorSize',
  'a8d35f2d-b30b-454d-abf7-d3d84834ab0c': 'parentLocator',
  'da02d7bc-3d3a-423c-ac88-2a36ab21479b': 'diskGeometry',
  '71cc85f0-1b69-4e28-9558-c3bf83ae75d3': 'incompleteFile',
} as const;
type ItemName = (typeof items)[keyof typeof items];
const isKnown = (id: string): id is keyof typeof items => id in items;

/** Where the items stand, relative to the metadata region. */
export type MetadataItems = ReadonlyMap<ItemName, Span>;

const signature = 'metadata';
const entriesOffset = 32;
const entryLength = 32;
const flags = { isUser: 1, isVirtualDisk: 2, isRequired: 4 } as const;
const parameterFlags = { leaveBlocksAllocated: 1, hasParent: 2 } as const;

/** The places of the items as the table at the start of the metadata region gives them, all inside the region. */
export function decodeMetadataTable(table: Buffer, regionLengthBytes: number): Outcome<MetadataItems> {
  if (table.toString('latin1', 0, 8) !== signature) return damaged('has a metadata region without its signature');
  const entryCount = table.readUInt16LE(10);
  if (entryCount > tableEntriesMax) return damaged(`has ${entryCount} metadata items`);
  const found = new Map<ItemName, Span>();
  for (let index = 0; index < entryCount; index++) {
    const at = entriesOffset + index * entryLength;
    const id = readGuid(table, at);
    const flagBits = table.readUInt32LE(at + 24);
    if (!isKnown(id)) {
      if ((flagBits & flags.isRequired) !== 0) return notVhdx(`needs metadata item ${id}, which is not known`);
      continue;
    }
    const span = {
      what: items[id],
      offsetBytes: table.readUInt32LE(at + 16),
      lengthBytes: table.readUInt32LE(at + 20),
    };
    if (!fits(span, regionLengthBytes)) return damaged(`has its metadata item ${span.what} outside of the region`);
    if (found.has(span.what)) return damaged(`has its metadata item ${span.what} twice`);
    found.set(span.what, span);
  }
  const clash = overlapping([...found.values()]);
  if (clash !== undefined) return damaged(`has metadata items ${clash[0].what} and ${clash[1].what} in the same place`);
  return succeeded(found);
}

function fits(span: Span, regionLengthBytes: number): boolean {
  if (span.lengthBytes === 0) return span.offsetBytes === 0 || span.offsetBytes <= regionLengthBytes;
  return (
    span.offsetBytes >= metadataTableLength &&
    span.lengthBytes <= metadataItemBytesMax &&
    span.offsetBytes + span.lengthBytes <= regionLengthBytes
  );
}

/** What the items say; `read` fetches one of them by its place in the region. */
export async function decodeMetadata(
  found: MetadataItems,
  read: (item: Span) => Promise<Buffer>,
): Promise<Outcome<Metadata>> {
  if (found.has('incompleteFile')) return damaged('was never finished by the program that began to create it');
  const fetched = new Map<ItemName, Buffer>();
  for (const [name, span] of found) fetched.set(name, await read(span));
  const item = (name: ItemName, length: number) => {
    const bytes = fetched.get(name);
    return bytes !== undefined && bytes.length >= length ? bytes : undefined;
  };
  const parameters = item('fileParameters', 8);
  const virtualSize = item('virtualSize', 8);
  const logical = item('logicalSectorSize', 4);
  const physical = item('physicalSectorSize', 4);
  const diskId = item('virtualDiskId', 16);
  if (!parameters || !virtualSize || !logical || !physical || !diskId)
    return damaged('lacks a metadata item that every VHDX has');
  const parameterBits = parameters.readUInt32LE(4);
  const parent = decodeParent(parameterBits, fetched.get('parentLocator'));
  if (!parent.ok) return parent;
  const logicalSectorSizeBytes = sectorSize(logical);
  const physicalSectorSizeBytes = sectorSize(physical);
  if (logicalSectorSizeBytes === undefined || physicalSectorSizeBytes === undefined)
    return damaged('has a sector size other than 512 and 4096 bytes');
  const leaves = (parameterBits & parameterFlags.leaveBlocksAllocated) !== 0;
  return checkSizes({
    kind: parent.value !== undefined ? 'differencing' : leaves ? 'fixed' : 'dynamic',
    blockSizeBytes: parameters.readUInt32LE(0),
    virtualSizeBytes: readU64(virtualSize, 0),
    logicalSectorSizeBytes,
    physicalSectorSizeBytes,
    virtualDiskId: readGuid(diskId, 0),
    ...(parent.value !== undefined && { parent: parent.value }),
  });
}

function decodeParent(parameterBits: number, locator: Buffer | undefined): Outcome<ParentLink | undefined> {
  if ((parameterBits & parameterFlags.hasParent) === 0) return succeeded(undefined);
  if (locator === undefined) return damaged('is a differencing disk and names no parent');
  return decodeParentLocator(locator);
}

function sectorSize(item: Buffer): 512 | 4096 | undefined {
  const size = item.readUInt32LE(0);
  return size === 512 || size === 4096 ? size : undefined;
}

/** Sizes that the format allows (MS-VHDX 2.6.2.1, 2.6.2.2), whatever the metadata or a caller says. */
export function checkSizes<T extends Pick<Metadata, 'blockSizeBytes' | 'virtualSizeBytes' | 'logicalSectorSizeBytes'>>(
  sizes: T,
): Outcome<T> {
  const { blockSizeBytes, virtualSizeBytes, logicalSectorSizeBytes } = sizes;
  if (blockSizeBytes < blockSizeBytesMin || blockSizeBytes > blockSizeBytesMax || !isPowerOfTwo(blockSizeBytes))
    return damaged(`has blocks of ${blockSizeBytes} bytes; a power of two from 1 MiB to 256 MiB is allowed`);
  if (virtualSizeBytes === 0 || virtualSizeBytes % logicalSectorSizeBytes !== 0)
    return damaged(`has a virtual size of ${virtualSizeBytes} bytes, not whole sectors`);
  if (virtualSizeBytes > virtualSizeBytesMax)
    return damaged(`has a virtual size of ${virtualSizeBytes} bytes; at most 64 TiB are allowed`);
  return succeeded(sizes);
}

/** The start of the metadata region of a new file: table and items. */
export function encodeMetadata(metadata: Metadata): Buffer {
  const u32 = (...values: number[]) => {
    const bytes = Buffer.alloc(values.length * 4);
    for (const [index, value] of values.entries()) bytes.writeUInt32LE(value, index * 4);
    return bytes;
  };
  const size = Buffer.alloc(8);
  writeU64(size, 0, metadata.virtualSizeBytes);
  const diskId = Buffer.alloc(16);
  writeGuid(diskId, 0, metadata.virtualDiskId);
  const parameterBits =
    (metadata.kind === 'fixed' ? parameterFlags.leaveBlocksAllocated : 0) |
    (metadata.parent !== undefined ? parameterFlags.hasParent : 0);
  const ofDisk = flags.isRequired | flags.isVirtualDisk;
  const entries: { name: ItemName; flagBits: number; bytes: Buffer }[] = [
    { name: 'fileParameters', flagBits: flags.isRequired, bytes: u32(metadata.blockSizeBytes, parameterBits) },
    { name: 'virtualSize', flagBits: ofDisk, bytes: size },
    { name: 'logicalSectorSize', flagBits: ofDisk, bytes: u32(metadata.logicalSectorSizeBytes) },
    { name: 'physicalSectorSize', flagBits: ofDisk, bytes: u32(metadata.physicalSectorSizeBytes) },
    { name: 'virtualDiskId', flagBits: ofDisk, bytes: diskId },
  ];
  if (metadata.parent !== undefined)
    entries.push({
      name: 'parentLocator',
      flagBits: flags.isRequired,
      bytes: encodeParentLocator(metadata.parent),
    });
  return encodeTable(entries);
}

function encodeTable(entries: readonly { name: ItemName; flagBits: number; bytes: Buffer }[]): Buffer {
  const table = Buffer.alloc(metadataTableLength);
  table.write(signature, 0, 'latin1');
  table.writeUInt16LE(entries.length, 10);
  let itemOffset = metadataTableLength;
  for (const [index, { name, flagBits, bytes }] of entries.entries()) {
    const at = entriesOffset + index * entryLength;
    const id = Object.keys(items).find((known) => isKnown(known) && items[known] === name);
    if (id !== undefined) writeGuid(table, at, id);
    table.writeUInt32LE(itemOffset, at + 16);
    table.writeUInt32LE(bytes.length, at + 20);
    table.writeUInt32LE(flagBits, at + 24);
    itemOffset += bytes.length;
  }
  return Buffer.concat([table, ...entries.map((entry) => entry.bytes)]);
}
