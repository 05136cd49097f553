import { blockBytesMax } from '../../../contracts/limits';
import { digestBytes, readUint64, writeUint64 } from './digest';
import { seedPiecesOf } from './seed/pieces';

/**
 * A block that is said in fewer bytes than its own: pieces of it that the destination has in its seed do not travel, and what does may be
 * packed.
 */
export type CompactBlock = {
  readonly offsetBytes: number;
  readonly lengthBytes: number;
  /** BLAKE3 of the whole block as it is to be, the same as in a data frame. */
  readonly digest: Uint8Array;
  /** Bit i: piece i of the block (`seedPiecesOf`) is in the seed. */
  readonly taken: number;
  /** Whether `rest` is packed. */
  readonly isPacked: boolean;
  /** The other pieces, one behind the other. */
  readonly rest: Buffer;
};

/** Offset u64, length u32, digest (32), taken u32, packed u8. */
export const compactHeadBytes = 8 + 4 + digestBytes + 4 + 1;
const takenAt = 12 + digestBytes;

/** How much of a block is not in the seed. */
export function restBytesOf({ offsetBytes, lengthBytes, taken }: Omit<CompactBlock, 'rest'>): number {
  let bytes = 0;
  for (const piece of seedPiecesOf(offsetBytes, lengthBytes))
    if (!isTaken(taken, piece.index)) bytes += piece.lengthBytes;
  return bytes;
}

export const isTaken = (taken: number, piece: number): boolean => ((taken >>> piece) & 1) === 1;

/** Writes `compactHeadBytes` bytes. */
export function writeCompactHead(target: Buffer, at: number, block: Omit<CompactBlock, 'rest'>): void {
  writeUint64(target, block.offsetBytes, at);
  target.writeUInt32LE(block.lengthBytes, at + 8);
  target.set(block.digest, at + 12);
  target.writeUInt32LE(block.taken, at + takenAt);
  target[at + takenAt + 4] = block.isPacked ? 1 : 0;
}

/** The body of a compact frame; a string says why it is none. Nothing is unpacked, nor allocated by what it says. */
export function readCompact(body: Buffer): CompactBlock | string {
  if (body.length < compactHeadBytes) return `a compact frame of ${body.length} bytes, which are not its numbers`;
  const offsetBytes = readUint64(body, 0);
  if (offsetBytes === undefined) return 'an offset above 2^53';
  const lengthBytes = body.readUInt32LE(8);
  if (lengthBytes === 0 || lengthBytes > blockBytesMax) return `a compact frame for ${lengthBytes} bytes`;
  const digest = Buffer.from(body.subarray(12, takenAt));
  const taken = body.readUInt32LE(takenAt);
  const packed = body.readUInt8(takenAt + 4);
  const rest = body.subarray(compactHeadBytes);
  const block = { offsetBytes, lengthBytes, digest, taken, isPacked: packed === 1, rest };
  const pieces = [...seedPiecesOf(offsetBytes, lengthBytes)].length;
  if (packed > 1 || taken >= 2 ** pieces) return 'a compact frame with bits that mean nothing';
  const restBytes = restBytesOf(block);
  if (block.isPacked ? rest.length === 0 || rest.length >= restBytes : rest.length !== restBytes)
    return `a compact frame with ${rest.length} bytes where ${restBytes} are not in the seed`;
  if (taken === 0 && !block.isPacked) return 'a compact frame that saves nothing';
  return block;
}
