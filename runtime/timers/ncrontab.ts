import { Unreadable } from '../host/reading';

/** A field of an expression: its name, its bounds, and names for its values. */
type Field = { readonly name: string; readonly min: number; readonly max: number; readonly names: readonly string[] };

const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const days = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];

const fields = {
  second: { name: 'second', min: 0, max: 59, names: [] },
  minute: { name: 'minute', min: 0, max: 59, names: [] },
  hour: { name: 'hour', min: 0, max: 23, names: [] },
  day: { name: 'day', min: 1, max: 31, names: [] },
  month: { name: 'month', min: 1, max: 12, names: months },
  weekday: { name: 'day of the week', min: 0, max: 6, names: days },
} as const satisfies Record<string, Field>;

/** The values that a field allows. */
type Allowed = ReadonlySet<number>;

export type Ncrontab = {
  /** The first time after `afterMs` (UTC) that fits; undefined when none comes within eight years. */
  next(afterMs: number): number | undefined;
};

/**
 * Reads an NCRONTAB expression: second, minute, hour, day, month, day of the week (five fields begin with the minute).
 * Each is `*`, a value, a range `a-b`, a step `x/n`, or a list of those with commas; months and days may be named.
 * Day and day of the week must both fit. Throws `Unreadable`.
 */
export function parseNcrontab(text: string): Ncrontab {
  const parts = text.trim().split(/\s+/);
  const [second, minute, hour, day, month, weekday] = parts.length === 5 ? ['0', ...parts] : parts;
  if (parts.length < 5 || parts.length > 6 || weekday === undefined) {
    throw new Unreadable(`"${text}" has ${parts.length} fields, not six`);
  }
  const allowed = {
    second: parseField(second, fields.second),
    minute: parseField(minute, fields.minute),
    hour: parseField(hour, fields.hour),
    day: parseField(day, fields.day),
    month: parseField(month, fields.month),
    weekday: parseField(weekday, fields.weekday),
  };
  return { next: (afterMs) => nextTime(allowed, afterMs) };
}

function parseField(text = '', field: Field): Allowed {
  const allowed = new Set<number>();
  for (const part of text.split(',')) addPart(part, field, allowed);
  return allowed;
}

function addPart(part: string, field: Field, allowed: Set<number>): void {
  const [range = '', stepText, ...rest] = part.split('/');
  const step = stepText === undefined ? 1 : Number(stepText);
  if (rest.length > 0 || !Number.isInteger(step) || step < 1) throw wrong(part, field);
  const [from, to] = bounds(range, field, stepText !== undefined);
  if (from > to) throw wrong(part, field);
  for (let value = from; value <= to; value += step) allowed.add(value);
}

/** A single value with a step goes on to the end of the field. */
function bounds(range: string, field: Field, hasStep: boolean): readonly [number, number] {
  if (range === '*' || range === '?') return [field.min, field.max];
  const [first = '', last, ...rest] = range.split('-');
  if (rest.length > 0) throw wrong(range, field);
  const from = valueOf(first, field);
  if (last !== undefined) return [from, valueOf(last, field)];
  return [from, hasStep ? field.max : from];
}

function valueOf(text: string, field: Field): number {
  const named = field.names.indexOf(text.toLowerCase().slice(0, 3));
  const isName = /^[a-z]{3,}$/i.test(text) && named >= 0;
  const value = isName ? named + field.min : /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isNaN(value) || value < field.min || value > field.max) throw wrong(text, field);
  return value;
}

const wrong = (text: string, field: Field): Unreadable =>
  new Unreadable(`"${text}" is no ${field.name} (${field.min} to ${field.max})`);

type AllowedFields = Readonly<Record<keyof typeof fields, Allowed>>;

const searchMsMax = 8 * 366 * 24 * 3_600_000;
const secondMs = 1000;
const minuteMs = 60 * secondMs;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;

/** Leaps over the largest unit that does not fit, until all do. */
function nextTime(allowed: AllowedFields, afterMs: number): number | undefined {
  let atMs = floorTo(afterMs, secondMs) + secondMs;
  while (atMs - afterMs <= searchMsMax) {
    const at = new Date(atMs);
    if (!allowed.month.has(at.getUTCMonth() + 1)) atMs = Date.UTC(at.getUTCFullYear(), at.getUTCMonth() + 1, 1);
    else if (!allowed.day.has(at.getUTCDate()) || !allowed.weekday.has(at.getUTCDay()))
      atMs = floorTo(atMs, dayMs) + dayMs;
    else if (!allowed.hour.has(at.getUTCHours())) atMs = floorTo(atMs, hourMs) + hourMs;
    else if (!allowed.minute.has(at.getUTCMinutes())) atMs = floorTo(atMs, minuteMs) + minuteMs;
    else if (!allowed.second.has(at.getUTCSeconds())) atMs += secondMs;
    else return atMs;
  }
  return undefined;
}

const floorTo = (ms: number, unitMs: number): number => Math.floor(ms / unitMs) * unitMs;
