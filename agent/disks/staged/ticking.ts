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
