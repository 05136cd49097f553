import { isDeepStrictEqual } from 'node:util';
import { failureOf } from '../../../contracts/failure';
import type { Mark } from '../route/journal-records';
import { StagingError, type BlockStore } from './block-store';
import type { StagingKeys } from './keys';
import { segmentFrames, segmentsWaitingMax } from './limits';
import {
  openSegment,
  sealSegment,
  segmentBytesMax,
  segmentName,
  type ManifestOf,
  type Segment,
  type StagedPart,
} from './manifest';

export type ManifestWriterOptions = {
  readonly store: BlockStore;
  readonly keys: StagingKeys;
  readonly of: ManifestOf;
  /** 12 bytes that never come twice. */
  readonly newNonce: () => Uint8Array;
  /** Number of the segment that comes next, where it begins, and what was put up to there. */
  readonly number: number;
  readonly position: Mark;
  readonly putBytes: number;
  readonly head: NonNullable<Segment['head']>;
};

type Open = { readonly parts: StagedPart[]; readonly stored: Promise<number>[]; frames: number; after: Mark };

/**
 * Appends to a manifest: parts whose blocks are being stored, in order. A segment is written when all of its blocks are stored and the
 * segment before it is written, so whoever reads a segment finds its blocks.
 */
export class ManifestWriter {
  readonly #options: ManifestWriterOptions;
  #number: number;
  #written: Mark;
  #putBytes: number;
  #open: Open;
  readonly #waiting = new Set<Promise<void>>();
  #last: Promise<void> = Promise.resolve();

  constructor(options: ManifestWriterOptions) {
    this.#options = options;
    this.#number = options.number;
    this.#written = options.position;
    this.#putBytes = options.putBytes;
    this.#open = opened(options.position);
  }

  /** Number of the segment under way. */
  get number(): number {
    return this.#number;
  }

  get putBytes(): number {
    return this.#putBytes;
  }

  /** Whether the segment under way is worth to be written. */
  get isFull(): boolean {
    return this.#open.frames >= segmentFrames;
  }

  get isEmpty(): boolean {
    return this.#open.parts.length === 0;
  }

  /** `stored` answers how much of the part was put that nobody had put before; a rejection is told by `close`. */
  add(part: StagedPart, stored: Promise<number>, after: Mark): void {
    stored.catch(() => undefined);
    this.#open.parts.push(part);
    this.#open.stored.push(stored);
    this.#open.frames += part.frames.length;
    this.#open.after = after;
  }

  /** Has the segment under way written, and waits while too many are. */
  async close(): Promise<void> {
    void this.#begin(false);
    if (this.#waiting.size >= segmentsWaitingMax) await Promise.race(this.#waiting);
  }

  /** Writes the last segment, after which the content is at its end, and waits for it. */
  async finish(after: Mark): Promise<void> {
    this.#open.after = after;
    await this.#begin(true);
  }

  /** Waits until nothing is being written, however it ends. */
  async end(): Promise<void> {
    await Promise.allSettled([...this.#waiting, ...this.#open.stored]);
  }

  #begin(isLast: boolean): Promise<void> {
    const { parts, stored, after } = this.#open;
    this.#open = opened(after);
    const number = this.#number++;
    const writing = this.#write({ number, parts, after, isLast }, stored, this.#last);
    this.#last = writing;
    this.#waiting.add(writing);
    // Told where it is waited for, and by every segment after it.
    writing.finally(() => this.#waiting.delete(writing)).catch(() => undefined);
    return writing;
  }

  async #write(
    of: Pick<Segment, 'number' | 'parts' | 'after' | 'isLast'>,
    stored: readonly Promise<number>[],
    before: Promise<void>,
  ): Promise<void> {
    const put = await Promise.all(stored);
    await before;
    const head = of.number === 0 ? this.#options.head : null;
    const putBytes = put.reduce((sum, one) => sum + one, this.#putBytes);
    const segment: Segment = { schema: 1, ...of, head, before: this.#written, putBytes };
    await this.#put(segment);
    this.#written = of.after;
    this.#putBytes = putBytes;
  }

  async #put(segment: Segment): Promise<void> {
    const { store, keys, of, newNonce } = this.#options;
    const name = segmentName(of, segment.number);
    if ((await store.put(name, sealSegment(keys, of, segment, newNonce()))) === 'put') return;
    // It may be ours: one whose answer was lost.
    const sealed = await store.get(name, segmentBytesMax);
    const found = sealed === undefined ? undefined : openSegment(keys, of, segment.number, sealed);
    if (isDeepStrictEqual(found, segment)) return;
    const message = `${name} was written by another attempt meanwhile`;
    throw new StagingError(failureOf('StorageUnavailable', { message, effect: 'applied' }));
  }
}

const opened = (after: Mark): Open => ({ parts: [], stored: [], frames: 0, after });
