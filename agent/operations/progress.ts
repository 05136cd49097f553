import type { OperationProgress } from '../../contracts/operations';

/** The rate is that of the last so many milliseconds. */
export const rateWindowMs = 10_000;
const samplesMax = 256;

type Sample = { readonly atMs: number; readonly bytesDone: number };

const nothingYet: OperationProgress = { bytesDone: 0, bytesTotal: 0, bytesPerSecond: 0, waitingFor: null };

/**
 * How far an operation is, when it last moved, and how fast it goes. Times are milliseconds of the caller's clock.
 *
 * It moves when bytes move, when what it waits for changes, and when it says that it (still) waits for something. A report that says
 * nothing new is no movement: a handler whose timer goes on while its copy hangs must not look alive.
 */
export class ProgressTracker {
  #movedAtMs: number;
  #last: OperationProgress | null = null;
  #samples: Sample[] = [];

  constructor(nowMs: number) {
    this.#movedAtMs = nowMs;
  }

  get movedAtMs(): number {
    return this.#movedAtMs;
  }

  /** Something happened that is no report. */
  touch(nowMs: number): void {
    this.#movedAtMs = nowMs;
  }

  report(progress: OperationProgress, nowMs: number): void {
    if (this.#last === null || progress.waitingFor !== null || moved(this.#last, progress)) this.#movedAtMs = nowMs;
    this.#last = progress;
    const newest = this.#samples.at(-1);
    if (newest === undefined || nowMs - newest.atMs >= rateWindowMs / samplesMax)
      this.#samples.push({ atMs: nowMs, bytesDone: progress.bytesDone });
    this.#dropOld(nowMs);
  }

  /** The last report with the rate of the window, or null when there was none. `waitingFor`, if given, is what the runner itself waits for. */
  at(nowMs: number, waitingFor: string | null): OperationProgress | null {
    if (this.#last === null && waitingFor === null) return null;
    const last = this.#last ?? nothingYet;
    this.#dropOld(nowMs);
    return { ...last, bytesPerSecond: this.#bytesPerSecond(nowMs), waitingFor: waitingFor ?? last.waitingFor };
  }

  /** Keeps the newest sample that is older than the window: the rate is measured from it. */
  #dropOld(nowMs: number): void {
    const from = this.#samples.findLastIndex(({ atMs }) => atMs <= nowMs - rateWindowMs);
    if (from > 0) this.#samples.splice(0, from);
  }

  #bytesPerSecond(nowMs: number): number {
    const oldest = this.#samples[0];
    if (oldest === undefined || this.#last === null || nowMs <= oldest.atMs) return 0;
    const bytes = Math.max(0, this.#last.bytesDone - oldest.bytesDone);
    return Math.round((bytes * 1000) / (nowMs - oldest.atMs));
  }
}

const moved = (before: OperationProgress, now: OperationProgress): boolean =>
  before.bytesDone !== now.bytesDone ||
  before.bytesTotal !== now.bytesTotal ||
  before.watermarkBytes !== now.watermarkBytes ||
  before.waitingFor !== now.waitingFor;
