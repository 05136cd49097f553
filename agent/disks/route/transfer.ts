import { failed, failureOf, succeeded, type Failure, type Outcome } from '../../../contracts/failure';
import type { OperationOutput } from '../../../contracts/operations';
import { outcomeOf } from '../failures';
import { Attempt, type AttemptEnd } from './attempt';
import { BufferPool } from './buffer-pool';
import { differenceOf, type TargetContent } from './content';
import { createTarget } from './content-store';
import { ContentWriter } from './content-writer';
import type { Journal } from './journal';
import type { Beginning, Mark, Received } from './journal-records';
import { writeBytesMax } from './limits';
import type { FactsMessage } from './messages';
import { Patience } from './patience';
import type { PullRequest } from './pull-request';
import { RateMeter } from './rate-meter';
import type { Resumption } from './resumption';
import { SeedUse } from './seed/seed-use';

/** Damaged blocks that are asked for again, of one file. */
const mismatchesMax = 1;
/** So much is made durable at once when the window of the source allows it. */
const flushBytesMax = 16 * 1024 * 1024;

type Copy = { readonly target: TargetContent; readonly beginning: Beginning };

/** One pull, from what earlier attempts left to its outcome, over as many connections as it takes. */
export class Transfer {
  readonly #request: PullRequest;
  readonly #journal: Journal;
  readonly #receivedBefore: Received;
  readonly #seed = new SeedUse();
  readonly #pool = new BufferPool(writeBytesMax);
  readonly #rate = new RateMeter();
  #copy: Copy | undefined;
  #writer: ContentWriter | undefined;
  #attempt: Attempt | undefined;
  #waitingFor: string | null = null;

  constructor(request: PullRequest, found: Exclude<Resumption, { kind: 'finished' }>) {
    this.#request = request;
    this.#journal = found.journal;
    this.#receivedBefore = found.kind === 'fresh' ? found.received : found.journal.content.received;
    if (found.kind === 'resumed') this.#copy = { target: found.target, beginning: found.beginning };
  }

  /** Closes the journal and the copy in the end, when nothing is on its way to the disk any more. */
  async run(): Promise<Outcome<OperationOutput<'pull'>>> {
    const over = new AbortController();
    const ticking = this.#tick(over.signal);
    let closed: Outcome<void>;
    let outcome: Outcome<Outcome<OperationOutput<'pull'>>>;
    try {
      outcome = await outcomeOf(() => this.#untilOver());
    } finally {
      over.abort();
      await ticking;
      closed = await outcomeOf(() => this.#close());
    }
    if (!outcome.ok) return outcome;
    return outcome.value.ok && !closed.ok ? closed : outcome.value;
  }

  async #close(): Promise<void> {
    this.#attempt?.abandon();
    await this.#writer?.stop();
    await this.#seed.close();
    try {
      await this.#copy?.target.close();
    } finally {
      await this.#journal.close();
    }
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
    await this.#journal.received(writer.received);
    this.#writer = undefined;
    await this.#seed.drop(writer.seedFailure ?? 'it failed');
  }

  async #connect(): Promise<{ attempt: Attempt; ended: AttemptEnd }> {
    const prepare = (facts: FactsMessage): Promise<Outcome<ContentWriter>> => this.#prepare(facts);
    const attempt = new Attempt({ request: this.#request, pool: this.#pool, seed: this.#seed, prepare });
    this.#attempt = attempt;
    return { attempt, ended: await attempt.run() };
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
      if (this.#journal.content.mismatches.length >= mismatchesMax) return failureOf('DigestMismatch', { message });
      await this.#journal.mismatch(ended.offsetBytes);
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

  /** Makes or takes up the copy when the source has said what it serves. */
  async #prepare({ facts, extentBytes, windowBytes }: FactsMessage): Promise<Outcome<ContentWriter>> {
    const { runId, path } = this.#request;
    if (this.#copy === undefined) {
      const beginning: Beginning = { schema: 1, runId, path, facts, extentBytes };
      const made = await this.#make(beginning);
      if (!made.ok) return made;
      this.#copy = { target: made.value, beginning };
    }
    const difference = differenceOf(this.#copy.beginning.facts, facts);
    if (difference !== undefined)
      return failed(failureOf('SourceChanged', { message: `the source of ${path} is another: ${difference}` }));
    this.#writer ??= this.#writerOf(this.#copy, windowBytes);
    this.#waitingFor = null;
    return succeeded(this.#writer);
  }

  /** The journal knows of the copy before it is there, so that whatever is left of it is known to be ours. */
  async #make(beginning: Beginning): Promise<Outcome<TargetContent>> {
    const { path, images } = this.#request;
    const begun = await outcomeOf(() => this.#journal.begin(beginning, this.#receivedBefore));
    if (!begun.ok) return begun;
    const made = await createTarget(images, path, beginning.facts);
    if (made.ok || made.failure.code !== 'DestinationOccupied') return made;
    const forgotten = await outcomeOf(() => this.#journal.forget());
    return forgotten.ok ? made : forgotten;
  }

  #writerOf({ target, beginning }: Copy, windowBytes: number): ContentWriter {
    return new ContentWriter({
      path: this.#request.path,
      target,
      facts: beginning.facts,
      journal: this.#journal,
      pool: this.#pool,
      seed: this.#seed.forWriter(this.#pool, (reason) => this.#attempt?.seedFailed(reason)),
      // A third, so that the source can send while another becomes durable.
      flushBytes: Math.min(flushBytesMax, windowBytes / 3),
      clock: this.#request.clock,
      onDurable: (mark: Mark) => this.#attempt?.tellDurable(mark),
      onWritten: () => this.#attempt?.goOn(),
      onFailure: (failure) => this.#attempt?.fail(failure),
    });
  }

  /** The copy is closed before it is said to be finished, since closing writes too. */
  async #finish(attempt: Attempt): Promise<Outcome<OperationOutput<'pull'>>> {
    const { mark, received } = this.#journal.content;
    const { problem } = this.#seed;
    const target = this.#copy?.target;
    await (target?.finish === undefined ? target?.close() : target.finish());
    this.#copy = undefined;
    const output = {
      path: this.#request.path,
      digest: mark.digest,
      dataBytes: mark.dataBytes,
      sentBytes: received.sentBytes,
      resentBytes: received.sentBytes - mark.dataBytes,
      zeroBytes: mark.zeroBytes,
      ...(received.savedBytes > 0 && { savedBytes: received.savedBytes }),
      ...(mark.seedBytes > 0 && { seedBytes: mark.seedBytes }),
      ...(problem !== null && { seedProblem: problem }),
    };
    await this.#journal.finish(output);
    await attempt.close();
    return succeeded(output);
  }

  async #tick(signal: AbortSignal): Promise<void> {
    const { clock, pace } = this.#request;
    let reportedMs = -Infinity;
    while (!signal.aborted) {
      this.#writer?.flushOlderThan(pace.flushMsMax);
      if (clock.now() - reportedMs >= pace.reportMs) {
        this.#report();
        reportedMs = clock.now();
      }
      await clock.sleep(Math.min(pace.flushMsMax, pace.reportMs), signal);
    }
  }

  #report(): void {
    const { mark, received, beginning } = this.#journal.content;
    const position = this.#writer?.position ?? mark;
    const sent = this.#writer?.received.sentBytes ?? received.sentBytes;
    const bytesDone = position.dataBytes + position.zeroBytes + position.seedBytes;
    this.#request.report({
      bytesDone,
      bytesTotal: Math.max(bytesDone, beginning?.extentBytes ?? 0),
      bytesPerSecond: this.#rate.sample(this.#request.clock.now(), sent + position.seedBytes),
      watermarkBytes: mark.watermarkBytes,
      digestSoFar: mark.digest,
      resentBytes: sent - position.dataBytes,
      waitingFor: this.#waitingFor,
    });
  }
}
