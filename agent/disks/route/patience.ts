import type { RoutePace } from './limits';

export type Loss = {
  readonly nowMs: number;
  /** When the connection that was lost was begun. */
  readonly beganMs: number;
  /** Whether it brought anything. */
  readonly progress: 'some' | 'none';
};

/** What to do after a lost connection: wait so long and connect again, or give up after so long without progress. */
export type Verdict =
  | { readonly kind: 'again'; readonly waitMs: number; readonly sinceMs: number }
  | { readonly kind: 'give-up'; readonly forMs: number };

/** Decides how long a pull goes on connecting. Waits grow while nothing comes of it; any progress begins the count anew. */
export class Patience {
  readonly #pace: RoutePace;
  #sinceMs: number | undefined;
  #waitMs: number;

  constructor(pace: RoutePace) {
    this.#pace = pace;
    this.#waitMs = pace.reconnectMsMin;
  }

  lost({ nowMs, beganMs, progress }: Loss): Verdict {
    if (progress === 'some') {
      this.#sinceMs = nowMs;
      this.#waitMs = this.#pace.reconnectMsMin;
    }
    const sinceMs = (this.#sinceMs ??= beganMs);
    if (nowMs - sinceMs > this.#pace.unreachableMsMax) return { kind: 'give-up', forMs: nowMs - sinceMs };
    const waitMs = this.#waitMs;
    this.#waitMs = Math.min(2 * waitMs, this.#pace.reconnectMsMax);
    return { kind: 'again', waitMs, sinceMs };
  }
}
