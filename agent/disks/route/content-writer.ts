import type { Failure } from '../../../contracts/failure';
import type { Clock } from '../../clock';
import { ioError } from '../failures';
import type { BufferPool } from './buffer-pool';
import { restBytesOf, type CompactBlock } from './compact';
import type { ContentFacts, TargetContent } from './content';
import { blockDigest, chainFrom, noBlockDigest, type DigestChain } from './digest';
import { FrameRules, lengthOf, offsetOf } from './frame-rules';
import type { ContentFrame } from './frames';
import type { Journal } from './journal';
import type { Mark, Received } from './journal-records';
import { writeBytesMax } from './limits';
import { unpack } from './packing/zstd';
import { ReceivedCount } from './received-count';
import { SeedFailed, type Assembler } from './seed/assembler';
import type { CarriedRate } from './seed/carried-rate';
import { releaseRun, WriteRun } from './write-run';

export type ContentWriterOptions = {
  readonly path: string;
  readonly target: TargetContent;
  readonly facts: ContentFacts;
  readonly journal: Pick<Journal, 'content' | 'mark' | 'received'>;
  readonly pool: BufferPool;
  /** Without one, what a source says to be in it does not belong here. */
  readonly seed?: WriterSeed | undefined;
  /** Is told what came and what was taken from the seed. */
  readonly rate?: CarriedRate | undefined;
  /** So much received content is made durable at once. */
  readonly flushBytes: number;
  readonly clock: Clock;
  readonly onDurable: (mark: Mark) => void;
  /** A write has ended, and its buffer is free again. */
  readonly onWritten: () => void;
  /** Called once. Nothing is written any more. */
  readonly onFailure: (failure: Failure) => void;
};

/** A seed, as a writer uses it. */
export type WriterSeed = {
  readonly assembler: Assembler;
  /** Called once. Nothing becomes durable any more: another writer goes on from the journal's watermark, without the seed. */
  readonly onFailed: (reason: string) => void;
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
  readonly #rules: FrameRules;
  readonly #count: ReceivedCount;
  #position: Mark;
  #durable: Mark;
  readonly #run = new WriteRun();
  #window: Window | undefined;
  #flushing: Promise<void> | undefined;
  #failure: Failure | undefined;
  #seedFailure: string | undefined;
  #pendingWrites = 0;

  constructor(options: ContentWriterOptions) {
    const { facts, journal } = options;
    this.#options = options;
    this.#position = this.#durable = journal.content.mark;
    this.#chain = chainFrom(this.#position.digest);
    this.#rules = new FrameRules(facts);
    this.#count = new ReceivedCount(journal, (thrown) => this.#fail(thrown, 'noting progress'));
  }

  /** Up to where blocks were received and found good. */
  get position(): Mark {
    return this.#position;
  }

  get durable(): Mark {
    return this.#durable;
  }

  /** What came in all attempts. */
  get received(): Received {
    return this.#count.received;
  }

  get failure(): Failure | undefined {
    return this.#failure;
  }

  /** Why the seed is of no use any more. */
  get seedFailure(): string | undefined {
    return this.#seedFailure;
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
    this.#position = { ...this.#position, watermarkBytes: this.#rules.sizeBytes };
    this.#openWindow();
  }

  /** Makes durable what has waited for longer than this. */
  flushOlderThan(ms: number): void {
    if (this.#window && this.#options.clock.now() - this.#window.sinceMs >= ms) this.#flush();
  }

  /** Makes everything that was accepted durable, unless something fails. */
  async settle(): Promise<void> {
    while (!this.#isHalted && (this.#flushing ?? this.#window)) {
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
    const [at, lengthBytes] = [offsetOf(frame), lengthOf(frame)];
    const reason = this.#rules.whyImpossible(frame, this.#position, this.#durable);
    if (reason !== undefined) return { kind: 'violation', reason };
    switch (frame.kind) {
      case 'skip':
        this.#advance(at, { zeroBytes: frame.passedBytes });
        this.#openWindow();
        return undefined;
      case 'zero':
        this.#chain.add('zero', at, lengthBytes, noBlockDigest);
        this.#advance(at + lengthBytes, { zeroBytes: lengthBytes });
        this.#enqueue(this.#options.target.writeZeros(at, lengthBytes));
        return undefined;
      case 'data':
        this.#count.add({ sentBytes: lengthBytes, savedBytes: 0 });
        return this.#takeData(frame.bytes, at, frame.digest);
      case 'compact':
        return this.#takeCompact(frame);
    }
  }

  #takeData(bytes: Buffer, at: number, digest: Uint8Array): Refused | undefined {
    if (!blockDigest(bytes).equals(digest)) return { kind: 'mismatch', offsetBytes: at };
    this.#chain.add('data', at, bytes.length, digest);
    this.#advance(at + bytes.length, { dataBytes: bytes.length });
    this.#writeData(bytes, at);
    return undefined;
  }

  #takeCompact(block: CompactBlock): Refused | undefined {
    const { offsetBytes, lengthBytes, digest, taken, isPacked, rest: came } = block;
    const { pool, seed, target } = this.#options;
    const sentBytes = restBytesOf(block);
    this.#count.add({ sentBytes, savedBytes: sentBytes - came.length });
    const rest = isPacked ? unpack(came, sentBytes) : came;
    if (rest === undefined) return { kind: 'mismatch', offsetBytes };
    if (taken === 0) {
      const bytes = pool.take(lengthBytes);
      rest.copy(bytes);
      const refused = this.#takeData(bytes, offsetBytes, digest);
      if (refused) pool.release(bytes);
      return refused;
    }
    if (seed === undefined) return { kind: 'violation', reason: 'a block of a seed that there is not' };
    this.#chain.add('data', offsetBytes, lengthBytes, digest);
    this.#advance(offsetBytes + lengthBytes, { dataBytes: sentBytes, seedBytes: lengthBytes - sentBytes });
    this.#enqueue(seed.assembler.assemble(block, rest, (bytes) => target.write(bytes, offsetBytes)));
    this.#countInWindow(lengthBytes);
    return undefined;
  }

  #advance(watermarkBytes: number, more: Partial<Pick<Mark, 'dataBytes' | 'zeroBytes' | 'seedBytes'>>): void {
    this.#options.rate?.add(more.dataBytes ?? 0, more.seedBytes ?? 0);
    this.#position = {
      watermarkBytes,
      digest: this.#chain.digest,
      dataBytes: this.#position.dataBytes + (more.dataBytes ?? 0),
      zeroBytes: this.#position.zeroBytes + (more.zeroBytes ?? 0),
      seedBytes: this.#position.seedBytes + (more.seedBytes ?? 0),
    };
  }

  #writeData(bytes: Buffer, offsetBytes: number): void {
    if (!this.#run.add(bytes, offsetBytes)) {
      this.#writeRun();
      this.#run.add(bytes, offsetBytes);
    }
    if (this.#run.lengthBytes >= writeBytesMax) this.#writeRun();
    this.#countInWindow(bytes.length);
  }

  #countInWindow(bytes: number): void {
    const window = this.#openWindow();
    window.dataBytes += bytes;
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
    if (this.#flushing || this.#window === undefined || this.#isHalted) return;
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
    if (this.#isHalted) return;
    try {
      await target.flush();
      await journal.mark(window.mark, this.#count.noted());
      this.#durable = window.mark;
      onDurable(window.mark);
    } catch (thrown) {
      this.#fail(thrown, 'flushing');
    }
  }

  get #isHalted(): boolean {
    return this.#failure !== undefined || this.#seedFailure !== undefined;
  }

  #fail(thrown: unknown, action: string): void {
    if (this.#isHalted) return;
    if (thrown instanceof SeedFailed) {
      this.#seedFailure = thrown.message;
      this.#options.seed?.onFailed(thrown.message);
      return;
    }
    this.#failure = { ...ioError(thrown, action, this.#options.path, 'applied').failure, effect: 'applied' };
    this.#options.onFailure(this.#failure);
  }
}
