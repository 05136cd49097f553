import type { DecisionBook } from './decision-book';
import { Task } from './task';

/** Timers longer than this are made of several: the limits of the Azure Storage provider. */
export const shortTimerMsMax = 6 * 24 * 3_600_000;
export const longTimerIntervalMs = 3 * 24 * 3_600_000;

type Cancelled = { readonly position: number; readonly task: Task };

/** The timers of a replayed orchestration. */
export class TimerTasks {
  readonly #book: DecisionBook;
  readonly #cancelled = new Map<number, Cancelled>();

  constructor(book: DecisionBook) {
    this.#book = book;
  }

  /** A timer that the engine itself sets, such as that of a retry. */
  plain(fireAtMs: number): { readonly id: number; readonly task: Task } {
    return this.#book.open((id) => ({ kind: 'timer', id, fireAtMs }));
  }

  /** A timer of the orchestrator. `position` is that of its action among all. */
  ofAction(
    action: { readonly fireAtMs: number; readonly isCanceled: boolean; readonly position: number },
    now: () => number,
  ): Task {
    if (action.fireAtMs - now() > shortTimerMsMax) return this.#long(action, now);
    const { id, task } = this.plain(action.fireAtMs);
    if (action.isCanceled) this.#cancel(id, task, action.position);
    return task;
  }

  fire(id: number): void {
    const cancelled = this.#cancelled.get(id);
    this.#cancelled.delete(id);
    (this.#book.close(id) ?? cancelled?.task)?.settle({ kind: 'done', result: null });
  }

  /** Cancelled timers whose action lies behind the orchestrator, which now is at `position`. */
  abandoned(position: number): number[] {
    return [...this.#cancelled].filter(([, timer]) => timer.position < position).map(([id]) => id);
  }

  /** A cancelled timer keeps nothing open. Like the SDK's it settles only by firing, so an `any` around it waits for its other tasks. */
  #cancel(id: number, task: Task, position: number): void {
    this.#book.close(id);
    this.#cancelled.set(id, { position, task });
  }

  #long(
    action: { readonly fireAtMs: number; readonly isCanceled: boolean; readonly position: number },
    now: () => number,
  ): Task {
    const whole = new Task();
    const leg = (): void => {
      const remainingMs = action.fireAtMs - now();
      if (remainingMs <= 0) {
        whole.settle({ kind: 'done', result: null });
        return;
      }
      const { id, task } = this.plain(now() + Math.min(remainingMs, longTimerIntervalMs));
      task.whenSettled(leg);
      if (action.isCanceled) this.#cancel(id, task, action.position);
    };
    leg();
    return whole;
  }
}
