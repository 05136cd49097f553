import { blake3 } from '@napi-rs/blake-hash';
import { z } from 'zod';
import { chunkBytes, type ChunkDigest } from '../chunks';
import { ChunkTree, type OnNode } from './chunk-tree';
import { chunkLengthAt, levelsOf, nodeAbove, noNode, rootAbove, zeroChunk } from './nodes';

/** What shows, with the bytes of one chunk, that a Merkle root is that of a disk with this chunk. */
export const chunkProof = z.object({
  virtualSizeBytes: z.int().positive(),
  offsetBytes: z.int().nonnegative().multipleOf(chunkBytes),
  /** The nodes beside the path from the chunk to the top, from below, hex. */
  beside: z.array(z.string().regex(/^[0-9a-f]{64}$/)).max(levelsOf(Number.MAX_SAFE_INTEGER)),
});
export type ChunkProof = z.infer<typeof chunkProof>;

/**
 * The Merkle root that a proof gives for these bytes, hex; whoever trusts a root compares the two. Undefined where the proof cannot be one:
 * its size, offset, number of nodes and number of bytes do not go together.
 */
export function rootByProof({ virtualSizeBytes, offsetBytes, beside }: ChunkProof, bytes: Buffer): string | undefined {
  if (offsetBytes >= virtualSizeBytes || beside.length !== levelsOf(virtualSizeBytes)) return undefined;
  if (bytes.length !== chunkLengthAt(virtualSizeBytes, offsetBytes)) return undefined;
  let node = blake3(bytes);
  let position = offsetBytes / chunkBytes;
  for (const [below, hex] of beside.entries()) {
    const other = Buffer.from(hex, 'hex');
    const isRight = position % 2 === 1;
    node = isRight ? nodeAbove(below + 1, other, node) : nodeAbove(below + 1, node, other);
    position = Math.floor(position / 2);
  }
  return rootAbove(virtualSizeBytes, node);
}

/** A chunk of a disk, by any byte of it. */
export type ChunkOfDisk = Pick<ChunkProof, 'virtualSizeBytes' | 'offsetBytes'>;

/** Makes the proof of one chunk from the digests of all chunks of its disk that do not read zero, ascending; with the root of that disk. */
export async function proveChunk(
  of: ChunkOfDisk,
  digests: AsyncIterable<ChunkDigest>,
): Promise<{ readonly proof: ChunkProof; readonly merkleRoot: string }> {
  const offsetBytes = of.offsetBytes - (of.offsetBytes % chunkBytes);
  const { virtualSizeBytes } = of;
  const beside = Array.from({ length: levelsOf(virtualSizeBytes) }, () => noNode.toString('hex'));
  const tree = new ChunkTree(virtualSizeBytes, 'zeros', noting(beside, offsetBytes));
  const zeros = { offsetBytes, digest: zeroChunk(chunkLengthAt(virtualSizeBytes, offsetBytes)) };
  for await (const { offsetBytes: at, digest } of including(zeros, digests)) tree.add(at, digest);
  return { proof: { virtualSizeBytes, offsetBytes, beside }, merkleRoot: tree.root() };
}

/** Notes those nodes of a tree that are beside the path of a chunk. All of them come to be only if that chunk is added by itself. */
const noting =
  (beside: string[], offsetBytes: number): OnNode =>
  (level, position, node) => {
    const onPath = Math.floor(offsetBytes / chunkBytes / 2 ** level);
    const besidePath = onPath % 2 === 0 ? onPath + 1 : onPath - 1;
    if (level < beside.length && position === besidePath) beside[level] = node.toString('hex');
  };

/** The chunks with one more in its place, unless it is among them. */
async function* including(one: ChunkDigest, digests: AsyncIterable<ChunkDigest>): AsyncGenerator<ChunkDigest> {
  let isDue = true;
  for await (const chunk of digests) {
    if (isDue && chunk.offsetBytes > one.offsetBytes) yield one;
    if (chunk.offsetBytes >= one.offsetBytes) isDue = false;
    yield chunk;
  }
  if (isDue) yield one;
}
