import { z } from 'zod';

/** How fast a run may copy, by the time of day where the hosts are. */

export const weekdays = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;
export type Weekday = (typeof weekdays)[number];

/** Less than this, in bytes a second, is no copy any more. */
export const bandwidthBytesPerSecondMin = 64 * 1024;

const timeOfDay = z.string().regex(/^(?:[01]\d|2[0-3]):[0-5]\d$/, 'a time of day is HH:MM, from 00:00 to 23:59');

function isTimeZone(name: string): boolean {
  try {
    formatterOf(name);
    return true;
  } catch {
    return false;
  }
}

const bandwidthWindow = z.strictObject({
  /** Days on which it begins. */
  days: z
    .array(z.enum(weekdays))
    .min(1)
    .max(weekdays.length)
    .default([...weekdays]),
  from: timeOfDay,
  /** At or before `from`: on the next day. */
  to: timeOfDay,
  /** Null is no limit. */
  bytesPerSecondMax: z.int().min(bandwidthBytesPerSecondMin).nullable(),
});
export type BandwidthWindow = z.infer<typeof bandwidthWindow>;

/** Hours with a limit of their own; the first window that it is in counts, and outside of all the limit of the run. */
export const bandwidthHours = z.strictObject({
  timeZone: z
    .string()
    .max(100)
    .refine(isTimeZone, 'it is no time zone of the IANA database, such as Europe/Berlin or UTC'),
  windows: z.array(bandwidthWindow).min(1).max(50),
});
export type BandwidthHours = z.infer<typeof bandwidthHours>;

export type BandwidthLimit = {
  /** Outside of all windows; null is no limit. */
  readonly bytesPerSecondMax: number | null;
  readonly hours: BandwidthHours | null;
};

/** The limit in bytes a second at a moment (milliseconds since 1970); null is no limit. */
export function limitAt({ bytesPerSecondMax, hours }: BandwidthLimit, atMs: number): number | null {
  if (hours === null) return bytesPerSecondMax;
  const { day, minute } = localTime(hours.timeZone, atMs);
  const window = hours.windows.find((one) => isWithin(one, day, minute));
  return window === undefined ? bytesPerSecondMax : window.bytesPerSecondMax;
}

/** The most that is allowed at any hour; null is no limit. */
export const widestLimit = (limit: BandwidthLimit): number | null =>
  limitsOf(limit).reduce((most, one) => (most === null || one === null ? null : Math.max(most, one)));

/** The least that is allowed at any hour; null is no limit at all. */
export const narrowestLimit = (limit: BandwidthLimit): number | null =>
  limitsOf(limit).reduce((least, one) => (one === null ? least : Math.min(least ?? one, one)));

const limitsOf = ({ bytesPerSecondMax, hours }: BandwidthLimit): (number | null)[] => [
  bytesPerSecondMax,
  ...(hours?.windows ?? []).map((window) => window.bytesPerSecondMax),
];

function isWithin({ days, from, to }: BandwidthWindow, day: Weekday, minute: number): boolean {
  const [begin, end] = [minuteOf(from), minuteOf(to)];
  if (begin < end) return days.includes(day) && minute >= begin && minute < end;
  return (days.includes(day) && minute >= begin) || (days.includes(dayBefore(day)) && minute < end);
}

const minuteOf = (time: string): number => Number(time.slice(0, 2)) * 60 + Number(time.slice(3));

const dayBefore = (day: Weekday): Weekday => weekdays.at(weekdays.indexOf(day) - 1) ?? day;

const formatters = new Map<string, Intl.DateTimeFormat>();

function formatterOf(timeZone: string): Intl.DateTimeFormat {
  // In any spelling of it: the names of time zones do not tell capitals apart, and who sends them is not known.
  const key = timeZone.toLowerCase();
  let formatter = formatters.get(key);
  if (formatter === undefined) {
    const parts = { weekday: 'short', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' } as const;
    formatter = new Intl.DateTimeFormat('en-GB', { ...parts, timeZone });
    formatters.set(key, formatter);
  }
  return formatter;
}

function localTime(timeZone: string, atMs: number): { readonly day: Weekday; readonly minute: number } {
  const parts = new Map(
    formatterOf(timeZone)
      .formatToParts(atMs)
      .map(({ type, value }) => [type, value]),
  );
  const day = z.enum(weekdays).parse(parts.get('weekday')?.toLowerCase());
  return { day, minute: Number(parts.get('hour')) * 60 + Number(parts.get('minute')) };
}
