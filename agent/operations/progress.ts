import type { OperationProgress } from '../../contracts/operations';
import { PieceRate } from '../piece-rate';

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
  readonly #rate = new PieceRate();

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
    this.#rate.note(nowMs, progress.bytesDone);
  }

  /** The last report with the rate of the last seconds, or null when there was none. `waitingFor`, if given, is what the runner itself waits for. */
  at(nowMs: number, waitingFor: string | null): OperationProgress | null {
    if (this.#last === null && waitingFor === null) return null;
    const last = this.#last ?? nothingYet;
    // Until bytes have come twice it is what the operation says itself, which sees a piece while it comes.
    const bytesPerSecond = this.#rate.at(nowMs) ?? last.bytesPerSecond;
    return { ...last, bytesPerSecond, waitingFor: waitingFor ?? last.waitingFor };
  }
}

const moved = (before: OperationProgress, now: OperationProgress): boolean =>
  before.bytesDone !== now.bytesDone ||
  before.bytesTotal !== now.bytesTotal ||
  before.watermarkBytes !== now.watermarkBytes ||
  before.waitingFor !== now.waitingFor;
