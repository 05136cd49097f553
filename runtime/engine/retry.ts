import type { RetryOptions } from './answer';
import { Contradiction } from './decision-book';
import { Task, type FailedEvent } from './task';

type RetryParts = {
  readonly now: () => number;
  /** Makes one attempt. */
  readonly attempt: () => Task;
  readonly timer: (fireAtMs: number) => Task;
};

/** DurableTask.Core's RetryInterceptor: a timer follows every failure, and the last one's fires at once. */
export function withRetry(options: RetryOptions, parts: RetryParts): Task {
  const whole = new Task();
  const firstAttemptMs = parts.now();
  const run = (attemptIndex: number): void => {
    parts.attempt().whenSettled((end) => {
      if (end.kind === 'done' || end.event.FailureDetails?.IsNonRetriable === true) {
        whole.settle(end);
        return;
      }
      const isLast = attemptIndex + 1 >= options.maxNumberOfAttempts;
      if (!isLast) checkTimeout(options, parts.now() - firstAttemptMs, end.event);
      const delayMs = isLast ? 0 : delayAfter(options, attemptIndex);
      parts.timer(parts.now() + delayMs).whenSettled(() => {
        if (isLast) whole.settle(end);
        else run(attemptIndex + 1);
      });
    });
  };
  run(0);
  return whole;
}

function checkTimeout(options: RetryOptions, elapsedMs: number, event: FailedEvent): void {
  const timeoutMs = options.retryTimeoutInMilliseconds;
  if (timeoutMs === undefined || elapsedMs < timeoutMs) return;
  // durable-functions knows no retry time-out and would wait for ever for the next attempt's timer (its issue 629).
  throw new Contradiction(`${event.Reason} (the retry time-out of ${timeoutMs} ms has passed)`);
}

/** The longest pause when none is named (RetryOptions of the extension). */
const intervalMsMaxDefault = 6 * 24 * 3_600_000;

function delayAfter(options: RetryOptions, attemptIndex: number): number {
  const delayMs = options.firstRetryIntervalInMilliseconds * (options.backoffCoefficient ?? 1) ** attemptIndex;
  return Math.floor(Math.min(delayMs, options.maxRetryIntervalInMilliseconds ?? intervalMsMaxDefault));
}
