import { failed, failureOf, succeeded, type Failure, type Outcome } from '../../../contracts/failure';
import type { OperationOutput } from '../../../contracts/operations';
import { PieceRate } from '../../piece-rate';
import { outcomeOf } from '../failures';
import { Attempt, type AttemptEnd } from './attempt';
import { BufferPool } from './buffer-pool';
import { ContentWriter } from './content-writer';
import { CopyUnderWay, type Copy } from './copy-under-way';
import { bytesDoneAt, type Mark } from './journal-records';
import { streamsDefault, writeBytesMax } from './limits';
import type { FactsMessage } from './messages';
import { Patience } from './patience';
import type { PullRequest } from './pull-request';
import type { Resumption } from './resumption';
import { CarriedRate } from './seed/carried-rate';
import { SeedUse } from './seed/seed-use';
import { StreamPlan } from './stream-plan';
import { whileReceiving } from './ticking';

/** Damaged blocks that are asked for again, of one file. */
const mismatchesMax = 1;
/** So much is made durable at once when the window of the source allows it. */
const flushBytesMax = 16 * 1024 * 1024;

/** One pull, from what earlier attempts left to its outcome, over as many connections as it takes. */
export class Transfer {
  readonly #request: PullRequest;
  readonly #copy: CopyUnderWay;
  readonly #seed = new SeedUse();
  readonly #pool = new BufferPool(writeBytesMax);
  readonly #rate = new PieceRate();
  readonly #ofLine: CarriedRate;
  #writer: ContentWriter | undefined;
  #attempt: Attempt | undefined;
  #waitingFor: string | null = null;
  readonly #streams: StreamPlan;

  constructor(request: PullRequest, found: Exclude<Resumption, { kind: 'finished' }>) {
    this.#request = request;
    this.#copy = new CopyUnderWay(request, found);
    this.#ofLine = new CarriedRate(request.clock);
    this.#streams = new StreamPlan(request.streams ?? streamsDefault);
  }

  /** Closes the journal and the copy in the end, when nothing is on its way to the disk any more. */
  async run(): Promise<Outcome<OperationOutput<'pull'>>> {
    const { clock, pace } = this.#request;
    const flushOlderThan = (ms: number): void => this.#writer?.flushOlderThan(ms);
    const beside = { flushOlderThan, report: () => this.#report() };
    let closed: Outcome<void>;
    let outcome: Outcome<Outcome<OperationOutput<'pull'>>>;
    try {
      outcome = await whileReceiving(clock, pace, beside, () => outcomeOf(() => this.#untilOver()));
    } finally {
      closed = await outcomeOf(() => this.#close());
    }
    if (!outcome.ok) return outcome;
    return outcome.value.ok && !closed.ok ? closed : outcome.value;
  }

  async #close(): Promise<void> {
    this.#attempt?.abandon();
    await this.#writer?.stop();
    await this.#seed.close();
    this.#pool.close();
    await this.#copy.close();
  }

  async #untilOver(): Promise<Outcome<OperationOutput<'pull'>>> {
    const { clock, pace, signal, subject, seed, path } = this.#request;
    const opened = await this.#seed.open(subject.type === 'image' ? seed : undefined, path);
    if (!opened.ok) return opened;
    const patience = new Patience(pace);
    for (;;) {
      const beganMs = clock.now();
      const before = this.#blockBytes;
      const { attempt, ended } = await this.#connect();
      if (signal.aborted && ended.kind !== 'complete')
        return failed(failureOf('CanceledByOperator', { message: `the copy to ${this.#request.path} was canceled` }));
      await this.#writer?.settle();
      if (this.#writer?.failure) return failed(this.#writer.failure);
      if (this.#writer?.seedFailure !== undefined) {
        await this.#goOnWithoutSeed(attempt, this.#writer);
        continue;
      }
      if (ended.kind === 'complete') return this.#finish(attempt);
      const progress = this.#blockBytes > before ? 'some' : 'none';
      const failure = await this.#onBreak(ended, patience, { beganMs, progress });
      if (failure) return failed(failure);
    }
  }

  /** Blocks that came or were taken from the seed, in all attempts. */
  get #blockBytes(): number {
    return (this.#writer?.received.sentBytes ?? 0) + (this.#writer?.position.seedBytes ?? 0);
  }

  /** What is durable stays. The next connection brings what comes after it, all of it over the line. */
  async #goOnWithoutSeed(attempt: Attempt, writer: ContentWriter): Promise<void> {
    attempt.abandon();
    await writer.stop();
    await this.#copy.journal.received(writer.received);
    this.#writer = undefined;
    await this.#seed.drop(writer.seedFailure ?? 'it failed');
  }

  async #connect(): Promise<{ attempt: Attempt; ended: AttemptEnd }> {
    const prepare = (facts: FactsMessage): Promise<Outcome<ContentWriter>> => this.#prepare(facts);
    const attempt = new Attempt({
      request: this.#request,
      pool: this.#pool,
      seed: this.#seed,
      streams: this.#streams.next,
      prepare,
    });
    this.#attempt = attempt;
    this.#ofLine.restart();
    const before = this.#blockBytes;
    const ended = await attempt.run();
    if (ended.kind === 'lost') this.#streams.lost({ ...attempt.furtherStreams, bytes: this.#blockBytes - before });
    return { attempt, ended };
  }

  /** Waits before the next connection, or answers why there is none. */
  async #onBreak(
    ended: Exclude<AttemptEnd, { kind: 'complete' }>,
    patience: Patience,
    loss: { readonly beganMs: number; readonly progress: 'some' | 'none' },
  ): Promise<Failure | undefined> {
    const { clock, signal, peer, path } = this.#request;
    if (ended.kind === 'failed') return ended.failure;
    if (ended.kind === 'mismatch') {
      const message = `${path}: the block at offset ${ended.offsetBytes} came with bytes that are not those that were sent, twice`;
      if (this.#copy.journal.content.mismatches.length >= mismatchesMax)
        return failureOf('DigestMismatch', { message });
      await this.#copy.journal.mismatch(ended.offsetBytes);
      return undefined;
    }
    // Its writer has given the seed up, and was looked at before.
    if (ended.kind === 'seed-failed') return undefined;
    const verdict = patience.lost({ ...loss, nowMs: clock.now() });
    const source = `the source host at ${peer.address}:${peer.port} (${ended.reason})`;
    if (verdict.kind === 'give-up') {
      const message = `no progress for ${Math.round(verdict.forMs / 1000)} s from ${source}`;
      return failureOf('PeerUnreachable', { message });
    }
    this.#waitingFor = `${source}, since ${new Date(verdict.sinceMs).toISOString()}`;
    this.#report();
    await clock.sleep(verdict.waitMs, signal);
    return undefined;
  }

  async #prepare({ facts, extentBytes, windowBytes }: FactsMessage): Promise<Outcome<ContentWriter>> {
    const copy = await this.#copy.takeUp({ facts, extentBytes });
    if (!copy.ok) return copy;
    this.#writer ??= this.#writerOf(copy.value, windowBytes);
    this.#waitingFor = null;
    return succeeded(this.#writer);
  }

  #writerOf({ target, beginning }: Copy, windowBytes: number): ContentWriter {
    return new ContentWriter({
      path: this.#request.path,
      target,
      facts: beginning.facts,
      journal: this.#copy.journal,
      pool: this.#pool,
      rate: this.#ofLine,
      seed: this.#seed.forWriter(this.#pool, (reason) => this.#attempt?.seedFailed(reason)),
      // A third, so that the source can send while another becomes durable.
      flushBytes: Math.min(flushBytesMax, windowBytes / 3),
      clock: this.#request.clock,
      onDurable: (mark: Mark) => this.#attempt?.tellDurable(mark),
      onWritten: () => this.#attempt?.goOn(),
      onFailure: (failure) => this.#attempt?.fail(failure),
    });
  }

  async #finish(attempt: Attempt): Promise<Outcome<OperationOutput<'pull'>>> {
    const { mark, received } = this.#copy.journal.content;
    const { problem } = this.#seed;
    const { carried } = this.#ofLine;
    await this.#copy.finish();
    const output = {
      path: this.#request.path,
      digest: mark.digest,
      dataBytes: mark.dataBytes,
      sentBytes: received.sentBytes,
      resentBytes: received.sentBytes - mark.dataBytes,
      zeroBytes: mark.zeroBytes,
      ...(received.savedBytes > 0 && { savedBytes: received.savedBytes }),
      ...(mark.seedBytes > 0 && { seedBytes: mark.seedBytes, ...(carried && { ofLine: carried }) }),
      ...(problem !== null && { seedProblem: problem }),
    };
    await this.#copy.journal.finish(output);
    await attempt.close();
    return succeeded(output);
  }

  #report(): void {
    const { mark, received, beginning } = this.#copy.journal.content;
    const position = this.#writer?.position ?? mark;
    const sent = this.#writer?.received.sentBytes ?? received.sentBytes;
    // On a slow line a block takes a minute, in which the line is not to seem idle.
    const arrivingBytes = this.#attempt?.arrivingBytes ?? 0;
    const nowMs = this.#request.clock.now();
    this.#rate.note(nowMs, sent + position.seedBytes + arrivingBytes);
    const bytesDone = bytesDoneAt(position);
    this.#request.report({
      bytesDone,
      bytesTotal: Math.max(bytesDone, beginning?.extentBytes ?? 0),
      bytesPerSecond: this.#rate.at(nowMs) ?? 0,
      watermarkBytes: mark.watermarkBytes,
      digestSoFar: mark.digest,
      resentBytes: sent - position.dataBytes,
      waitingFor: this.#waitingFor,
    });
  }
}
