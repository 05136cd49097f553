/** Time as the engine sees it: a parameter, so that a test can own it. */
export interface Clock {
  /** Milliseconds since 1970, UTC. */
  now(): number;
  /** Calls `action` once, at or after `atMs`; the returned function takes that back. */
  schedule(atMs: number, action: () => void): () => void;
}

/** Node cannot wait longer than 2^31 - 1 ms at once; longer waits are taken in steps of this. */
const waitMsMax = 2 ** 31 - 1;

/** The clock of the machine. */
export const realClock: Clock = {
  now: () => Date.now(),
  schedule(atMs, action) {
    let handle: NodeJS.Timeout;
    const wait = (): void => {
      const remainingMs = atMs - Date.now();
      handle = remainingMs <= 0 ? setTimeout(action, 0) : setTimeout(wait, Math.min(remainingMs, waitMsMax));
    };
    wait();
    return () => clearTimeout(handle);
  },
};

type Alarm = { readonly atMs: number; readonly order: number; readonly action: () => void };

/** A clock that moves only when told to. Alarms of the same instant go off in the order in which they were set. */
export class VirtualClock implements Clock {
  #nowMs: number;
  #order = 0;
  readonly #alarms = new Set<Alarm>();

  constructor(startMs: number) {
    this.#nowMs = startMs;
  }

  now(): number {
    return this.#nowMs;
  }

  schedule(atMs: number, action: () => void): () => void {
    const alarm: Alarm = { atMs, order: this.#order++, action };
    this.#alarms.add(alarm);
    return () => void this.#alarms.delete(alarm);
  }

  /** The time of the earliest alarm, or undefined when none is set. */
  nextAlarmMs(): number | undefined {
    return this.#earliest()?.atMs;
  }

  /** Moves to `atMs` (never backward) and lets every alarm up to then go off. */
  moveTo(atMs: number): void {
    for (;;) {
      const next = this.#earliest();
      if (next === undefined || next.atMs > atMs) break;
      this.#alarms.delete(next);
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      next.action();
    }
    this.#nowMs = Math.max(this.#nowMs, atMs);
  }

  #earliest(): Alarm | undefined {
    let first: Alarm | undefined;
    for (const alarm of this.#alarms) {
      if (first === undefined || alarm.atMs < first.atMs || (alarm.atMs === first.atMs && alarm.order < first.order)) {
        first = alarm;
      }
    }
    return first;
  }
}
