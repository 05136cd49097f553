import { blake3 } from '@napi-rs/blake-hash';
import { chunkBytes } from '../chunks';
import type { OnNode } from './chunk-tree';
import { chunkLengthAt, levelsOf, nodeAbove, noNode, rootAbove } from './nodes';

/** What shows, with the bytes of one chunk, that a Merkle root is that of a disk with this chunk. */
export type ChunkProof = {
  readonly virtualSizeBytes: number;
  readonly offsetBytes: number;
  /** The nodes beside the path from the chunk to the top, from below, hex. */
  readonly beside: readonly string[];
};

/**
 * The Merkle root that a proof gives for these bytes, hex; whoever trusts a root compares the two. Undefined where the proof cannot be one:
 * its size, offset, number of nodes and number of bytes do not go together.
 */
export function rootByProof({ virtualSizeBytes, offsetBytes, beside }: ChunkProof, bytes: Buffer): string | undefined {
  if (offsetBytes % chunkBytes !== 0 || offsetBytes >= virtualSizeBytes) return undefined;
  if (beside.length !== levelsOf(virtualSizeBytes)) return undefined;
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

/** Collects what proves one chunk, while its tree is made of all of them: the chunk must be added to the tree, zeros or not. */
export class ProofCollector {
  readonly #at: Pick<ChunkProof, 'virtualSizeBytes' | 'offsetBytes'>;
  readonly #beside: string[];

  constructor(at: Pick<ChunkProof, 'virtualSizeBytes' | 'offsetBytes'>) {
    this.#at = at;
    this.#beside = Array.from({ length: levelsOf(at.virtualSizeBytes) }, () => noNode.toString('hex'));
  }

  readonly onNode: OnNode = (level, position, node) => {
    const onPath = Math.floor(this.#at.offsetBytes / chunkBytes / 2 ** level);
    const besidePath = onPath % 2 === 0 ? onPath + 1 : onPath - 1;
    if (level < this.#beside.length && position === besidePath) this.#beside[level] = node.toString('hex');
  };

  /** When the tree has its root. */
  get proof(): ChunkProof {
    return { ...this.#at, beside: this.#beside };
  }
}
