import type { EventOf } from './history';
import type { EventType } from './history';

export type FailedEvent =
  EventOf<typeof EventType.TaskFailed> | EventOf<typeof EventType.SubOrchestrationInstanceFailed>;

/** How a task of an orchestration ended. */
export type TaskEnd =
  { readonly kind: 'done'; readonly result: string | null } | { readonly kind: 'failed'; readonly event: FailedEvent };

/** A task of an orchestration as the replay follows it: settles once, tells those who wait for it at once and in order. */
export class Task {
  #end: TaskEnd | undefined;
  #waiters: ((end: TaskEnd) => void)[] = [];

  get isSettled(): boolean {
    return this.#end !== undefined;
  }

  settle(end: TaskEnd): void {
    if (this.#end !== undefined) return;
    this.#end = end;
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const waiter of waiters) waiter(end);
  }

  whenSettled(waiter: (end: TaskEnd) => void): void {
    if (this.#end === undefined) this.#waiters.push(waiter);
    else waiter(this.#end);
  }

  static settled(): Task {
    const task = new Task();
    task.settle({ kind: 'done', result: null });
    return task;
  }

  /** Settles with the first of `tasks`, or at once when there is none. */
  static any(tasks: readonly Task[]): Task {
    const any = new Task();
    for (const task of tasks) task.whenSettled(() => any.settle({ kind: 'done', result: null }));
    return any;
  }

  /** Settles when all of `tasks` have, failed ones included: the extension waits for the siblings of a failed task. */
  static all(tasks: readonly Task[]): Task {
    const all = new Task();
    let open = tasks.length;
    if (open === 0) return Task.settled();
    for (const task of tasks) {
      task.whenSettled(() => {
        open -= 1;
        if (open === 0) all.settle({ kind: 'done', result: null });
      });
    }
    return all;
  }
}
