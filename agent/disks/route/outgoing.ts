import type { Batch, Block } from './batches';
import type { CompactSlices } from './compactor';
import { hasParent, type SourceContent } from './content';
import { chainFrom, type DigestChain } from './digest';
import { dataFrameHeadBytes, encodeFrame } from './frames';
import { skipFrameBytesMin } from './limits';

/** What of a batch goes over the wire, in order. */
export type BatchSlices = {
  readonly slices: readonly Buffer[];
  /** Content in it, which the destination has to make durable. */
  readonly dataBytes: number;
  /** End of the last cut of the batch. */
  readonly endBytes: number;
};

/**
 * Turns batches into bytes for the wire: neighbouring data frames stay one slice of the batch's buffer; what is all zero becomes a zero
 * frame, or, where nothing stands below, is passed over and said in a skip frame now and then.
 */
export class Outgoing {
  readonly #chain: DigestChain;
  readonly #zeroMatters: boolean;
  #passedBytes = 0;
  #passedTo = 0;

  constructor(content: SourceContent, digestSoFar: string) {
    this.#chain = chainFrom(digestSoFar);
    this.#zeroMatters = hasParent(content.facts);
  }

  /** Of everything so far, hex. */
  get digest(): string {
    return this.#chain.digest;
  }

  /** `compact` has the frames of blocks that are said in fewer bytes than they have. */
  slicesOf({ blocks, buffer }: Batch, compact: CompactSlices = new Map()): BatchSlices {
    const slices: Buffer[] = [];
    let dataBytes = 0;
    let endBytes = 0;
    let run: { from: number; to: number } | undefined;
    const endRun = (): void => {
      if (run) slices.push(buffer.subarray(run.from, run.to));
      run = undefined;
    };
    const addRange = (from: number, to: number): void => {
      if (run?.to !== from) endRun();
      run = { from: run?.from ?? from, to };
    };
    for (const block of blocks) {
      endBytes = block.cut.offsetBytes + block.cut.lengthBytes;
      if (block.kind === 'data') {
        if (this.#passedBytes > 0) {
          endRun();
          slices.push(this.#skip());
        }
        const instead = compact.get(block);
        if (instead !== undefined) {
          endRun();
          slices.push(...instead);
        } else {
          addRange(block.headAt, block.headAt + dataFrameHeadBytes);
          addRange(block.dataAt, block.dataAt + block.cut.lengthBytes);
        }
        dataBytes += block.cut.lengthBytes;
        this.#add(block);
      } else {
        endRun();
        slices.push(...this.#zero(block));
      }
    }
    endRun();
    return { slices, dataBytes, endBytes };
  }

  /** What is still to be said when there are no more batches. */
  rest(): readonly Buffer[] {
    return this.#passedBytes > 0 ? [this.#skip()] : [];
  }

  #zero(block: Block): readonly Buffer[] {
    const { offsetBytes, lengthBytes } = block.cut;
    if (this.#zeroMatters) {
      this.#add(block);
      return [encodeFrame({ kind: 'zero', offsetBytes, lengthBytes })];
    }
    this.#passedBytes += lengthBytes;
    this.#passedTo = offsetBytes + lengthBytes;
    return this.#passedBytes >= skipFrameBytesMin ? [this.#skip()] : [];
  }

  #skip(): Buffer {
    const frame = encodeFrame({ kind: 'skip', toBytes: this.#passedTo, passedBytes: this.#passedBytes });
    this.#passedBytes = 0;
    return frame;
  }

  #add({ kind, cut, digest }: Block): void {
    this.#chain.add(kind, cut.offsetBytes, cut.lengthBytes, digest);
  }
}
