/** Quantities as a person reads them, always with a unit. */

const binaryUnits = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const;

function scaled(bytes: number, unit: number): string {
  const name = binaryUnits[unit] ?? 'bytes';
  if (unit === 0) return `${bytes} ${name}`;
  const value = bytes / 1024 ** unit;
  return `${value.toFixed(value >= 100 ? 0 : 1)} ${name}`;
}

function unitOf(bytes: number): number {
  const unit = bytes < 1 ? 0 : Math.floor(Math.log2(bytes) / 10);
  return Math.min(unit, binaryUnits.length - 1);
}

/** `1536` is `1.5 KiB`. */
export const formatBytes = (bytes: number): string => scaled(Math.round(bytes), unitOf(Math.round(bytes)));

/** `271 MiB of 600 MiB`: both in the unit of the total, so that the eye can compare them. */
export function formatBytesOf(done: number, total: number): string {
  const unit = unitOf(total);
  return unit === 0 ? `${done} of ${total} bytes` : `${scaled(done, unit)} of ${scaled(total, unit)}`;
}

export const formatRate = (bytesPerSecond: number): string => `${formatBytes(bytesPerSecond)}/s`;

/** `42 s`, `3 min 05 s`, `2 h 04 min`, `3 d 02 h`. */
export function formatSeconds(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const two = (value: number): string => String(value).padStart(2, '0');
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${two(whole % 60)} s`;
  if (whole < 86_400) return `${Math.floor(whole / 3600)} h ${two(Math.floor((whole % 3600) / 60))} min`;
  return `${Math.floor(whole / 86_400)} d ${two(Math.floor((whole % 86_400) / 3600))} h`;
}

/** Below ten seconds a person wants the tenths: `350 ms`, `2.4 s`, then as `formatSeconds`. */
export function formatMs(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  return ms < 9950 ? `${(ms / 1000).toFixed(1)} s` : formatSeconds(ms / 1000);
}

/** `45.2 %`; nothing to do counts as all done. Never 100 % before it is. */
export function formatPercent(done: number, total: number): string {
  if (total <= 0 || done >= total) return '100 %';
  return `${Math.min(99.9, Math.floor((done / total) * 1000) / 10).toFixed(1)} %`;
}

/** `14:03:59` in the time zone of the machine. */
export const formatTimeOfDay = (ms: number): string => new Date(ms).toTimeString().slice(0, 8);
