import { crc32c } from './crc32c';
import { readGuid, writeGuid } from './guid';
import { fileBytesMax, logSectorBytes, logTargetOffsetMin } from './layout';
import { readU64, roundUp, writeU64, type Span } from './numbers';
import type { TableSector } from './table-pages';

/** What an entry asks for: 4 KiB as they shall stand in the file, or a range of zeros (MS-VHDX 2.3.1). */
export type LogStep =
  | { readonly kind: 'data'; readonly offsetBytes: number; readonly bytes: Buffer }
  | { readonly kind: 'zero'; readonly offsetBytes: number; readonly lengthBytes: number };

export type LogEntry = {
  /** Where it begins in the log, which it may run around the end of. */
  readonly atBytes: number;
  readonly lengthBytes: number;
  readonly sequence: bigint;
  /** Where the oldest entry begins that a replay ending with this one needs. */
  readonly tailBytes: number;
  /** The file was this long and durable when the entry was written. */
  readonly flushedFileBytes: number;
  /** The file must be this long for everything that its tables name. */
  readonly lastFileBytes: number;
  readonly steps: readonly LogStep[];
};

const headLength = 64;
const descriptorLength = 32;
const signatures = { entry: 'loge', data: 'desc', zero: 'zero', sector: 'data' } as const;
const leadingBytes = 8;
const trailingBytes = 4;

const descriptorAreaLength = (count: number): number => roundUp(headLength + count * descriptorLength, logSectorBytes);

/** One sector of head and descriptors names this many data sectors. */
export const sectorsPerEntryMax = (logSectorBytes - headLength) / descriptorLength;

export type EntryToWrite = {
  readonly logId: string;
  readonly sequence: bigint;
  readonly tailBytes: number;
  readonly fileBytes: { readonly flushed: number; readonly last: number };
  readonly sectors: readonly TableSector[];
};

/** An entry as it stands in the log, its checksum included. */
export function encodeLogEntry(entry: EntryToWrite): Buffer {
  const area = descriptorAreaLength(entry.sectors.length);
  const bytes = Buffer.alloc(area + entry.sectors.length * logSectorBytes);
  bytes.write(signatures.entry, 0, 'latin1');
  bytes.writeUInt32LE(bytes.length, 8);
  bytes.writeUInt32LE(entry.tailBytes, 12);
  bytes.writeBigUInt64LE(entry.sequence, 16);
  bytes.writeUInt32LE(entry.sectors.length, 24);
  writeGuid(bytes, 32, entry.logId);
  writeU64(bytes, 48, entry.fileBytes.flushed);
  writeU64(bytes, 56, entry.fileBytes.last);
  for (const [index, sector] of entry.sectors.entries()) {
    const descriptor = headLength + index * descriptorLength;
    const at = area + index * logSectorBytes;
    encodeSector(bytes, { descriptor, at, sequence: entry.sequence }, sector);
  }
  bytes.writeUInt32LE(crc32c(bytes), 4);
  return bytes;
}

/** The sector's own first and last bytes move into the descriptor, to make way for signature and sequence number. */
function encodeSector(
  bytes: Buffer,
  place: { readonly descriptor: number; readonly at: number; readonly sequence: bigint },
  sector: TableSector,
): void {
  const { descriptor, at, sequence } = place;
  const trailingAt = logSectorBytes - trailingBytes;
  bytes.write(signatures.data, descriptor, 'latin1');
  sector.bytes.copy(bytes, descriptor + 4, trailingAt);
  sector.bytes.copy(bytes, descriptor + 8, 0, leadingBytes);
  writeU64(bytes, descriptor + 16, sector.offsetBytes);
  bytes.writeBigUInt64LE(sequence, descriptor + 24);
  bytes.write(signatures.sector, at, 'latin1');
  bytes.writeUInt32LE(Number(sequence >> 32n), at + 4);
  sector.bytes.copy(bytes, at + leadingBytes, leadingBytes, trailingAt);
  bytes.writeUInt32LE(Number(sequence & 0xffffffffn), at + trailingAt);
}

/** A log in memory, read as the ring that it is. */
class Ring {
  readonly #bytes: Buffer;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get lengthBytes(): number {
    return this.#bytes.length;
  }

  sector(at: number): Buffer {
    const from = at % this.#bytes.length;
    return this.#bytes.subarray(from, from + logSectorBytes);
  }

  crcOf(at: number, lengthBytes: number): number {
    const head = Buffer.from(this.sector(at));
    head.writeUInt32LE(0, 4);
    let crc = crc32c(head);
    for (let done = logSectorBytes; done < lengthBytes; done += logSectorBytes)
      crc = crc32c(this.sector(at + done), crc);
    return crc;
  }
}

/**
 * All whole entries of a log under this id, in the order of their places; what is torn or older is passed over. `log` is where the log
 * stands in the file: no entry may change it.
 *
 * The signatures of the sectors keep entries from sharing sectors, so the work is bounded by the length of the log.
 */
export function findLogEntries(bytes: Buffer, logId: string, log: Span): LogEntry[] {
  const ring = new Ring(bytes);
  const entries: LogEntry[] = [];
  for (let at = 0; at < bytes.length; at += logSectorBytes) {
    const entry = decodeEntry(ring, at, logId, log);
    if (entry !== undefined) entries.push(entry);
  }
  return entries;
}

function decodeEntry(ring: Ring, at: number, logId: string, log: Span): LogEntry | undefined {
  const head = ring.sector(at);
  if (head.toString('latin1', 0, 4) !== signatures.entry || readGuid(head, 32) !== logId) return undefined;
  const lengthBytes = head.readUInt32LE(8);
  const tailBytes = head.readUInt32LE(12);
  const sequence = head.readBigUInt64LE(16);
  const count = head.readUInt32LE(24);
  if (lengthBytes % logSectorBytes !== 0 || lengthBytes === 0 || lengthBytes > ring.lengthBytes) return undefined;
  if (tailBytes % logSectorBytes !== 0 || tailBytes >= ring.lengthBytes || sequence === 0n) return undefined;
  if (descriptorAreaLength(count) > lengthBytes) return undefined;
  const steps = decodeSteps(ring, { at, lengthBytes, count, sequence }, log);
  if (steps === undefined || ring.crcOf(at, lengthBytes) !== head.readUInt32LE(4)) return undefined;
  const flushedFileBytes = readU64(head, 48);
  const lastFileBytes = readU64(head, 56);
  return { atBytes: at, lengthBytes, sequence, tailBytes, flushedFileBytes, lastFileBytes, steps };
}

type Extent = { readonly at: number; readonly lengthBytes: number; readonly count: number; readonly sequence: bigint };

function decodeSteps(ring: Ring, entry: Extent, log: Span): LogStep[] | undefined {
  const steps: LogStep[] = [];
  let sectorAt = entry.at + descriptorAreaLength(entry.count);
  for (let index = 0; index < entry.count; index++) {
    const within = headLength + index * descriptorLength;
    const descriptor = ring
      .sector(entry.at + within - (within % logSectorBytes))
      .subarray(within % logSectorBytes, (within % logSectorBytes) + descriptorLength);
    if (descriptor.readBigUInt64LE(24) !== entry.sequence) return undefined;
    const isData = descriptor.toString('latin1', 0, 4) === signatures.data;
    const step = isData ? decodeData(descriptor, ring.sector(sectorAt), entry.sequence) : decodeZero(descriptor);
    if (step === undefined || !mayChange(step, log)) return undefined;
    if (isData) sectorAt += logSectorBytes;
    if (sectorAt > entry.at + entry.lengthBytes) return undefined;
    steps.push(step);
  }
  return sectorAt === entry.at + entry.lengthBytes ? steps : undefined;
}

function decodeData(descriptor: Buffer, sector: Buffer, sequence: bigint): LogStep | undefined {
  const trailingAt = logSectorBytes - trailingBytes;
  const sectorSequence = (BigInt(sector.readUInt32LE(4)) << 32n) | BigInt(sector.readUInt32LE(trailingAt));
  if (sector.toString('latin1', 0, 4) !== signatures.sector || sectorSequence !== sequence) return undefined;
  const bytes = Buffer.from(sector);
  descriptor.copy(bytes, 0, 8, 8 + leadingBytes);
  descriptor.copy(bytes, trailingAt, 4, 4 + trailingBytes);
  return { kind: 'data', offsetBytes: readU64(descriptor, 16), bytes };
}

function decodeZero(descriptor: Buffer): LogStep | undefined {
  if (descriptor.toString('latin1', 0, 4) !== signatures.zero) return undefined;
  const lengthBytes = readU64(descriptor, 8);
  if (lengthBytes % logSectorBytes !== 0) return undefined;
  return { kind: 'zero', offsetBytes: readU64(descriptor, 16), lengthBytes };
}

function mayChange(step: LogStep, log: Span): boolean {
  const end = step.offsetBytes + (step.kind === 'data' ? logSectorBytes : step.lengthBytes);
  const isInLog = step.offsetBytes < log.offsetBytes + log.lengthBytes && end > log.offsetBytes;
  return (
    step.offsetBytes % logSectorBytes === 0 && step.offsetBytes >= logTargetOffsetMin && end <= fileBytesMax && !isInLog
  );
}
