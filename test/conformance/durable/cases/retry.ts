import type { Case } from '../case';
import { between, some, textWith, type Expected } from '../match';
import { completed, failed, hangs, raise, start } from '../steps';

const minute = 60_000;
/** How much later than its time a timer may be on a busy machine, and in Azure where queues are polled. */
const lateMsMax = 60_000;
const about = (ms: number): Expected => between(ms, ms + lateMsMax);

type Wanted = {
  readonly times: number;
  readonly firstMs: number;
  readonly attempts: number;
  readonly backoff?: number;
  readonly intervalMsMax?: number;
  readonly timeoutMs?: number;
};
const retried = (name: string, wanted: Wanted, end: Expected, elapsedMs: Expected, more: Partial<Case> = {}): Case => ({
  area: 'retry',
  name,
  uses: ['Retry', 'FailTimes'],
  steps: [start('Retry', wanted), completed({ end, elapsedMs }, {}, { msMax: 40 * 24 * 60 * minute })],
  ...more,
});

export const retryCases: readonly Case[] = [
  retried(
    'an activity that succeeds is not retried',
    { times: 0, firstMs: 50, attempts: 3 },
    'succeeded after 0',
    about(0),
  ),
  retried(
    'an activity is retried until it succeeds',
    { times: 2, firstMs: 50, attempts: 5 },
    'succeeded after 2',
    about(100),
  ),
  retried(
    'the last error surfaces when all attempts have failed',
    { times: 9, firstMs: 50, attempts: 3 },
    "Activity function 'FailTimes' failed:  failure 3",
    about(100),
  ),
  retried(
    'one attempt is no retry',
    { times: 9, firstMs: 50, attempts: 1 },
    "Activity function 'FailTimes' failed:  failure 1",
    about(0),
  ),
  retried(
    'the delay stays the same without a backoff coefficient',
    { times: 3, firstMs: 10 * minute, attempts: 4 },
    'succeeded after 3',
    30 * minute,
    { lasts: 'hours' },
  ),
  retried(
    'the delay grows by the backoff coefficient',
    { times: 3, firstMs: 10 * minute, attempts: 4, backoff: 3 },
    'succeeded after 3',
    (10 + 30 + 90) * minute,
    { lasts: 'hours' },
  ),
  retried(
    'the delay grows up to the longest interval',
    { times: 4, firstMs: 10 * minute, attempts: 5, backoff: 2, intervalMsMax: 15 * minute },
    'succeeded after 4',
    (10 + 15 + 15 + 15) * minute,
    { lasts: 'hours' },
  ),
  retried(
    'the longest interval is six days when none is given',
    { times: 2, firstMs: 24 * 60 * minute, attempts: 3, backoff: 20 },
    'succeeded after 2',
    (1 + 6) * 24 * 60 * minute,
    { lasts: 'hours' },
  ),
  retried(
    'the last failure surfaces without one more delay',
    { times: 9, firstMs: 60 * minute, attempts: 2 },
    "Activity function 'FailTimes' failed:  failure 2",
    60 * minute,
    { lasts: 'hours' },
  ),
  {
    area: 'retry',
    name: 'retries stop when the retry time-out has passed',
    uses: ['Retry', 'FailTimes'],
    steps: [start('Retry', { times: 9, firstMs: 100, attempts: 9, timeoutMs: 150 }), ...hangs],
    here: {
      reason: 'the real instance waits for ever (durable-functions issue 629)',
      steps: [
        start('Retry', { times: 9, firstMs: 100, attempts: 9, timeoutMs: 150 }),
        failed(textWith('the retry time-out of 150 ms has passed')),
      ],
    },
  },
  {
    area: 'retry',
    name: 'two activities are retried side by side, each by its own count',
    uses: ['RetryBeside', 'FailTimes', 'Echo'],
    steps: [start('RetryBeside'), completed(['succeeded after 2', 'beside', 'succeeded after 2'])],
  },
  {
    area: 'retry',
    name: 'calls and timers after a retry are numbered as if nothing had happened',
    uses: ['RetryThenGoOn', 'FailTimes', 'Echo'],
    steps: [start('RetryThenGoOn'), completed(['succeeded after 1', 'then', 'last'])],
  },
  {
    area: 'retry',
    name: 'an activity under retry is tried again after an event has come meanwhile',
    uses: ['Retry', 'FailTimes'],
    steps: [
      start('Retry', { times: 1, firstMs: 300, attempts: 2 }),
      raise('unasked', 1),
      completed(some({ end: 'succeeded after 1' })),
    ],
  },
];
