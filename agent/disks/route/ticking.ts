import type { Clock } from '../../clock';

/** Does work, and something beside it every so many milliseconds until the work ends. */
export async function whileTicking<T>(
  clock: Clock,
  everyMs: number,
  tick: () => void,
  work: () => Promise<T>,
): Promise<T> {
  const over = new AbortController();
  const ticking = (async () => {
    while (!over.signal.aborted) {
      tick();
      await clock.sleep(everyMs, over.signal);
    }
  })();
  try {
    return await work();
  } finally {
    over.abort();
    await ticking;
  }
}

export type ReceivingPace = { readonly flushMsMax: number; readonly reportMs: number };

/** Does work, and beside it has what waits for long made durable, and reports now and then. */
export function whileReceiving<T>(
  clock: Clock,
  { flushMsMax, reportMs }: ReceivingPace,
  beside: { readonly flushOlderThan: (ms: number) => void; readonly report: () => void },
  work: () => Promise<T>,
): Promise<T> {
  let reportedMs = -Infinity;
  const tick = (): void => {
    beside.flushOlderThan(flushMsMax);
    if (clock.now() - reportedMs < reportMs) return;
    reportedMs = clock.now();
    beside.report();
  };
  return whileTicking(clock, Math.min(flushMsMax, reportMs), tick, work);
}
