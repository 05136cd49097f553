import { succeeded, type Outcome } from '../../../contracts/failure';
import { damaged } from '../failures';
import { isPowerOfTwo } from '../vhdx/numbers';
import { isSealed, seal } from './checksum';
import { readUniqueId, writeUniqueId } from './guid';
import { blockSizeBytesMax, blockSizeBytesMin, headerBytes, locatorBytesMax, sectorBytes } from './layout';
import { readU64BE, writeU64BE } from './numbers-be';

/** Where a path to the parent stands, and in which way it is written. */
export type LocatorPlace = { readonly code: string; readonly offsetBytes: number; readonly lengthBytes: number };

/** The dynamic header: of every disk but a fixed one. */
export type DynamicHeader = {
  readonly tableOffsetBytes: number;
  /** Entries that the table has room for. */
  readonly entryCount: number;
  readonly blockSizeBytes: number;
  /** All zero in a disk without a parent. */
  readonly parentUniqueId: string;
  /** Seconds since 2000; when the file of the parent was changed last, 0 where nobody said. */
  readonly parentModifiedAtS: number;
  readonly parentName: string;
  readonly locators: readonly LocatorPlace[];
  readonly raw: Buffer;
};

const cookie = 'cxsparse';
const version = 0x00010000;
const checksumAt = 36;
const at = { next: 8, table: 16, version: 24, entries: 28, blockSize: 32, parentId: 40, parentTime: 56 } as const;
const parentNameAt = 64;
const parentNameBytes = 512;
const locatorsAt = 576;
const locatorBytes = 24;
export const locatorsMax = 8;

/** Reads the 1024 bytes of a header. Whether its table fits the disk is not looked at yet. */
export function decodeHeader(bytes: Buffer): Outcome<DynamicHeader> {
  if (bytes.toString('latin1', 0, 8) !== cookie) return damaged('has no dynamic header where its footer says');
  if (!isSealed(bytes, checksumAt)) return damaged('has a dynamic header whose checksum is wrong');
  const found = bytes.readUInt32BE(at.version);
  if (found !== version) return damaged(`has a dynamic header of version ${found.toString(16)}`);
  const blockSizeBytes = bytes.readUInt32BE(at.blockSize);
  if (blockSizeBytes < blockSizeBytesMin || blockSizeBytes > blockSizeBytesMax || !isPowerOfTwo(blockSizeBytes))
    return damaged(`has blocks of ${blockSizeBytes} bytes; a power of two from 512 KiB to 256 MiB is allowed`);
  const locators: LocatorPlace[] = [];
  for (let index = 0; index < locatorsMax; index++) {
    const place = locatorsAt + index * locatorBytes;
    const code = bytes.toString('latin1', place, place + 4);
    const lengthBytes = bytes.readUInt32BE(place + 8);
    if (code === '\0\0\0\0' || lengthBytes === 0) continue;
    if (lengthBytes > locatorBytesMax) return damaged(`has a parent locator of ${lengthBytes} bytes`);
    locators.push({ code, offsetBytes: readU64BE(bytes, place + 16), lengthBytes });
  }
  return succeeded({
    tableOffsetBytes: readU64BE(bytes, at.table),
    entryCount: bytes.readUInt32BE(at.entries),
    blockSizeBytes,
    parentUniqueId: readUniqueId(bytes, at.parentId),
    parentModifiedAtS: bytes.readUInt32BE(at.parentTime),
    parentName: utf16be(bytes.subarray(parentNameAt, parentNameAt + parentNameBytes)),
    locators,
    raw: Buffer.from(bytes),
  });
}

function utf16be(bytes: Buffer): string {
  const text = Buffer.from(bytes).swap16().toString('utf16le');
  const end = text.indexOf('\0');
  return end === -1 ? text : text.slice(0, end);
}

export function newHeader(of: Omit<DynamicHeader, 'raw'>): DynamicHeader {
  const raw = Buffer.alloc(headerBytes);
  raw.write(cookie, 0, 'latin1');
  raw.fill(0xff, at.next, at.next + 8);
  raw.writeUInt32BE(version, at.version);
  raw.writeUInt32BE(of.blockSizeBytes, at.blockSize);
  writeUniqueId(raw, at.parentId, of.parentUniqueId);
  raw.writeUInt32BE(of.parentModifiedAtS, at.parentTime);
  const name = Buffer.from(of.parentName.slice(0, parentNameBytes / 2 - 1), 'utf16le').swap16();
  name.copy(raw, parentNameAt);
  for (const [index, locator] of of.locators.entries()) {
    const place = locatorsAt + index * locatorBytes;
    raw.write(locator.code, place, 'latin1');
    // Windows counts this in bytes, whatever the specification says.
    raw.writeUInt32BE(Math.ceil(locator.lengthBytes / sectorBytes) * sectorBytes, place + 4);
    raw.writeUInt32BE(locator.lengthBytes, place + 8);
    writeU64BE(raw, place + 16, locator.offsetBytes);
  }
  return withTable({ ...of, raw }, of);
}

/** The same header with its table elsewhere. Only bytes of its first sector differ, so that writing it is not torn by a power loss. */
export function withTable(
  header: DynamicHeader,
  table: { readonly tableOffsetBytes: number; readonly entryCount: number },
): DynamicHeader {
  const raw = Buffer.from(header.raw);
  const { tableOffsetBytes, entryCount } = table;
  writeU64BE(raw, at.table, tableOffsetBytes);
  raw.writeUInt32BE(entryCount, at.entries);
  return { ...header, tableOffsetBytes, entryCount, raw: seal(raw, checksumAt) };
}

/** The same header with another time of the parent. Only bytes of its first sector differ here too. */
export function withParentTime(header: DynamicHeader, parentModifiedAtS: number): DynamicHeader {
  const raw = Buffer.from(header.raw);
  raw.writeUInt32BE(parentModifiedAtS, at.parentTime);
  return { ...header, parentModifiedAtS, raw: seal(raw, checksumAt) };
}
