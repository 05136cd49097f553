import type { Spread } from '../statistics';
import { tableOf } from '../table';
import type { BytesResult, Comparison } from './index';
import { mib } from './images';

const rssBytesMax = 256 * mib;

const spread = ({ median, min, max }: Spread): string =>
  `${median.toFixed(2)} (${min.toFixed(2)} to ${max.toFixed(2)})`;

function describeComparison({ plan, dataBytes, lines, missing, peakRssBytes, wireByData }: Comparison): string {
  const table = tableOf(
    ['copy', 'seconds, median (spread)', 'MiB/s', 'its time by ours (spread)', 'processor s a GiB', 'promises'],
    lines.map(({ name, promises, seconds, mibPerSecond, byteRouteIsFasterBy, processorSecondsPerGiB }, index) => [
      name,
      spread(seconds),
      mibPerSecond.toFixed(0),
      index === 0 ? '1' : spread(byteRouteIsFasterBy),
      processorSecondsPerGiB === undefined
        ? ''
        : `${processorSecondsPerGiB.source.toFixed(2)} + ${processorSecondsPerGiB.destination.toFixed(2)}`,
      promises,
    ]),
  );
  const memory = (['source', 'destination'] as const).map((end) => {
    const bytes = peakRssBytes[end];
    return `${end} ${(bytes / mib).toFixed(0)} MiB${bytes > rssBytesMax ? `, more than the ${rssBytesMax / mib} MiB it should take` : ''}`;
  });
  return [
    `full copy of a ${plan.kind} VHDX of ${plan.virtualSizeBytes / mib} MiB with ${dataBytes / mib} MiB of random data`,
    table,
    ...missing.map((what) => `missing: ${what}`),
    `the byte route on the wire: ${wireByData.toFixed(4)} of the data; peak memory: ${memory.join('; ')}`,
  ].join('\n');
}

/** The result for people. */
export const describeBytes = ({ repetitions, full, sparse }: BytesResult): string =>
  [
    `${repetitions} rounds in turn; above 1, the byte route is faster; processor seconds for a GiB of data, source + destination`,
    describeComparison(full),
    '',
    describeComparison(sparse),
  ].join('\n');
