import type { BlobFate } from '../platform/blobs';
import type { FaultKind, FaultSetting } from './fault';

/** Less than what a run does after the start of its VM takes. */
const lookMs = 30;

function atNthCommit(
  nth: number,
  { site }: FaultSetting,
  fate: 'dies-before' | 'dies-after',
  strike: () => void,
): void {
  let left = nth;
  const { commitFaults } = site.cloud;
  const fault = (): 'done' | typeof fate => {
    if (--left > 0) return 'done';
    commitFaults.delete(fault);
    strike();
    return fate;
  };
  commitFaults.add(fault);
}

export const cloudFaults: readonly FaultKind[] = [
  {
    name: 'cloud-killed-before-a-commit',
    weight: 3,
    forMs: [0, 0],
    strike: ({ nth }, setting) =>
      atNthCommit(1 + (nth % 40), setting, 'dies-before', () => setting.mark('the runtime killed before a commit')),
  },
  {
    name: 'cloud-killed-after-a-commit',
    weight: 3,
    forMs: [0, 0],
    strike: ({ nth }, setting) =>
      atNthCommit(1 + (nth % 40), setting, 'dies-after', () => setting.mark('the runtime killed after a commit')),
  },
  {
    name: 'cloud-killed',
    weight: 1,
    forMs: [1_000, 120_000],
    strike: ({ forMs }, { site, mark }) => {
      mark('the runtime killed');
      site.cloud.kill(forMs);
    },
  },
  {
    name: 'storage-refuses',
    weight: 3,
    forMs: [1_000, 90_000],
    strike: ({ forMs, share }, { site, draw, mark }) => {
      const { blobFaults } = site.cloud;
      const fates: readonly BlobFate[] = ['busy', 'busy-after', 'changed-after'];
      const fault = (): BlobFate => {
        if (draw.fraction() > 0.2 + share * 0.8) return 'done';
        const fate = draw.pick(fates);
        mark(fate === 'changed-after' ? 'storage answered 412' : 'storage answered 503');
        return fate;
      };
      blobFaults.add(fault);
      site.loop.schedule(forMs, () => blobFaults.delete(fault));
    },
  },
  {
    name: 'cancel',
    weight: 4,
    forMs: [0, 0],
    strike: ({ move }, { cancel }) => cancel(move),
  },
  {
    name: 'cancel-after-the-start',
    weight: 2,
    forMs: [60_000, 200_000],
    // At a time that is drawn a cancel hardly ever comes so late.
    strike: ({ move, forMs }, { site, cancel, hasMoved }) => {
      const untilMs = site.loop.nowMs + forMs;
      const look = (): void => {
        if (hasMoved(move)) cancel(move);
        else if (site.loop.nowMs < untilMs) site.loop.schedule(lookMs, look);
      };
      look();
    },
  },
];
