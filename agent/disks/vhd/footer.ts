import type { ImageKind } from '../image';
import { readU64BE, writeU64BE } from './numbers-be';
import { isSealed, seal } from './checksum';
import { chsOf } from './geometry';
import { readUniqueId, writeUniqueId } from './guid';
import { footerBytes } from './layout';

/** What the last sector of a file says, and a copy of it at the start of a file that is not fixed. */
export type Footer = {
  readonly kind: ImageKind;
  readonly virtualSizeBytes: number;
  /** The identity of the content: a child stores it as that of its parent. */
  readonly uniqueId: string;
  /** Seconds since 2000. */
  readonly createdAtS: number;
  /** Where the dynamic header stands; undefined in a fixed disk. */
  readonly headerOffsetBytes: number | undefined;
  /** As it stands in the file: fields that nobody here knows stay as they are when others change. */
  readonly raw: Buffer;
};

export const footerCookie = 'conectix';
const checksumAt = 64;
const at = {
  features: 8,
  version: 12,
  header: 16,
  time: 24,
  creator: 28,
  creatorVersion: 32,
  creatorHost: 36,
} as const;
const sizes = { original: 40, current: 48, geometry: 56, kind: 60, uniqueId: 68 } as const;
const version = 0x00010000;
/** Features: none, but a bit that is always set. */
const featuresOfAll = 2;
/**
 * QEMU believes the size of the footer only when it knows the program that made the file, and the geometry, which is smaller, otherwise.
 * So this says what Windows says.
 */
const creator = { application: 'win ', version: 0x000a0000, host: 'Wi2k' } as const;
const kindNumbers = { fixed: 2, dynamic: 3, differencing: 4 } as const satisfies Record<ImageKind, number>;

/** 2000-01-01, where times of the format begin, in milliseconds since 1970. */
const epochMs = Date.UTC(2000, 0, 1);
export const secondsSince2000 = (ms: number): number => Math.max(0, Math.floor((ms - epochMs) / 1000)) >>> 0;
export const msSince1970 = (seconds: number): number => epochMs + seconds * 1000;

export type DecodedFooter =
  | { readonly state: 'intact'; readonly footer: Footer }
  /** `absent`: not a footer at all. */
  | { readonly state: 'absent' }
  | { readonly state: 'broken'; readonly why: string };

/** Reads 512 bytes that may be a footer. Sizes are not checked yet. */
export function decodeFooter(bytes: Buffer): DecodedFooter {
  if (bytes.length < footerBytes || bytes.toString('latin1', 0, 8) !== footerCookie) return { state: 'absent' };
  if (!isSealed(bytes, checksumAt)) return { state: 'broken', why: 'its checksum is wrong' };
  const found = bytes.readUInt32BE(at.version);
  if (found !== version) return { state: 'broken', why: `version ${found.toString(16)} of the format is not known` };
  const number = bytes.readUInt32BE(sizes.kind);
  const kind = (Object.keys(kindNumbers) as ImageKind[]).find((one) => kindNumbers[one] === number);
  if (kind === undefined) return { state: 'broken', why: `disks of type ${number} are not known` };
  const footer = {
    kind,
    virtualSizeBytes: readU64BE(bytes, sizes.current),
    uniqueId: readUniqueId(bytes, sizes.uniqueId),
    createdAtS: bytes.readUInt32BE(at.time),
    headerOffsetBytes: kind === 'fixed' ? undefined : readU64BE(bytes, at.header),
    raw: Buffer.from(bytes.subarray(0, footerBytes)),
  };
  return { state: 'intact', footer };
}

export function newFooter(of: Omit<Footer, 'raw'>): Footer {
  const raw = Buffer.alloc(footerBytes);
  raw.write(footerCookie, 0, 'latin1');
  raw.writeUInt32BE(featuresOfAll, at.features);
  raw.writeUInt32BE(version, at.version);
  if (of.headerOffsetBytes !== undefined) writeU64BE(raw, at.header, of.headerOffsetBytes);
  else raw.fill(0xff, at.header, at.header + 8);
  raw.writeUInt32BE(of.createdAtS, at.time);
  raw.write(creator.application, at.creator, 'latin1');
  raw.writeUInt32BE(creator.version, at.creatorVersion);
  raw.write(creator.host, at.creatorHost, 'latin1');
  writeU64BE(raw, sizes.original, of.virtualSizeBytes);
  raw.writeUInt32BE(kindNumbers[of.kind], sizes.kind);
  return changedFooter({ ...of, raw }, of);
}

export type FooterChange = {
  readonly virtualSizeBytes?: number;
  readonly uniqueId?: string;
  readonly headerOffsetBytes?: number | undefined;
};

/** The same footer with another size, id or place of the header, its geometry and checksum made to fit. */
export function changedFooter(footer: Footer, change: FooterChange): Footer {
  const raw = Buffer.from(footer.raw);
  const { virtualSizeBytes, uniqueId, headerOffsetBytes } = { ...footer, ...change };
  writeU64BE(raw, sizes.current, virtualSizeBytes);
  if (change.headerOffsetBytes !== undefined) writeU64BE(raw, at.header, change.headerOffsetBytes);
  if (change.virtualSizeBytes !== undefined) {
    const { cylinders, heads, sectorsPerTrack } = chsOf(virtualSizeBytes);
    raw.writeUInt16BE(cylinders, sizes.geometry);
    raw.writeUInt8(heads, sizes.geometry + 2);
    raw.writeUInt8(sectorsPerTrack, sizes.geometry + 3);
  }
  writeUniqueId(raw, sizes.uniqueId, uniqueId);
  return { ...footer, virtualSizeBytes, uniqueId, headerOffsetBytes, raw: seal(raw, checksumAt) };
}
