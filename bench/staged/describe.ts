import { mib } from '../bytes/images';
import { spreadOf } from '../statistics';
import { tableOf } from '../table';
import type { StagedBench } from './index';

const goals = { storedRatioMax: 1.15, rssMibMax: 256 };

const inMib = (bytes: number): string => (bytes / mib).toFixed(0);

/** The result for people. Azurite stands in for Blob Storage, so the times are those of Azurite before all. */
export function describeStaged({ diskBytes, ownBytes, disks, storedBytes, peakRssBytes }: StagedBench): string {
  const [first, ...others] = disks;
  // Each disk has its own part at another place, so the base image is there whole among the others.
  const distinctBytes = diskBytes + disks.length * ownBytes;
  const putBytes = disks.reduce((sum, disk) => sum + disk.putBytes, 0);
  const seconds = (of: readonly number[]): string => (of.length === 0 ? '' : `${spreadOf(of).median.toFixed(2)} s`);
  const rows = [
    [
      `${disks.length} disks of ${inMib(diskBytes)} MiB with one base image and ${inMib(ownBytes)} MiB of their own: stored, of one disk`,
      (storedBytes / diskBytes).toFixed(3),
      `at most ${goals.storedRatioMax}`,
    ],
    ['put, of the distinct blocks', (putBytes / distinctBytes).toFixed(3), '1: each distinct block once'],
    ['the first disk: staged', seconds(first === undefined ? [] : [first.stageSeconds]), ''],
    ['the others: staged, median', seconds(others.map((disk) => disk.stageSeconds)), ''],
    ['copied from storage, median', seconds(disks.map((disk) => disk.fetchSeconds)), ''],
    [
      'peak memory',
      `source ${inMib(peakRssBytes.source)} MiB, destination ${inMib(peakRssBytes.destination)} MiB`,
      `at most ${goals.rssMibMax} MiB each`,
    ],
  ];
  return tableOf(['staged, through Azurite', 'measured', 'goal'], rows);
}
