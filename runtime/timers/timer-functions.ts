import { z } from 'zod';
import type { Clock } from '../engine/clock';
import type { Committer } from '../engine/commit';
import type { Store } from '../engine/store';
import { resolved } from '../host/settings';
import type { WireFunction } from '../worker/messages';
import { retryDelayMs, retryPolicy, type RetryContext, type RetryPolicy } from './run-retry';
import { parseSchedule, type Schedule } from './schedule';

const timerBinding = z.looseObject({
  schedule: z.string(),
  runOnStartup: z.boolean().default(false),
  useMonitor: z.boolean().optional(),
});

/** What is remembered of a timer function from run to run; the shape in which the Functions host tells it to the function. */
const timerStatus = z.object({ Last: z.string(), Next: z.string(), LastUpdated: z.string() });
type TimerStatus = z.infer<typeof timerStatus>;

/** How a run ended; an error when the function threw it. */
export type TimerRunEnd = 'done' | 'lost' | 'stopped' | RetryContext['exception'];

export type TimerParts = {
  readonly store: Store;
  readonly committer: Committer;
  readonly clock: Clock;
  /** App settings, for `%NAME%` in schedules. */
  readonly environment: Readonly<Record<string, string>>;
  /** Runs the function with this payload (JSON text). */
  readonly run: (functionName: string, payload: string, retry: RetryContext | null) => Promise<TimerRunEnd>;
  /** Numbers from 0 to 1, for pauses that differ a little. */
  readonly random: () => number;
  readonly log: (line: string) => void;
};

/** A schedule that comes more often is not watched for missed runs, as in Azure. */
const monitoredIntervalMsMin = 60_000;
/** How often a run is tried again whose worker was lost, and the pause before. */
const runTriesMax = 3;
const runAgainMs = 1000;

/** Runs the app's timer functions, each at its times and never twice at once. A run missed while the host was down is made up for once. */
export class TimerFunctions {
  readonly #parts: TimerParts;
  readonly #cancels = new Map<string, () => void>();
  readonly #running = new Set<Promise<void>>();
  /** Ends pauses before a run is tried again. */
  readonly #wakers = new Set<() => void>();
  #isOpen = true;

  constructor(parts: TimerParts) {
    this.#parts = parts;
  }

  /** Sets every timer function going; one whose schedule cannot be read is reported and left out. */
  start(functions: readonly WireFunction[]): void {
    for (const wire of functions.filter((candidate) => candidate.kind === 'timer')) {
      const reason = this.#begin(wire);
      if (reason !== undefined) this.#parts.log(`Timer function '${wire.name}' does not run: ${reason}`);
    }
  }

  /** Starts no more runs and waits for those under way. */
  async stop(): Promise<void> {
    this.#isOpen = false;
    for (const cancel of this.#cancels.values()) cancel();
    for (const wake of this.#wakers) wake();
    await Promise.all(this.#running);
  }

  /** Returns why the function cannot be set going, if so. */
  #begin(wire: WireFunction): string | undefined {
    const parsed = timerBinding.safeParse(wire.bindings[wire.triggerName]);
    if (!parsed.success) return z.prettifyError(parsed.error);
    const binding = parsed.data;
    const read = parseSchedule(resolved(binding.schedule, this.#parts.environment));
    if (read.kind === 'unreadable') return read.reason;
    const schedule = read.value;
    const nowMs = this.#parts.clock.now();
    const isMonitored = binding.useMonitor ?? isRare(schedule, nowMs);
    const status = isMonitored ? this.#status(wire.name) : undefined;
    const retry = retryPolicy.nullable().safeParse(wire.retry);
    if (!retry.success) return `retry: ${z.prettifyError(retry.error)}`;
    const timer: Timer = { name: wire.name, schedule, isMonitored, retry: retry.data };
    const missed = status !== undefined && Date.parse(status.Next) <= nowMs;
    if (missed || binding.runOnStartup) this.#runNow(timer, missed);
    else if (status === undefined) void this.#remember(timer, undefined).then(() => this.#wait(timer));
    else this.#wait(timer);
    return undefined;
  }

  #wait(timer: Timer): void {
    const nextMs = timer.schedule.next(this.#parts.clock.now());
    if (nextMs === undefined || !this.#isOpen) return;
    this.#cancels.set(
      timer.name,
      this.#parts.clock.schedule(nextMs, () => this.#runNow(timer, false)),
    );
  }

  #runNow(timer: Timer, isPastDue: boolean): void {
    if (!this.#isOpen) return;
    const run = this.#run(timer, isPastDue).finally(() => this.#running.delete(run));
    this.#running.add(run);
  }

  async #run(timer: Timer, isPastDue: boolean): Promise<void> {
    const startedMs = this.#parts.clock.now();
    const ended = await this.#tried(timer, isPastDue);
    // A run that the host's end cut off counts as missed.
    if (ended === 'stopped') return;
    await this.#remember(timer, startedMs);
    this.#wait(timer);
  }

  /** Runs until it succeeds, or its retry policy is at its end. */
  async #tried(timer: Timer, isPastDue: boolean): Promise<'done' | 'lost' | 'stopped'> {
    const payload = JSON.stringify({
      Schedule: { AdjustForDST: true },
      ScheduleStatus: this.#status(timer.name) ?? null,
      IsPastDue: isPastDue,
    });
    let context: RetryContext | null = null;
    for (let retries = 0; ; retries += 1) {
      const ended: TimerRunEnd = await this.#once(timer.name, payload, context);
      if (typeof ended === 'string') return ended;
      const delayMs = timer.retry === null ? undefined : retryDelayMs(timer.retry, retries, this.#parts.random);
      if (timer.retry === null || delayMs === undefined) return 'done';
      context = { retryCount: retries + 1, maxRetryCount: timer.retry.maxRetryCount, exception: ended };
      await this.#pause(delayMs);
      if (!this.#isOpen) return 'stopped';
    }
  }

  /** One run; once more when its worker was lost. */
  async #once(name: string, payload: string, context: RetryContext | null): Promise<TimerRunEnd> {
    for (let tries = 1; ; tries += 1) {
      const ended = await this.#parts.run(name, payload, context);
      if (ended !== 'lost' || tries >= runTriesMax || !this.#isOpen) return ended;
      await this.#pause(runAgainMs);
    }
  }

  /** Lets time pass, until the timers are stopped at the latest. */
  async #pause(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    const wake = (): void => resolve(undefined);
    const cancel = this.#parts.clock.schedule(this.#parts.clock.now() + ms, wake);
    this.#wakers.add(wake);
    await promise;
    this.#wakers.delete(wake);
    cancel();
  }

  #status(name: string): TimerStatus | undefined {
    const text = this.#parts.store.read((tx) => tx.fact(factName(name)));
    return text === undefined ? undefined : timerStatus.parse(JSON.parse(text));
  }

  /** Writes when it ran and when it will run next; from that a later start sees what was missed. */
  async #remember(timer: Timer, lastMs: number | undefined): Promise<void> {
    const nowMs = this.#parts.clock.now();
    const nextMs = timer.schedule.next(nowMs);
    if (!timer.isMonitored || nextMs === undefined) return;
    const iso = (ms: number): string => new Date(ms).toISOString();
    const status: TimerStatus = { Last: iso(lastMs ?? 0), Next: iso(nextMs), LastUpdated: iso(nowMs) };
    await this.#parts.committer.commit((tx) => tx.putFact(factName(timer.name), JSON.stringify(status)));
  }
}

type Timer = {
  readonly name: string;
  readonly schedule: Schedule;
  readonly isMonitored: boolean;
  readonly retry: RetryPolicy | null;
};

const factName = (functionName: string): string => `timer:${functionName}`;

function isRare(schedule: Schedule, nowMs: number): boolean {
  const first = schedule.next(nowMs);
  const second = first === undefined ? undefined : schedule.next(first);
  return first === undefined || second === undefined || second - first >= monitoredIntervalMsMin;
}
