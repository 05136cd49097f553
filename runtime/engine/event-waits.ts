import type { EventOf, EventType } from './history';
import type { Task } from './task';

export type RaisedEvent = EventOf<typeof EventType.EventRaised>;

/** Who waits for which event, and which events came before anybody waited. */
export class EventWaits {
  readonly #waiting = new Map<string, Task[]>();
  readonly #early = new Map<string, RaisedEvent[]>();

  /** Settles the task with the next event of that name, one that came early if there is one. */
  wait(name: string, task: Task): void {
    const early = this.#early.get(name);
    const event = early?.shift();
    if (early?.length === 0) this.#early.delete(name);
    if (event !== undefined) task.settle({ kind: 'done', result: event.Input });
    else this.#waiting.set(name, [...(this.#waiting.get(name) ?? []), task]);
  }

  /** Hands an event to who waits for it: last come, first served, as in the extension and in durable-functions. */
  raise(event: RaisedEvent): void {
    const waiter = this.#waiting.get(event.Name)?.pop();
    if (waiter !== undefined) waiter.settle({ kind: 'done', result: event.Input });
    else this.#early.set(event.Name, [...(this.#early.get(event.Name) ?? []), event]);
  }

  get isAnyWaitedFor(): boolean {
    return [...this.#waiting.values()].some((tasks) => tasks.length > 0);
  }

  /** Events that nobody has waited for. */
  unconsumed(): RaisedEvent[] {
    return [...this.#early.values()].flat();
  }
}
