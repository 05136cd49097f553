import type { HistoryEvent } from '../engine/history';

/** Histories that were used last, so that a turn does not read what the turn before wrote. Bounded by the events it holds. */
export class HistoryCache {
  readonly #eventsMax: number;
  readonly #histories = new Map<string, HistoryEvent[]>();
  #events = 0;

  constructor(eventsMax: number) {
    this.#eventsMax = eventsMax;
  }

  get(instanceId: string): HistoryEvent[] | undefined {
    const history = this.#histories.get(instanceId);
    if (history === undefined) return undefined;
    // A Map keeps the order of insertion: what was used last goes to its end.
    this.#histories.delete(instanceId);
    this.#histories.set(instanceId, history);
    return history;
  }

  set(instanceId: string, history: HistoryEvent[]): void {
    this.delete(instanceId);
    if (history.length > this.#eventsMax) return;
    this.#histories.set(instanceId, history);
    this.#events += history.length;
    for (const [oldest] of this.#histories) {
      if (this.#events <= this.#eventsMax) break;
      this.delete(oldest);
    }
  }

  delete(instanceId: string): void {
    this.#events -= this.#histories.get(instanceId)?.length ?? 0;
    this.#histories.delete(instanceId);
  }
}
