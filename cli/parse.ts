import type { z } from 'zod';
import { weekdays, type BandwidthWindow, type Weekday } from '../contracts/bandwidth';
import { fieldIssues, issuesText } from '../contracts/issues';
import { bad, good, type Result } from './context';
import { badInput } from './failure';

/** A value of the command line by a schema of the contracts; the failure names the field and the value. */
export function parseField<S extends z.ZodType>(schema: S, value: unknown, field: string): Result<z.output<S>> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return good(parsed.data);
  const issues = fieldIssues(parsed.error).map(({ path, message }) => ({ field: [field, ...path].join('.'), message }));
  const [first, ...rest] = issues;
  return bad(
    badInput(`${first?.field ?? field} is wrong`, {
      field: first?.field ?? field,
      detail: issuesText([first?.message ?? '', ...rest.map((issue) => `${issue.field}: ${issue.message}`)]),
      ...(typeof value === 'string' ? { value } : {}),
    }),
  );
}

const byteUnits: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  k: 1024,
  kib: 1024,
  kb: 1000,
  m: 1024 ** 2,
  mib: 1024 ** 2,
  mb: 1000 ** 2,
  g: 1024 ** 3,
  gib: 1024 ** 3,
  gb: 1000 ** 3,
  t: 1024 ** 4,
  tib: 1024 ** 4,
  tb: 1000 ** 4,
};

/** `100MiB/s`, `100m`, `1.5 GiB` or plain bytes, as bytes; undefined when it is none of these. KiB is 1024 bytes, kB is 1000. */
export function parseBytes(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*([a-z]*)(?:\/s)?$/i.exec(text.trim());
  const unit = byteUnits[match?.[2]?.toLowerCase() ?? '?'];
  if (match === null || unit === undefined) return undefined;
  const bytes = Math.round(Number(match[1]) * unit);
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

const timeUnits: Readonly<Record<string, number>> = { ms: 1, s: 1000, '': 1000, m: 60_000, min: 60_000, h: 3_600_000 };

/** `90`, `90s`, `5m`, `1h` or `250ms`, as milliseconds; undefined when it is none of these. */
export function parseDurationMs(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*([a-z]*)$/i.exec(text.trim());
  const unit = timeUnits[match?.[2]?.toLowerCase() ?? '?'];
  return match === null || unit === undefined ? undefined : Math.round(Number(match[1]) * unit);
}

const unlimited = 'unlimited';

/** `mon-fri@08:00-18:00=20MiB/s`, `sat,sun@00:00-00:00=unlimited` or, on all days, `22:00-06:00=1GiB/s`; undefined when it is none of these. */
export function parseBandwidthWindow(text: string): BandwidthWindow | undefined {
  const match = /^(?:([a-z,-]+)@)?(\d\d:\d\d)-(\d\d:\d\d)=(.+)$/i.exec(text.trim());
  if (match === null) return undefined;
  const [, dayText, from = '', to = '', rateText = ''] = match;
  const days = dayText === undefined ? [...weekdays] : parseDays(dayText.toLowerCase());
  const bytesPerSecondMax = rateText.toLowerCase() === unlimited ? null : parseBytes(rateText);
  if (days === undefined || bytesPerSecondMax === undefined) return undefined;
  return { days, from, to, bytesPerSecondMax };
}

/** `mon`, `sat,sun` or `fri-mon`. */
function parseDays(text: string): Weekday[] | undefined {
  const days: Weekday[] = [];
  for (const part of text.split(',')) {
    const [first = -1, last = first, ...more] = part.split('-').map((day) => weekdays.findIndex((one) => one === day));
    if (first < 0 || last < 0 || more.length > 0) return undefined;
    for (let n = first; ; n = (n + 1) % weekdays.length) {
      const day = weekdays[n];
      if (day !== undefined && !days.includes(day)) days.push(day);
      if (n === last) break;
    }
  }
  return days;
}

/** The time zone of this machine, as the IANA database names it. */
export const ownTimeZone = (): string => Intl.DateTimeFormat().resolvedOptions().timeZone;
