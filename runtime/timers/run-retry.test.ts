import { retryDelayMs, retryPolicy } from './run-retry';

const policy = (more: object) => retryPolicy.parse(more);
const delays = (given: object, random: number, count: number): (number | undefined)[] =>
  Array.from({ length: count }, (_, retries) => retryDelayMs(policy(given), retries, () => random));

test('a fixed delay stays the same, as often as it is allowed', () => {
  const fixed = { retryStrategy: 'fixedDelay', maxRetryCount: 2, delayInterval: { seconds: 5 } };
  expect(delays(fixed, 0.5, 3)).toEqual([5000, 5000, undefined]);
});

test('an exponential delay grows from its minimum to its maximum', () => {
  const growing = {
    retryStrategy: 'exponentialBackoff',
    maxRetryCount: -1,
    minimumInterval: { seconds: 10 },
    maximumInterval: { seconds: 60 },
  };
  expect(delays(growing, 0.5, 5)).toEqual([10_000, 20_000, 30_000, 50_000, 60_000]);
});

test('chance moves an exponential delay by a fifth at most', () => {
  const growing = {
    retryStrategy: 'exponentialBackoff',
    maxRetryCount: 5,
    minimumInterval: { seconds: 10 },
    maximumInterval: { seconds: 600 },
  };
  expect(delays(growing, 0, 2)[1]).toBe(18_000);
  expect(delays(growing, 1, 2)[1]).toBe(22_000);
});
