import type { BufferPool } from '../buffer-pool';
import { isTaken, type CompactBlock } from '../compact';
import { blockDigest } from '../digest';
import { seedPiecesOf } from './pieces';
import type { Seed } from './seed';

/** Blocks that are put together side by side. */
const blocksAtOnceMax = 8;

/** The seed is of no use any more: it cannot be read, or does not hold what it held. */
export class SeedFailed extends Error {}

/** Puts blocks together of what the seed holds and what came. */
export class Assembler {
  readonly #seed: Pick<Seed, 'virtualSizeBytes' | 'read' | 'path'>;
  readonly #pool: BufferPool;
  readonly #waiting: (() => void)[] = [];
  #underWay = 0;

  constructor(seed: Pick<Seed, 'virtualSizeBytes' | 'read' | 'path'>, pool: BufferPool) {
    this.#seed = seed;
    this.#pool = pool;
  }

  /**
   * Hands the whole block to `use`, in memory of the pool, after its digest was found right. Throws `SeedFailed`, and what `use` throws.
   * `rest` is what came, unpacked.
   */
  async assemble(block: CompactBlock, rest: Buffer, use: (bytes: Buffer) => Promise<void>): Promise<void> {
    while (this.#underWay >= blocksAtOnceMax) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#underWay += 1;
    const bytes = this.#pool.take(block.lengthBytes);
    try {
      await this.#fill(bytes, block, rest);
      if (!blockDigest(bytes).equals(block.digest))
        throw new SeedFailed(`the seed ${this.#seed.path} changed while it was used, at offset ${block.offsetBytes}`);
      await use(bytes);
    } finally {
      this.#pool.release(bytes);
      this.#underWay -= 1;
      this.#waiting.shift()?.();
    }
  }

  async #fill(bytes: Buffer, { offsetBytes, lengthBytes, taken }: CompactBlock, rest: Buffer): Promise<void> {
    const { path, virtualSizeBytes } = this.#seed;
    const held = Math.min(lengthBytes, virtualSizeBytes - offsetBytes);
    if (held <= 0) throw new SeedFailed(`the seed ${path} ends before offset ${offsetBytes}`);
    bytes.fill(0, held);
    try {
      await this.#seed.read(bytes.subarray(0, held), offsetBytes);
    } catch (thrown) {
      const why = thrown instanceof Error ? thrown.message : String(thrown);
      throw new SeedFailed(`the seed ${path} cannot be read: ${why}`);
    }
    let restAt = 0;
    for (const piece of seedPiecesOf(offsetBytes, lengthBytes)) {
      if (isTaken(taken, piece.index)) continue;
      rest.copy(bytes, piece.offsetBytes - offsetBytes, restAt, restAt + piece.lengthBytes);
      restAt += piece.lengthBytes;
    }
  }
}
