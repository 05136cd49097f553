import { groupsOf, readBatch, type Batch } from './batches';
import type { BufferPool } from './buffer-pool';
import { Compactor } from './compactor';
import type { SourceContent } from './content';
import { cutsOf } from './cuts';
import { batchDataBytesMax, dataFrameBytes } from './limits';
import type { LineSpeed } from './line-speed';
import type { StartMessage } from './messages';
import { Outgoing } from './outgoing';
import type { SendWindow } from './send-window';
import type { ToldSeed } from './seed/told-seed';
import { pacedBytesMax, type TokenBucket } from './token-bucket';
import type { Wire } from './wire';

/** Batches that are read while earlier ones are sent. */
const batchesAhead = 3;

export type SendRequest = {
  readonly content: SourceContent;
  readonly start: StartMessage;
  /** What it was given to send may be overwritten when `send` returns. */
  readonly wire: Pick<Wire, 'send' | 'free' | 'streams' | 'signal'>;
  readonly window: SendWindow;
  readonly bucket: TokenBucket;
  readonly line: LineSpeed;
  readonly pool: BufferPool;
  /** Packs bytes where that pays. */
  readonly pack?: (bytes: Uint8Array) => Buffer | undefined;
  /** What the destination has already. */
  readonly seed?: ToldSeed | undefined;
};

/**
 * Sends content from an offset on, never more ahead of the destination's watermark than the window allows. Answers the digest of the whole
 * sequence in hex, or undefined when the connection ended before. Throws what the content throws when it cannot be read.
 */
export async function sendContent(request: SendRequest): Promise<string | undefined> {
  const { content, start, wire, pool, window } = request;
  const outgoing = new Outgoing(content, start.digest);
  const writer = new Writer(request);
  const groups = groupsOf(cutsOf(content.extents(start.fromBytes), start.fromBytes), batchDataBytesOf(window));
  const ahead: Promise<Batch>[] = [];
  try {
    for (;;) {
      while (ahead.length < batchesAhead) {
        const next = groups.next();
        if (next.done === true) break;
        ahead.push(seenLater(readBatch(content, next.value, pool)));
      }
      const reading = ahead.shift();
      if (reading === undefined) break;
      await writer.write(await reading, outgoing);
      if (wire.signal.aborted) return undefined;
    }
    await writer.finish(outgoing);
    return wire.signal.aborted ? undefined : outgoing.digest;
  } finally {
    await Promise.allSettled(ahead);
  }
}

/** A quarter of the window, so that some is on its way while some becomes durable. */
const batchDataBytesOf = ({ limitBytes }: SendWindow): number =>
  Math.max(dataFrameBytes, Math.min(batchDataBytesMax, limitBytes / 4));

/** A rejection is seen when its turn comes; until then it is not an unhandled one. */
function seenLater<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined);
  return promise;
}

/** Keeps a batch for each stream and one more on their way, so that none is idle between them, and no more. */
class Writer {
  readonly #request: SendRequest;
  readonly #compactor: Compactor | undefined;
  /** The batches on their way. */
  readonly #sending = new Set<Promise<void>>();
  #last: Promise<void> = Promise.resolve();
  /** Batches that are not handed over to the line whole: what comes after them waits. */
  #unsent = 0;

  constructor(request: SendRequest) {
    this.#request = request;
    const { seed, pack } = request;
    if (seed !== undefined || pack !== undefined)
      this.#compactor = new Compactor({ seed, pack: pack ?? (() => undefined) });
  }

  /** Resolves when the next batch may come. */
  async write(batch: Batch, outgoing: Outgoing): Promise<void> {
    const { wire, window } = this.#request;
    // Any of them: one on a slow stream is not to hold up the others.
    while (this.#sending.size > wire.streams) await Promise.race(this.#sending);
    const found = this.#compactor?.slicesOf(batch, wire.signal);
    const compact = found instanceof Promise ? await found : found;
    const { slices, dataBytes, endBytes } = outgoing.slicesOf(batch, compact);
    await window.room(dataBytes, wire.signal);
    window.sent(endBytes, dataBytes);
    const sending = this.#send(slices, { before: this.#last, buffer: batch.buffer }).finally(() => {
      this.#sending.delete(sending);
    });
    this.#sending.add(sending);
    this.#last = sending;
  }

  async finish(outgoing: Outgoing): Promise<void> {
    await Promise.all(this.#sending);
    for (const slice of outgoing.rest()) await this.#request.wire.send(slice);
  }

  async #send(
    slices: readonly Buffer[],
    { before, buffer }: { readonly before: Promise<void>; readonly buffer: Buffer },
  ): Promise<void> {
    const { bucket, line, pool } = this.#request;
    const bytes = slices.reduce((sum, slice) => sum + slice.length, 0);
    const isFirst = this.#unsent === 0;
    this.#unsent += 1;
    if (!isFirst) await before;
    if (!bucket.isLimited && line.isFast) {
      await line.measure(bytes, () => this.#sendWhole(slices, buffer));
      return;
    }
    try {
      await line.measure(bytes, () => this.#sendParted(slices));
    } finally {
      this.#unsent -= 1;
      pool.release(buffer);
    }
  }

  #sendWhole(slices: readonly Buffer[], buffer: Buffer): Promise<void> {
    const sending = slices.length > 0 ? this.#request.wire.send(...slices) : Promise.resolve();
    this.#unsent -= 1;
    // Sealed, it stands elsewhere, and the next batch finds this memory in the processor's cache.
    this.#request.pool.release(buffer);
    return sending;
  }

  async #sendParted(slices: readonly Buffer[]): Promise<void> {
    const { wire, bucket } = this.#request;
    const parts: Promise<void>[] = [];
    for (const slice of slices) {
      for (let at = 0; at < slice.length && !wire.signal.aborted; at += pacedBytesMax) {
        const part = slice.subarray(at, at + pacedBytesMax);
        await bucket.take(part.length, wire.signal);
        await wire.free();
        parts.push(wire.send(part));
      }
    }
    await Promise.all(parts);
  }
}
