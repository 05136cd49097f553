import { mib } from '../bytes/images';
import { tableOf } from '../table';
import type { LinesResult } from './index';

/** The result for people. */
export function describeLines({ dataBytes, bytesPerSecondEach, repetitions, lines, missing }: LinesResult): string {
  const own = lines[0]?.seconds.median ?? Number.NaN;
  const share = bytesPerSecondEach / mib;
  return [
    `${dataBytes / mib} MiB of random data over a line that gives each connection ${share} MiB/s, ${repetitions} rounds in turn`,
    tableOf(
      ['copy', 'seconds, median (spread)', 'MiB/s', 'as fast as one stream'],
      lines.map(({ name, seconds: { median, min, max } }) => [
        name,
        `${median.toFixed(2)} (${min.toFixed(2)} to ${max.toFixed(2)})`,
        (dataBytes / mib / median).toFixed(0),
        (own / median).toFixed(2),
      ]),
    ),
    ...missing.map((what) => `missing: ${what}`),
  ].join('\n');
}
