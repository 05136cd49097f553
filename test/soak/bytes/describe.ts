import { mib } from '../../../agent/disks/route/testing/hosts';
import { spreadOf } from '../../../bench/statistics';
import { tableOf } from '../../../bench/table';
import { resentBytesMax } from '../../../contracts/limits';
import type { End } from './killed-copy';
import type { SoakResult } from './soak';

const ends: readonly End[] = ['source', 'destination'];
const mebibytes = (bytes: number): string => `${(bytes / mib).toFixed(1)} MiB`;

/** The result for people. */
export function describeSoak({ seed, judges, copies, wrong }: SoakResult): string {
  const kills = copies.flatMap((copy) => copy.kills);
  const rows = ends.map((end) => {
    const sentAgain = kills.filter((kill) => kill.end === end).map((kill) => kill.sentAgainBytes);
    if (sentAgain.length === 0) return [end, '0', '', ''];
    const { median, max } = spreadOf(sentAgain);
    return [end, String(sentAgain.length), mebibytes(median), mebibytes(max)];
  });
  const dataBytes = copies.reduce((sum, copy) => sum + copy.dataBytes, 0);
  return [
    tableOf(['killed with kill -9', 'kills', 'sent again, median', 'most'], rows),
    `seed ${seed}: ${copies.length} disks, ${mebibytes(dataBytes)} of data, ${kills.length} kills; at most ${mebibytes(resentBytesMax)} may be sent again for one`,
    `each copy compared with its source by ${judges.join(' and ')}: ${wrong.length === 0 ? 'all the same' : 'NOT all well'}`,
    ...wrong.map((it) => `WRONG ${it}`),
  ].join('\n');
}
