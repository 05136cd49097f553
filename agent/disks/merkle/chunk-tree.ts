import { chunkBytes } from '../chunks';
import { chunkCountOf, chunkLengthAt, levelsOf, noNode, nodeAbove, rootAbove, zeroChunk, zeroNode } from './nodes';

/** What the chunks are that are not added: they read zero, or the tree says nothing of them. */
export type Others = 'zeros' | 'unsaid';

/** A node as it comes to be: `position` counts the nodes of its level from the left. */
export type OnNode = (level: number, position: number, node: Buffer) => void;

/**
 * The Merkle root of a disk from the digests of its chunks in ascending order: a binary tree whose leaves are the BLAKE3 of each chunk. Holds
 * one node a level, whatever the size, and passes over a run of zeros in as many steps as there are levels.
 */
export class ChunkTree {
  readonly #virtualSizeBytes: number;
  readonly #others: Others;
  readonly #onNode: OnNode;
  /** By level, the node that waits for the one to its right. */
  readonly #waiting: Buffer[] = [];
  /** The chunk that comes next. */
  #next = 0;

  constructor(virtualSizeBytes: number, others: Others, onNode: OnNode = () => undefined) {
    this.#virtualSizeBytes = virtualSizeBytes;
    this.#others = others;
    this.#onNode = onNode;
  }

  /** Takes the BLAKE3 of the chunk at an offset behind all that were taken. `RangeError` for one that cannot come next. */
  add(offsetBytes: number, digest: Buffer): void {
    const chunk = offsetBytes / chunkBytes;
    if (!Number.isInteger(chunk) || chunk < this.#next || offsetBytes >= this.#virtualSizeBytes)
      throw new RangeError(`chunk ${offsetBytes} is not the start of a chunk of the disk behind ${this.#next}`);
    this.#passOver(chunk);
    this.#put(0, digest);
  }

  /** The root, hex. Ends the tree. */
  root(): string {
    this.#passOver(chunkCountOf(this.#virtualSizeBytes));
    const levels = levelsOf(this.#virtualSizeBytes);
    this.#fill(2 ** levels, () => noNode);
    return rootAbove(this.#virtualSizeBytes, this.#waiting[levels] ?? noNode);
  }

  /** Up to this chunk there are none that were not added. */
  #passOver(toChunk: number): void {
    if (this.#others === 'unsaid') {
      this.#fill(toChunk, () => noNode);
      return;
    }
    const wholeChunks = Math.floor(this.#virtualSizeBytes / chunkBytes);
    this.#fill(Math.min(toChunk, wholeChunks), zeroNode);
    if (this.#next < toChunk) this.#put(0, zeroChunk(chunkLengthAt(this.#virtualSizeBytes, wholeChunks * chunkBytes)));
  }

  /** Puts the largest nodes that fit, one beside the other. */
  #fill(toChunk: number, nodeOf: (level: number) => Buffer): void {
    while (this.#next < toChunk) {
      let level = 0;
      while (this.#next % 2 ** (level + 1) === 0 && this.#next + 2 ** (level + 1) <= toChunk) level += 1;
      this.#put(level, nodeOf(level));
    }
  }

  /** Puts a node at the next place, and makes those above it whose left half waits. */
  #put(level: number, node: Buffer): void {
    let [at, made, position] = [level, node, this.#next / 2 ** level];
    this.#next += 2 ** level;
    this.#onNode(at, position, made);
    for (; position % 2 === 1; position = (position - 1) / 2) {
      at += 1;
      made = nodeAbove(at, this.#waiting[at - 1] ?? noNode, made);
      this.#onNode(at, (position - 1) / 2, made);
    }
    this.#waiting[at] = made;
  }
}
