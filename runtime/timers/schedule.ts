import { timeSpanMs } from '../host/time-span';
import { NcrontabError, parseNcrontab } from './ncrontab';

/** When a timer function runs: the first time after `afterMs`, in UTC; undefined when there is none. */
export type Schedule = { next(afterMs: number): number | undefined };

/** Reads an NCRONTAB expression of five or six fields, or a TimeSpan such as `00:05:00`. Throws `NcrontabError`. */
export function parseSchedule(text: string): Schedule {
  const intervalMs = /\s/.test(text.trim()) ? undefined : timeSpanMs(text.trim());
  if (intervalMs === undefined) return parseNcrontab(text);
  if (intervalMs <= 0) throw new NcrontabError(`"${text}" is no time to wait`);
  return { next: (afterMs) => afterMs + intervalMs };
}
