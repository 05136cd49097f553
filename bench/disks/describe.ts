import { gib, mib } from '../bytes/images';
import type { Spread } from '../statistics';
import { tableOf } from '../table';
import type { DisksResult } from './index';

const goals = { infoSecondsMax: 1, deltaRatioMin: 10, resentMibMax: 64, movingSecondsMax: 5, rssMibMax: 256 };

const spread = ({ median, min, max }: Spread): string =>
  `${median.toFixed(2)} (${min.toFixed(2)} to ${max.toFixed(2)})`;
const inMib = (bytes: number): string => (bytes / mib).toFixed(0);

/** The result for people: what was measured, its goal, and the peer of the same run where there is one. */
export function describeDisks({ info, delta, kills, sparse }: DisksResult): string {
  const rows = [
    ...info.map(({ name, seconds, qemuImg }) => [
      name,
      `${spread(seconds)} s`,
      `under ${goals.infoSecondsMax} s`,
      typeof qemuImg === 'string' ? qemuImg : `qemu-img info ${spread(qemuImg)} s`,
    ]),
    [
      `${inMib(delta.changedBytes)} MiB changed of ${inMib(delta.dataBytes)} MiB, in pieces of 64 KiB, into a copy`,
      `${spread(delta.seconds)} s`,
      `${goals.deltaRatioMin} times as fast`,
      delta.rsync === undefined
        ? 'rsync is not installed'
        : `rsync --inplace ${spread(delta.rsync.seconds)} s, ${spread(delta.rsync.byteRouteIsFasterBy)} times ours`,
    ],
    [
      `the same by a new copy with the older state as a seed: ${(delta.seeded.sentBytes / mib).toFixed(1)} MiB sent`,
      `${spread(delta.seeded.seconds)} s`,
      '',
      delta.rsync === undefined ? 'rsync is not installed' : `${spread(delta.rsync.seedIsFasterBy)} times ours`,
    ],
    ...kills.flatMap(({ end, resentBytes, secondsToMoveAgain }) => [
      [
        `${end} killed at half of a copy: sent again`,
        `${(resentBytes / mib).toFixed(1)} MiB`,
        `at most ${goals.resentMibMax} MiB`,
        '',
      ],
      [
        `${end} killed at half of a copy: moving again`,
        `${secondsToMoveAgain.toFixed(2)} s`,
        `within ${goals.movingSecondsMax} s`,
        '',
      ],
    ]),
    [
      `copy of a disk of ${(sparse.virtualSizeBytes / gib).toFixed(0)} GiB with ${(sparse.dataBytes / gib).toFixed(0)} GiB of data: peak memory`,
      `source ${inMib(sparse.peakRssBytes.source)} MiB, destination ${inMib(sparse.peakRssBytes.destination)} MiB`,
      `at most ${goals.rssMibMax} MiB each`,
      `in ${sparse.seconds.toFixed(1)} s`,
    ],
  ];
  return tableOf(['disks', 'measured, median (spread)', 'goal', 'peer in the same run'], rows);
}
