import { isPassing, type ApiResult } from '../api/errors';
import type { Context } from '../context';

// The app may be starting again at any moment; that it has to be waited for is not worth a line.
const apiPatienceMs = 60_000;

/** Asks again while the interface is away for a moment. */
export async function patiently<T>(context: Context, ask: () => Promise<ApiResult<T>>): Promise<ApiResult<T>> {
  const deadlineMs = context.clock.now() + apiPatienceMs;
  for (;;) {
    const result = await ask();
    if (result.ok || !isPassing(result.error) || context.clock.now() > deadlineMs || context.signal.aborted)
      return result;
    await context.clock.sleep(250, context.signal);
  }
}
