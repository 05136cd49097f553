import { setTimeout as delay } from 'node:timers/promises';

/** Time as a parameter, so that a test can own it. */
export type Clock = {
  /** Milliseconds since 1970. */
  now(): number;
  /** Waits; ends early, without an error, when the signal is aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
};

export const systemClock: Clock = {
  now: () => Date.now(),
  sleep: async (ms, signal) => {
    try {
      await delay(ms, undefined, signal === undefined ? {} : { signal });
    } catch (thrown) {
      if (signal?.aborted !== true) throw thrown;
    }
  },
};
