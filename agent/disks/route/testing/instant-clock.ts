import type { Clock } from '../../../clock';

/** A clock whose sleeps take no time but let its own time pass. */
export function instantClock(startMs = 1_800_000_000_000): Clock & { advance: (ms: number) => void } {
  let nowMs = startMs;
  return {
    now: () => nowMs,
    sleep: async (ms) => {
      nowMs += ms;
    },
    advance: (ms) => {
      nowMs += ms;
    },
  };
}
