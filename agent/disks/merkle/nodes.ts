import { blake3 } from '@napi-rs/blake-hash';
import { chunkBytes } from '../chunks';

export const nodeBytes = 32;

/** Stands for chunks that a tree says nothing of. No BLAKE3 is all zeros, so it is never the digest of something. */
export const noNode: Buffer = Buffer.alloc(nodeBytes);

/** The node above two nodes: BLAKE3 of its level (one byte; chunks are level 0), the left and the right one. Above nothing is nothing. */
export function nodeAbove(level: number, left: Buffer, right: Buffer): Buffer {
  if (left.equals(noNode) && right.equals(noNode)) return noNode;
  return blake3(Buffer.concat([Buffer.of(level), left, right]));
}

/** The size of the disk is part of its root, and with it the number of levels and the length of the last chunk. */
export function rootAbove(virtualSizeBytes: number, top: Buffer): string {
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt(virtualSizeBytes));
  return blake3(Buffer.concat([rootContext, size, top])).toString('hex');
}

/** Names what is hashed and how: chunks of another size or other nodes would be a v2. */
const rootContext = Buffer.from('hyperferry-disk-v1\n');

export const chunkCountOf = (virtualSizeBytes: number): number => Math.ceil(virtualSizeBytes / chunkBytes);

/** Levels above the chunks: the tree has as many places for chunks as the least power of two that is enough. */
export function levelsOf(virtualSizeBytes: number): number {
  let levels = 0;
  while (2 ** levels < chunkCountOf(virtualSizeBytes)) levels += 1;
  return levels;
}

export const chunkLengthAt = (virtualSizeBytes: number, offsetBytes: number): number =>
  Math.min(chunkBytes, virtualSizeBytes - offsetBytes);

const zeroNodes: Buffer[] = [];

/** The node over 2^level whole chunks of zeros: hashed once, however many there are. */
export function zeroNode(level: number): Buffer {
  const known = zeroNodes[level];
  if (known !== undefined) return known;
  const below = level === 0 ? undefined : zeroNode(level - 1);
  return (zeroNodes[level] = below === undefined ? blake3(Buffer.alloc(chunkBytes)) : nodeAbove(level, below, below));
}

/** BLAKE3 of a chunk that reads zero; only the last one of a disk may be shorter. */
export const zeroChunk = (lengthBytes: number): Buffer =>
  lengthBytes === chunkBytes ? zeroNode(0) : blake3(Buffer.alloc(lengthBytes));
