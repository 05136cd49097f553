import { pageMemory } from './page-memory';

/**
 * Pieces of page memory that nobody uses any more, kept for whoever needs the next of that length: one of each. The rounds of a warm move
 * follow each other, and memory that is new to a process takes the system longer to find than 20 MiB take to come.
 */
const spare = new Map<number, Buffer>();
/** A destination's piece and a source's. */
const spareBytesMax = 72 * 1024 * 1024;

/** A piece of so many bytes, which may hold whatever its last user left. */
export function takePiece(lengthBytes: number): Buffer {
  const kept = spare.get(lengthBytes);
  spare.delete(lengthBytes);
  return kept ?? pageMemory(lengthBytes);
}

/** Gives a piece back that nobody reads or writes any more. */
export function keepPiece(piece: Buffer): void {
  const keptBytes = [...spare.keys()].reduce((sum, bytes) => sum + bytes, 0);
  if (keptBytes + piece.length <= spareBytesMax) spare.set(piece.length, piece);
}

/** For simulated processes, whose memory the next world gets anyway. */
export const forgetPieces = (): void => spare.clear();
