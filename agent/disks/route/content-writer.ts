import type { Failure } from '../../../contracts/failure';
import type { Clock } from '../../clock';
import { ioError } from '../failures';
import type { BufferPool } from './buffer-pool';
import { alignmentBytesOf, hasParent, sizeBytesOf, type ContentFacts, type TargetContent } from './content';
import { blockDigest, chainFrom, noBlockDigest, type DigestChain } from './digest';
import type { ContentFrame } from './frames';
import type { Journal } from './journal';
import type { Mark } from './journal-records';
import { writeBytesMax } from './limits';
import { releaseRun, WriteRun } from './write-run';

/**
 * Bytes received are noted in the journal this often when no watermark notes them. After a kill, so much may have come that nobody counted:
 * with the window it stays below what may be sent again.
 */
const receivedStepBytes = 8 * 1024 * 1024;

export type ContentWriterOptions = {
  readonly path: string;
  readonly target: TargetContent;
  readonly facts: ContentFacts;
  readonly journal: Pick<Journal, 'content' | 'mark' | 'received'>;
  readonly pool: BufferPool;
  /** So much received content is made durable at once. */
  readonly flushBytes: number;
  readonly clock: Clock;
  readonly onDurable: (mark: Mark) => void;
  /** A write has ended, and its buffer is free again. */
  readonly onWritten: () => void;
  /** Called once. Nothing is written any more. */
  readonly onFailure: (failure: Failure) => void;
};

export type Refused =
  { readonly kind: 'mismatch'; readonly offsetBytes: number } | { readonly kind: 'violation'; readonly reason: string };

type Window = { readonly writes: Promise<void>[]; dataBytes: number; mark: Mark; sinceMs: number };

/**
 * Writes frames to the copy: checks each block before it is written, makes what was written durable while more comes in, then moves the
 * watermark in the journal, then says so. Lives as long as the pull, over all its connections.
 */
export class ContentWriter {
  readonly #options: ContentWriterOptions;
  readonly #chain: DigestChain;
  readonly #alignmentBytes: number;
  readonly #sizeBytes: number;
  readonly #mayHaveZeros: boolean;
  #position: Mark;
  #durable: Mark;
  #sentBytes: number;
  #sentBytesNoted: number;
  readonly #run = new WriteRun();
  #window: Window | undefined;
  #flushing: Promise<void> | undefined;
  #failure: Failure | undefined;
  #pendingWrites = 0;

  constructor(options: ContentWriterOptions) {
    const { facts, journal } = options;
    this.#options = options;
    this.#position = this.#durable = journal.content.mark;
    this.#chain = chainFrom(this.#position.digest);
    this.#sentBytes = this.#sentBytesNoted = journal.content.sentBytes;
    this.#alignmentBytes = alignmentBytesOf(facts);
    this.#sizeBytes = sizeBytesOf(facts);
    this.#mayHaveZeros = hasParent(facts);
  }

  /** Up to where blocks were received and found good. */
  get position(): Mark {
    return this.#position;
  }

  get durable(): Mark {
    return this.#durable;
  }

  /** Bytes of data frames received in all attempts. */
  get sentBytes(): number {
    return this.#sentBytes;
  }

  get failure(): Failure | undefined {
    return this.#failure;
  }

  /** Writes that were begun and have not ended. */
  get pendingWrites(): number {
    return this.#pendingWrites;
  }

  /** Takes a frame; says what is wrong with it, in which case nothing of it is written. */
  accept(frame: ContentFrame): Refused | undefined {
    const refused = this.#take(frame);
    if (frame.kind === 'data' && refused) this.#options.pool.release(frame.bytes);
    return refused;
  }

  /** Says whether the frames since the beginning are the ones that the source sent. Everything before was accepted. */
  isWhole(digest: string): boolean {
    return this.#chain.digest === digest;
  }

  /** Notes that nothing comes after what was accepted. */
  acceptEnd(): void {
    this.#position = { ...this.#position, watermarkBytes: this.#sizeBytes };
    this.#openWindow();
  }

  /** Makes durable what has waited for longer than this. */
  flushOlderThan(ms: number): void {
    if (this.#window && this.#options.clock.now() - this.#window.sinceMs >= ms) this.#flush();
  }

  /** Makes everything that was accepted durable, unless something fails. */
  async settle(): Promise<void> {
    while (this.#failure === undefined && (this.#flushing ?? this.#window)) {
      this.#flush();
      await this.#flushing;
    }
  }

  /** Waits for what is on its way to the disk, and begins nothing more. */
  async stop(): Promise<void> {
    const writes = this.#window?.writes ?? [];
    this.#window = undefined;
    const unwritten = this.#run.take();
    if (unwritten) releaseRun(unwritten, this.#options.pool);
    await this.#flushing;
    await Promise.all(writes);
  }

  #take(frame: ContentFrame): Refused | undefined {
    const at = frame.kind === 'skip' ? frame.toBytes : frame.offsetBytes;
    const lengthBytes = frame.kind === 'skip' ? 0 : frame.kind === 'zero' ? frame.lengthBytes : frame.bytes.length;
    const reason = this.#whyImpossible(frame.kind, at, lengthBytes);
    if (reason !== undefined) return { kind: 'violation', reason };
    switch (frame.kind) {
      case 'skip':
        this.#advance(at, { dataBytes: 0, zeroBytes: frame.passedBytes });
        this.#openWindow();
        return undefined;
      case 'zero':
        this.#chain.add('zero', at, lengthBytes, noBlockDigest);
        this.#advance(at + lengthBytes, { dataBytes: 0, zeroBytes: lengthBytes });
        this.#enqueue(this.#options.target.writeZeros(at, lengthBytes));
        return undefined;
      case 'data':
        this.#countReceived(lengthBytes);
        if (!blockDigest(frame.bytes).equals(frame.digest)) return { kind: 'mismatch', offsetBytes: at };
        this.#chain.add('data', at, lengthBytes, frame.digest);
        this.#advance(at + lengthBytes, { dataBytes: lengthBytes, zeroBytes: 0 });
        this.#writeData(frame.bytes, at);
        return undefined;
    }
  }

  #whyImpossible(kind: ContentFrame['kind'], at: number, lengthBytes: number): string | undefined {
    const endBytes = at + lengthBytes;
    if (at < this.#position.watermarkBytes) return `"${kind}" at ${at}, before ${this.#position.watermarkBytes}`;
    if (endBytes > this.#sizeBytes) return `"${kind}" up to ${endBytes}, the content ends at ${this.#sizeBytes}`;
    if (at % this.#alignmentBytes !== 0 || endBytes % this.#alignmentBytes !== 0)
      return `"${kind}" at ${at} of ${lengthBytes} bytes, which are not whole sectors`;
    if (kind === 'zero' && !this.#mayHaveZeros) return 'a zero frame for content without a parent';
    return undefined;
  }

  #advance(watermarkBytes: number, more: Pick<Mark, 'dataBytes' | 'zeroBytes'>): void {
    this.#position = {
      watermarkBytes,
      digest: this.#chain.digest,
      dataBytes: this.#position.dataBytes + more.dataBytes,
      zeroBytes: this.#position.zeroBytes + more.zeroBytes,
    };
  }

  #writeData(bytes: Buffer, offsetBytes: number): void {
    if (!this.#run.add(bytes, offsetBytes)) {
      this.#writeRun();
      this.#run.add(bytes, offsetBytes);
    }
    if (this.#run.lengthBytes >= writeBytesMax) this.#writeRun();
    const window = this.#openWindow();
    window.dataBytes += bytes.length;
    if (window.dataBytes >= this.#options.flushBytes) this.#flush();
  }

  #writeRun(): void {
    const { target, pool } = this.#options;
    const run = this.#run.take();
    if (run) this.#enqueue(target.write(run.bytes, run.offsetBytes).finally(() => releaseRun(run, pool)));
  }

  #enqueue(written: Promise<void>): void {
    this.#pendingWrites += 1;
    const ended = written
      .catch((thrown: unknown) => this.#fail(thrown, 'writing'))
      .finally(() => {
        this.#pendingWrites -= 1;
        this.#options.onWritten();
      });
    this.#openWindow().writes.push(ended);
  }

  #openWindow(): Window {
    this.#window ??= { writes: [], dataBytes: 0, mark: this.#position, sinceMs: this.#options.clock.now() };
    this.#window.mark = this.#position;
    return this.#window;
  }

  /** One window at a time becomes durable, while the next one fills. */
  #flush(): void {
    if (this.#flushing || this.#window === undefined || this.#failure) return;
    this.#writeRun();
    const window = this.#window;
    this.#window = undefined;
    this.#flushing = this.#makeDurable(window).finally(() => {
      this.#flushing = undefined;
      if (this.#window && this.#window.dataBytes >= this.#options.flushBytes) this.#flush();
    });
  }

  async #makeDurable(window: Window): Promise<void> {
    const { target, journal, onDurable } = this.#options;
    await Promise.all(window.writes);
    if (this.#failure) return;
    try {
      await target.flush();
      this.#sentBytesNoted = this.#sentBytes;
      await journal.mark(window.mark, this.#sentBytesNoted);
      this.#durable = window.mark;
      onDurable(window.mark);
    } catch (thrown) {
      this.#fail(thrown, 'flushing');
    }
  }

  #countReceived(bytes: number): void {
    this.#sentBytes += bytes;
    if (this.#sentBytes - this.#sentBytesNoted < receivedStepBytes) return;
    this.#sentBytesNoted = this.#sentBytes;
    this.#options.journal.received(this.#sentBytes).catch((thrown: unknown) => this.#fail(thrown, 'noting progress'));
  }

  #fail(thrown: unknown, action: string): void {
    if (this.#failure) return;
    this.#failure = { ...ioError(thrown, action, this.#options.path, 'applied').failure, effect: 'applied' };
    this.#options.onFailure(this.#failure);
  }
}
