import { setImmediate } from 'node:timers/promises';
import { chunksWithData } from '../../disk-segments';
import { isAllZero } from '../zeros';
import { pieceDigest, seedPieceBytes } from './pieces';
import type { Seed } from './seed';
import { cellsPerAnswer, encodeCells, seedCellBytes, type ToldCell, type ToldDigests } from './told-digests';

/** More questions than an honest source has open. */
const openQuestionsMax = 16;
/** How far an answer looks for data at first. */
const firstLookBytes = 2 * cellsPerAnswer * seedCellBytes;
/** An answer looks through so much at once before other work of the process gets its turn: seeds of 64 TiB have tables of as many entries. */
const lookedAtOnceBytes = 2 ** 40;
/** Cells that are read side by side. */
const cellsAtOnce = 4;

export type SeedTellerOptions = {
  readonly seed: Pick<Seed, 'images' | 'virtualSizeBytes' | 'read'>;
  /** Length of the content that is pulled. */
  readonly sizeBytes: number;
  /** Resolves when the system has taken it, or when the connection has ended. */
  readonly say: (told: ToldDigests) => Promise<void>;
  /** The seed could not be read. It is told as one that holds nothing more. */
  readonly onUnreadable: (thrown: unknown) => void;
};

/** Tells a source what the seed holds, part by part as it asks, from one end to the other. Never throws. */
export class SeedTeller {
  readonly #options: SeedTellerOptions;
  readonly #questions: number[] = [];
  #buffer: Buffer | undefined;
  #toldToBytes = 0;
  #telling: Promise<void> | undefined;
  readonly #stopped = Promise.withResolvers<undefined>();
  #isStopped = false;

  constructor(options: SeedTellerOptions) {
    this.#options = options;
  }

  /** Answers when its turn comes. False: it has too many to answer. */
  ask(fromBytes: number): boolean {
    if (this.#questions.length >= openQuestionsMax) return false;
    this.#questions.push(fromBytes);
    this.#telling ??= this.#tell();
    return true;
  }

  /** Answers nothing more; resolves when nothing reads the seed on its account. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#stopped.resolve(undefined);
    await this.#telling;
  }

  async #tell(): Promise<void> {
    for (let from = this.#questions.shift(); from !== undefined; from = this.#questions.shift()) {
      const told = await this.#answer(Math.max(this.#toldToBytes, from));
      if (this.#isStopped) break;
      this.#toldToBytes = told.toBytes;
      // A source that asks and takes no answers in would otherwise have all of them kept in memory.
      await Promise.race([this.#options.say(told), this.#stopped.promise]);
    }
    // At once, so that no question comes after the last was looked for and before it is known that nobody looks any more.
    this.#telling = undefined;
  }

  async #answer(fromBytes: number): Promise<ToldDigests> {
    const nothingMore = { toBytes: this.#options.sizeBytes, digests: Buffer.alloc(0) };
    try {
      const offsets = await this.#cellsFrom(fromBytes);
      const cells: ToldCell[] = [];
      for (let at = 0; at < offsets.length && !this.#isStopped; at += cellsAtOnce)
        cells.push(...(await this.#digestsOf(offsets.slice(at, at + cellsAtOnce))));
      const lastBytes = offsets.at(cellsPerAnswer - 1);
      return lastBytes === undefined
        ? { ...nothingMore, digests: encodeCells(cells) }
        : { toBytes: Math.min(lastBytes + seedCellBytes, this.#options.sizeBytes), digests: encodeCells(cells) };
    } catch (thrown) {
      this.#options.onUnreadable(thrown);
      return nothingMore;
    }
  }

  /** Cells that hold data; fewer than `cellsPerAnswer` when there are no more. */
  async #cellsFrom(fromBytes: number): Promise<number[]> {
    const { seed, sizeBytes } = this.#options;
    const endBytes = Math.min(seed.virtualSizeBytes, sizeBytes);
    const offsets: number[] = [];
    let at = fromBytes - (fromBytes % seedCellBytes);
    // An image joins its extents as far as it is asked: a whole disk each time would be far too much.
    for (let lookBytes = firstLookBytes; at < endBytes; lookBytes = Math.min(4 * lookBytes, lookedAtOnceBytes)) {
      if (this.#isStopped) return offsets;
      const lookedBytes = Math.min(endBytes, at + lookBytes);
      for (const offset of chunksWithData(seed.images, seedCellBytes, at, lookedBytes)) {
        offsets.push(offset);
        if (offsets.length === cellsPerAnswer) return offsets;
      }
      at = lookedBytes;
      if (lookBytes === lookedAtOnceBytes) await setImmediate();
    }
    return offsets;
  }

  async #digestsOf(offsets: readonly number[]): Promise<ToldCell[]> {
    const { seed, sizeBytes } = this.#options;
    const endBytes = Math.min(seed.virtualSizeBytes, sizeBytes);
    const memory = (this.#buffer ??= Buffer.allocUnsafeSlow(cellsAtOnce * seedCellBytes));
    const cells = offsets.map((offsetBytes, index) => {
      const at = index * seedCellBytes;
      const data = memory.subarray(at, at + Math.min(seedCellBytes, endBytes - offsetBytes));
      return { offsetBytes, data };
    });
    const reads = await Promise.allSettled(cells.map(({ data, offsetBytes }) => seed.read(data, offsetBytes)));
    for (const read of reads) if (read.status === 'rejected') throw read.reason;
    return cells.flatMap(({ offsetBytes, data }) =>
      isAllZero(data) ? [] : [{ offsetBytes, digests: piecesIn(data).map(pieceDigest) }],
    );
  }
}

function piecesIn(data: Buffer): Buffer[] {
  const pieces: Buffer[] = [];
  for (let at = 0; at < data.length; at += seedPieceBytes) pieces.push(data.subarray(at, at + seedPieceBytes));
  return pieces;
}
