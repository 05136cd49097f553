import { z } from 'zod';

/** A duration as `@azure/functions` hands it on: whole seconds. In milliseconds here. */
const durationMs = z.looseObject({ seconds: z.number().min(0) }).transform(({ seconds }) => seconds * 1000);
const count = { maxRetryCount: z.int().min(-1) };

/** The `retry` of a function: what is done after a run that failed. A count of -1 means without end. */
export const retryPolicy = z.discriminatedUnion('retryStrategy', [
  z.looseObject({ retryStrategy: z.literal('fixedDelay'), ...count, delayInterval: durationMs }),
  z.looseObject({
    retryStrategy: z.literal('exponentialBackoff'),
    ...count,
    minimumInterval: durationMs,
    maximumInterval: durationMs,
  }),
]);
export type RetryPolicy = z.infer<typeof retryPolicy>;

/** What a run is told of those before it (RetryContext of the Functions worker protocol). */
export type RetryContext = {
  readonly retryCount: number;
  readonly maxRetryCount: number;
  readonly exception: { readonly message: string; readonly stackTrace: string };
};

/** By how much an exponential delay may differ from its mean, either way. */
const randomPart = 0.2;

/**
 * The pause before the next run, after `retries` of them; undefined when there is none. `random` gives numbers from 0 to 1.
 * The growth is that of RandomizedExponentialBackoffStrategy of the WebJobs SDK.
 */
export function retryDelayMs(policy: RetryPolicy, retries: number, random: () => number): number | undefined {
  if (policy.maxRetryCount >= 0 && retries >= policy.maxRetryCount) return undefined;
  switch (policy.retryStrategy) {
    case 'fixedDelay':
      return policy.delayInterval;
    case 'exponentialBackoff': {
      const { minimumInterval, maximumInterval } = policy;
      const factor = 1 - randomPart + 2 * randomPart * random();
      const growthMs = retries === 0 ? 0 : factor * 2 ** (retries - 1) * minimumInterval;
      return Math.min(minimumInterval + growthMs, maximumInterval);
    }
  }
}
