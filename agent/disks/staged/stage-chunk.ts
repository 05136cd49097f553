import { failureOf } from '../../../contracts/failure';
import { DiskError } from '../failures';
import type { Extent } from '../image';
import { hasParent, type SourceContent } from '../route/content';
import { blockDigest, chainFrom, noBlockDigest, type DigestChain } from '../route/digest';
import type { Mark } from '../route/journal-records';
import { isAllZero } from '../route/zeros';
import type { StagedFrame, StagedPart } from './manifest';

/** The frames of a chunk, and the block that holds its data, with the BLAKE3 of it; undefined where there is none. */
export type ReadChunk = {
  readonly frames: StagedFrame[];
  readonly block: { readonly content: Buffer; readonly digest: Buffer } | undefined;
};

/**
 * Makes frames out of chunks, in order, and keeps the account of them: the same frames and the same digest as the direct route has. What is
 * all zero becomes a zero frame, or, where nothing stands below, is passed over and said in a skip now and then.
 */
export class ChunkReader {
  readonly #content: SourceContent;
  readonly #zeroMatters: boolean;
  readonly #chain: DigestChain;
  #mark: Mark;
  #passed: { toBytes: number; passedBytes: number } | undefined;

  constructor(content: SourceContent, from: Mark) {
    this.#content = content;
    this.#zeroMatters = hasParent(content.facts);
    this.#chain = chainFrom(from.digest);
    this.#mark = from;
  }

  /** Where the frames that were made end. */
  get mark(): Mark {
    return this.#mark;
  }

  /** Reads a chunk. Throws `DiskError`. */
  async read(chunk: readonly Extent[]): Promise<ReadChunk> {
    const found = await Promise.all(chunk.map((cut) => this.#read(cut)));
    const frames: StagedFrame[] = [];
    const pieces: { readonly content: Buffer; readonly digest: Buffer }[] = [];
    for (const { cut, bytes } of found) {
      if (bytes === undefined) {
        frames.push(...this.#zero(cut));
        continue;
      }
      frames.push(...this.pass());
      const digest = blockDigest(bytes);
      this.#chain.add('data', cut.offsetBytes, cut.lengthBytes, digest);
      this.#advance(cut, { dataBytes: cut.lengthBytes, zeroBytes: 0 });
      frames.push({
        kind: 'data',
        offsetBytes: cut.offsetBytes,
        lengthBytes: cut.lengthBytes,
        digest: digest.toString('hex'),
      });
      pieces.push({ content: bytes, digest });
    }
    if (pieces.length < 2) return { frames, block: pieces[0] };
    const content = Buffer.concat(pieces.map((piece) => piece.content));
    return { frames, block: { content, digest: blockDigest(content) } };
  }

  /** Says what was passed over and not said yet. */
  pass(): StagedFrame[] {
    const passed = this.#passed;
    if (passed === undefined) return [];
    this.#passed = undefined;
    this.#mark = {
      ...this.#mark,
      watermarkBytes: passed.toBytes,
      digest: this.#chain.digest,
      zeroBytes: this.#mark.zeroBytes + passed.passedBytes,
    };
    return [{ kind: 'skip', ...passed }];
  }

  async #read(cut: Extent): Promise<{ readonly cut: Extent; readonly bytes: Buffer | undefined }> {
    if (cut.kind === 'zero') return { cut, bytes: undefined };
    const bytes = Buffer.allocUnsafe(cut.lengthBytes);
    await this.#content.read(bytes, cut.offsetBytes);
    return { cut, bytes: isAllZero(bytes) ? undefined : bytes };
  }

  #zero({ offsetBytes, lengthBytes }: Extent): StagedFrame[] {
    if (!this.#zeroMatters) {
      const passedBytes = (this.#passed?.passedBytes ?? 0) + lengthBytes;
      this.#passed = { toBytes: offsetBytes + lengthBytes, passedBytes };
      return [];
    }
    this.#chain.add('zero', offsetBytes, lengthBytes, noBlockDigest);
    this.#advance({ offsetBytes, lengthBytes }, { dataBytes: 0, zeroBytes: lengthBytes });
    return [{ kind: 'zero', offsetBytes, lengthBytes }];
  }

  #advance(cut: Pick<Extent, 'offsetBytes' | 'lengthBytes'>, more: Pick<Mark, 'dataBytes' | 'zeroBytes'>): void {
    this.#mark = {
      ...this.#mark,
      watermarkBytes: cut.offsetBytes + cut.lengthBytes,
      digest: this.#chain.digest,
      dataBytes: this.#mark.dataBytes + more.dataBytes,
      zeroBytes: this.#mark.zeroBytes + more.zeroBytes,
    };
  }
}

/** The content of a part that was staged before, read anew. Throws `DiskError`: `SourceChanged` when it is another by now. */
export async function readAgain(content: SourceContent, part: StagedPart): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for (const frame of part.frames) {
    if (frame.kind !== 'data') continue;
    const bytes = Buffer.allocUnsafe(frame.lengthBytes);
    await content.read(bytes, frame.offsetBytes);
    if (blockDigest(bytes).toString('hex') !== frame.digest)
      throw new DiskError(
        failureOf('SourceChanged', {
          message: `the source holds other data at ${frame.offsetBytes} than when it was staged`,
        }),
      );
    pieces.push(bytes);
  }
  return Buffer.concat(pieces);
}
