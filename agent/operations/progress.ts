import type { OperationProgress } from '../../contracts/operations';

/** The rate is that of the last so many milliseconds. */
export const rateWindowMs = 10_000;
const samplesMax = 256;
/** A copy that comes in few large pieces is measured over at least so many of them. */
const piecesMin = 4;

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
  /** Moments at which bytes had come. */
  #samples: Sample[] = [];
  #newest: Sample | undefined;
  /** What came last at once. */
  #pieceBytes = 0;

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
    this.#sample({ atMs: nowMs, bytesDone: progress.bytesDone });
  }

  #sample(now: Sample): void {
    if (now.bytesDone === this.#newest?.bytesDone) return;
    this.#pieceBytes = Math.max(0, now.bytesDone - (this.#newest?.bytesDone ?? now.bytesDone));
    // A clock that was put back begins anew.
    if (this.#newest !== undefined && now.atMs < this.#newest.atMs) this.#samples = [];
    this.#newest = now;
    const kept = this.#samples.at(-1);
    if (kept === undefined || now.atMs - kept.atMs >= rateWindowMs / samplesMax) this.#samples.push(now);
    this.#dropOld(now.atMs);
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
    const old = this.#samples.findLastIndex(({ atMs }) => atMs <= nowMs - rateWindowMs);
    const from = Math.min(old, this.#samples.length - piecesMin);
    if (from > 0) this.#samples.splice(0, from);
  }

  /**
   * Between two moments at which bytes came, since the time since the last piece says nothing as long as the next one is not late; when it
   * is, no more than if it came now. Until two pieces have come it is what the operation says itself, which sees a piece while it comes.
   */
  #bytesPerSecond(nowMs: number): number {
    const [oldest, newest] = [this.#samples[0], this.#newest];
    if (oldest === undefined || newest === undefined || newest.atMs <= oldest.atMs)
      return this.#last?.bytesPerSecond ?? 0;
    const bytes = Math.max(0, newest.bytesDone - oldest.bytesDone);
    const measured = bytes / (newest.atMs - oldest.atMs);
    // A clock that was put back must not make it less than nothing.
    const atMost = (bytes + this.#pieceBytes) / (Math.max(nowMs, newest.atMs) - oldest.atMs);
    return Math.round(1000 * Math.min(measured, atMost));
  }
}

const moved = (before: OperationProgress, now: OperationProgress): boolean =>
  before.bytesDone !== now.bytesDone ||
  before.bytesTotal !== now.bytesTotal ||
  before.watermarkBytes !== now.watermarkBytes ||
  before.waitingFor !== now.waitingFor;
