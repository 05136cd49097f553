import { reading, Unreadable, type Reading } from '../host/reading';
import { timeSpanMs } from '../host/time-span';
import { parseNcrontab } from './ncrontab';

/** When a timer function runs: the first time after `afterMs`, in UTC; undefined when there is none. */
export type Schedule = { next(afterMs: number): number | undefined };

/** Reads an NCRONTAB expression of five or six fields, or a TimeSpan such as `00:05:00`. */
export function parseSchedule(text: string): Reading<Schedule> {
  return reading(() => {
    const intervalMs = /\s/.test(text.trim()) ? undefined : timeSpanMs(text.trim());
    if (intervalMs === undefined) return parseNcrontab(text);
    if (intervalMs <= 0) throw new Unreadable(`"${text}" is no time to wait`);
    return { next: (afterMs) => afterMs + intervalMs };
  });
}
