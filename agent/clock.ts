import { setTimeout as delay } from 'node:timers/promises';

/** Time as a parameter: everything in agent/ that reads a clock or waits takes one of these, so that a test can own it. */
export type Clock = {
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Resolves after `ms` milliseconds, or as soon as `signal` is aborted. Never rejects: whoever cares looks at the signal. */
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>;
};

export const systemClock: Clock = {
  now: () => Date.now(),
  sleep: async (ms, signal) => {
    try {
      await delay(ms, undefined, signal === undefined ? {} : { signal });
    } catch {
      // The one rejection of this function is the abort, which ends the sleep by contract.
    }
  },
};

/** The time as it stands in every document: ISO 8601, UTC. */
export const isoTime = (ms: number): string => new Date(ms).toISOString();

/** Why a wait of our own was ended. Without a reason, Node makes an error with its stack for each, and that costs more than the wait. */
const nobodyAsks = 'over';

/** Waits for `work`, for `ms` milliseconds at most or until `signal` is aborted: whichever comes first. `work` must not reject. */
export async function within(
  clock: Clock,
  ms: number,
  work: Promise<unknown>,
  signal?: AbortSignal,
): Promise<'done' | 'late' | 'aborted'> {
  const enough = new AbortController();
  const either = signal === undefined ? enough.signal : AbortSignal.any([enough.signal, signal]);
  try {
    return await Promise.race([
      work.then(() => 'done' as const),
      clock.sleep(ms, either).then(() => (signal?.aborted === true ? ('aborted' as const) : ('late' as const))),
    ]);
  } finally {
    enough.abort(nobodyAsks);
  }
}
