import { blockBytesMax } from '../../../../contracts/limits';
import { readUint64, writeUint64 } from '../digest';
import { pieceDigestBytes, seedPieceBytes } from './pieces';

/** Seeds are told in cells of this size, at multiples of it. */
export const seedCellBytes = blockBytesMax;
/** What one frame tells of at most. */
export const cellsPerAnswer = 32;

const piecesPerCell = seedCellBytes / seedPieceBytes;
/** Offset u64, and the digest of each piece; zeros for pieces behind the end of the seed. */
const cellRecordBytes = 8 + piecesPerCell * pieceDigestBytes;
/** To u64. */
export const toldHeadBytes = 8;
export const toldBytesMax = toldHeadBytes + cellsPerAnswer * cellRecordBytes;

/** What a destination says of a part of its seed: the digests of the pieces of each cell that holds anything, up to `toBytes`. */
export type ToldDigests = {
  /** The seed is told up to here; what is of no cell before it is of no use. */
  readonly toBytes: number;
  readonly digests: Buffer;
};

export type ToldCell = { readonly offsetBytes: number; readonly digests: readonly Buffer[] };

/** Puts cells together as a frame has them; at most `cellsPerAnswer`. */
export function encodeCells(cells: readonly ToldCell[]): Buffer {
  const records = Buffer.alloc(cells.length * cellRecordBytes);
  cells.forEach(({ offsetBytes, digests }, index) => {
    const at = index * cellRecordBytes;
    writeUint64(records, offsetBytes, at);
    digests.forEach((digest, piece) => {
      records.set(digest, at + 8 + piece * pieceDigestBytes);
    });
  });
  return records;
}

/** The body of a frame; a string says why it is none. */
export function readTold(body: Buffer): ToldDigests | string {
  const toBytes = body.length < toldHeadBytes ? undefined : readUint64(body, 0);
  const digests = body.subarray(toldHeadBytes);
  if (toBytes === undefined || digests.length % cellRecordBytes !== 0)
    return `digests of a seed in ${body.length} bytes, which are not whole cells`;
  return { toBytes, digests };
}

/** The digests by the offset of their piece; undefined when an offset is none of a cell before `toBytes`. */
export function digestsByOffset({ toBytes, digests }: ToldDigests): ReadonlyMap<number, Buffer> | undefined {
  const found = new Map<number, Buffer>();
  for (let at = 0; at < digests.length; at += cellRecordBytes) {
    const offsetBytes = readUint64(digests, at);
    if (offsetBytes === undefined || offsetBytes % seedCellBytes !== 0 || offsetBytes >= toBytes) return undefined;
    for (let piece = 0; piece < piecesPerCell; piece++) {
      const digestAt = at + 8 + piece * pieceDigestBytes;
      found.set(offsetBytes + piece * seedPieceBytes, digests.subarray(digestAt, digestAt + pieceDigestBytes));
    }
  }
  return found;
}
