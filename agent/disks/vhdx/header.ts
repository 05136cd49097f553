import { succeeded, type Outcome } from '../../../contracts/failure';
import { damaged, notVhdx, truncated } from '../failures';
import { isSealed, sealStructure } from './crc32c';
import { readGuid, writeGuid, zeroGuid } from './guid';
import { headerAreaLength, headerLength, identifierLength, logBytesMax } from './layout';
import { mib, readU64 } from './numbers';

/** MS-VHDX 2.2.2. */
export type Header = {
  readonly sequence: bigint;
  readonly fileWriteId: string;
  readonly dataWriteId: string;
  /** All zero when the log holds nothing. */
  readonly logId: string;
  readonly logOffsetBytes: number;
  readonly logLengthBytes: number;
};

/** The header that counts, and which of the two slots holds it: the next one goes into the other. */
export type CurrentHeader = { readonly header: Header; readonly slot: 0 | 1 };

const identifierSignature = Buffer.from('vhdxfile', 'latin1');
const headerSignature = 'head';
const creator = 'hyperferry';
const versions = { header: 1, log: 0 } as const;

/** The first 64 KiB of a file (MS-VHDX 2.2.1). */
export function encodeIdentifier(): Buffer {
  const bytes = Buffer.alloc(identifierLength);
  identifierSignature.copy(bytes);
  bytes.write(creator, 8, 'utf16le');
  return bytes;
}

/** Whether the first bytes of a file say that it is a VHDX. */
export function checkIdentifier(firstBytes: Buffer): Outcome<void> {
  if (firstBytes.subarray(0, 8).equals(identifierSignature)) return succeeded(undefined);
  const isVhd = firstBytes.toString('latin1', 0, 8) === 'conectix';
  return notVhdx(isVhd ? 'is a VHD of the older format' : 'does not begin with the signature of a VHDX');
}

export function encodeHeader(header: Header): Buffer {
  const bytes = Buffer.alloc(headerLength);
  bytes.write(headerSignature, 0, 'latin1');
  bytes.writeBigUInt64LE(header.sequence, 8);
  writeGuid(bytes, 16, header.fileWriteId);
  writeGuid(bytes, 32, header.dataWriteId);
  writeGuid(bytes, 48, header.logId);
  bytes.writeUInt16LE(versions.log, 64);
  bytes.writeUInt16LE(versions.header, 66);
  bytes.writeUInt32LE(header.logLengthBytes, 68);
  bytes.writeBigUInt64LE(BigInt(header.logOffsetBytes), 72);
  sealStructure(bytes);
  return bytes;
}

/** Whether a header is as it was written. */
export const isIntactHeader = (bytes: Buffer): boolean =>
  bytes.toString('latin1', 0, 4) === headerSignature && isSealed(bytes);

/**
 * The header that counts: the intact one with the higher sequence number (MS-VHDX 2.2.2). Two that differ under one number leave it open
 * which is newer, so they are refused.
 */
export function chooseHeader(slots: readonly [Buffer, Buffer], fileSizeBytes: number): Outcome<CurrentHeader> {
  const slot = chooseSlot(slots);
  if (slot === undefined) return damaged('neither of its two headers is intact, or it is open which one is newer');
  return decodeHeader(slots[slot], slot, fileSizeBytes);
}

function chooseSlot(slots: readonly [Buffer, Buffer]): 0 | 1 | undefined {
  const [first, second] = slots;
  if (!isIntactHeader(first)) return isIntactHeader(second) ? 1 : undefined;
  if (!isIntactHeader(second)) return 0;
  const firstSequence = first.readBigUInt64LE(8);
  const secondSequence = second.readBigUInt64LE(8);
  if (firstSequence === secondSequence) return first.equals(second) ? 0 : undefined;
  return firstSequence > secondSequence ? 0 : 1;
}

/** Each change of a header takes the next number. No writer comes near the end of 64 bits; a file that says so is not from one. */
const sequenceMax = 2n ** 64n - 2n ** 32n;

function decodeHeader(bytes: Buffer, slot: 0 | 1, fileSizeBytes: number): Outcome<CurrentHeader> {
  const header: Header = {
    sequence: bytes.readBigUInt64LE(8),
    fileWriteId: readGuid(bytes, 16),
    dataWriteId: readGuid(bytes, 32),
    logId: readGuid(bytes, 48),
    logLengthBytes: bytes.readUInt32LE(68),
    logOffsetBytes: readU64(bytes, 72),
  };
  if (header.sequence > sequenceMax)
    return damaged(`has the number ${header.sequence} in its header, after which none is left`);
  const version = bytes.readUInt16LE(66);
  if (version !== versions.header) return notVhdx(`has version ${version} of the format; 1 is known`);
  const logVersion = bytes.readUInt16LE(64);
  if (header.logId !== zeroGuid && logVersion !== versions.log) return notVhdx(`has a log of version ${logVersion}`);
  const checked = checkLogPlace(header, fileSizeBytes);
  return checked.ok ? succeeded({ header, slot }) : checked;
}

function checkLogPlace(header: Header, fileSizeBytes: number): Outcome<void> {
  const { logLengthBytes, logOffsetBytes } = header;
  if (logLengthBytes === 0)
    return header.logId === zeroGuid ? succeeded(undefined) : damaged('says that its log is in use and has none');
  if (logLengthBytes % mib !== 0 || logOffsetBytes % mib !== 0 || logOffsetBytes < headerAreaLength)
    return damaged(`has its log at byte ${logOffsetBytes} with ${logLengthBytes} bytes, which no log may have`);
  if (logLengthBytes > logBytesMax)
    return damaged(`has a log of ${logLengthBytes} bytes; at most ${logBytesMax} are read`);
  if (logOffsetBytes + logLengthBytes > fileSizeBytes)
    return truncated(`ends at byte ${fileSizeBytes}, inside its log`);
  return succeeded(undefined);
}
