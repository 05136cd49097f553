import type { Batch, Block } from './batches';
import { isTaken, type CompactBlock } from './compact';
import { compactHead } from './frames';
import { pieceDigest, seedPiecesOf } from './seed/pieces';
import type { ToldSeed } from './seed/told-seed';

type DataBlock = Extract<Block, { kind: 'data' }>;
/** Slices of compact frames, by the block that they stand for. */
export type CompactSlices = ReadonlyMap<Block, readonly Buffer[]>;

export type CompactorParts = {
  /** What the destination has already; undefined where it has no seed. */
  readonly seed: ToldSeed | undefined;
  /** Packs bytes where that pays; undefined where it does not, or where the destination unpacks nothing. */
  readonly pack: (bytes: Uint8Array) => Buffer | undefined;
};

/** Finds out which blocks of a batch can be said in fewer bytes than they have. */
export class Compactor {
  readonly #parts: CompactorParts;

  constructor(parts: CompactorParts) {
    this.#parts = parts;
  }

  /**
   * Compact frames for those blocks. What they hold of the batch's buffer stands for as long as that does. Batches come in ascending order. Where
   * there is no seed nothing is waited for: an ordinary copy is not to pay for it (docs/decisions/0019).
   */
  slicesOf(batch: Batch, signal: AbortSignal): CompactSlices | Promise<CompactSlices> {
    const { seed } = this.#parts;
    if (seed !== undefined) return this.#whenTold(seed, batch, signal);
    const slices = new Map<Block, readonly Buffer[]>();
    for (const block of batch.blocks) if (block.kind === 'data') this.#add(block, batch.buffer, slices);
    return slices;
  }

  /** What the seed has is told block by block: a batch may reach further than is ever told ahead. */
  async #whenTold(seed: ToldSeed, { blocks, buffer }: Batch, signal: AbortSignal): Promise<CompactSlices> {
    const slices = new Map<Block, readonly Buffer[]>();
    for (const block of blocks) {
      if (block.kind !== 'data') continue;
      const { offsetBytes, lengthBytes } = block.cut;
      await seed.until(offsetBytes, offsetBytes + lengthBytes, signal);
      if (signal.aborted) break;
      this.#add(block, buffer, slices);
    }
    return slices;
  }

  #add(block: DataBlock, buffer: Buffer, slices: Map<Block, readonly Buffer[]>): void {
    const { dataAt, cut } = block;
    const compact = this.#compact(block, buffer.subarray(dataAt, dataAt + cut.lengthBytes));
    if (compact !== undefined) slices.set(block, compact);
  }

  #compact({ cut: { offsetBytes, lengthBytes }, digest }: DataBlock, data: Buffer): readonly Buffer[] | undefined {
    const { seed, pack } = this.#parts;
    const taken = seed === undefined ? 0 : takenOf(seed, offsetBytes, data);
    const rest = taken === 0 ? [data] : restOf({ offsetBytes, lengthBytes, taken }, data);
    const packed = rest.length === 0 ? undefined : pack(oneOf(rest));
    if (taken === 0 && packed === undefined) return undefined;
    const sent = packed === undefined ? rest : [packed];
    const isPacked = packed !== undefined;
    const head = { offsetBytes, lengthBytes, digest, taken, isPacked };
    return [
      compactHead(
        head,
        sent.reduce((sum, { length }) => sum + length, 0),
      ),
      ...sent,
    ];
  }
}

function takenOf(seed: ToldSeed, blockOffsetBytes: number, data: Buffer): number {
  let taken = 0;
  for (const { index, offsetBytes, lengthBytes } of seedPiecesOf(blockOffsetBytes, data.length)) {
    const at = offsetBytes - blockOffsetBytes;
    if (seed.has(offsetBytes, () => pieceDigest(data.subarray(at, at + lengthBytes)))) taken += 2 ** index;
  }
  return taken;
}

/** The pieces that are not in the seed, neighbours as one. */
function restOf(block: Pick<CompactBlock, 'offsetBytes' | 'lengthBytes' | 'taken'>, data: Buffer): readonly Buffer[] {
  const runs: { from: number; to: number }[] = [];
  for (const { index, offsetBytes, lengthBytes } of seedPiecesOf(block.offsetBytes, block.lengthBytes)) {
    if (isTaken(block.taken, index)) continue;
    const from = offsetBytes - block.offsetBytes;
    const last = runs.at(-1);
    if (last?.to === from) last.to += lengthBytes;
    else runs.push({ from, to: from + lengthBytes });
  }
  return runs.map(({ from, to }) => data.subarray(from, to));
}

const oneOf = (runs: readonly Buffer[]): Buffer => (runs.length === 1 && runs[0] ? runs[0] : Buffer.concat(runs));
