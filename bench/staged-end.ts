import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { failed, failureOf } from '../contracts/failure';
import { runId } from '../contracts/ids';
import { pullSubject, stagingAccess } from '../contracts/operations';
import { describeThrown } from '../contracts/failure';
import { systemClock } from '../agent/clock';
import { openSource } from '../agent/disks/route/content-store';
import { routeImages } from '../agent/disks/route/route-images';
import { AccessHolder } from '../agent/disks/staged/access';
import { azureStore } from '../agent/disks/staged/azure-store';
import { BlocksUnderWay } from '../agent/disks/staged/blocks-under-way';
import { fetchContent } from '../agent/disks/staged/fetch';
import { stagingKeysFrom } from '../agent/disks/staged/keys';
import { stagedPace } from '../agent/disks/staged/limits';
import { stageContent } from '../agent/disks/staged/stage';
import { linesIn, peakRssBytes, say, settingsOf } from './route-process';

/** One end of a copy over the staged route as a process of its own: stages an image, or makes a copy of what is staged, and says how it ended. */
export const stagedEndSettings = z.object({
  end: z.enum(['source', 'destination']),
  runId,
  name: z.string(),
  access: stagingAccess,
  batchKeyHex: z.string(),
  /** The image, or the copy. */
  path: z.string(),
  journalPath: z.string(),
  subject: pullSubject,
  bandwidthBytesPerSecondMax: z.int().positive().nullable(),
  ledgerWatermarkBytes: z.int().nonnegative().nullable(),
  /** How long it waits for a source that stages nothing. */
  sourceMsMax: z.int().positive().default(stagedPace.sourceMsMax),
});

async function main(): Promise<void> {
  const { end, access, batchKeyHex, path, sourceMsMax, ...given } = settingsOf(stagedEndSettings);
  const { signal } = new AbortController();
  const images = routeImages();
  const request = {
    ...given,
    keys: stagingKeysFrom(Buffer.from(batchKeyHex, 'hex')),
    access: new AccessHolder(access),
    storeOf: (one: typeof access) => azureStore(one, signal),
    bandwidthHours: null,
    clock: systemClock,
    signal,
    report: (progress: unknown): void => say({ progress }),
    pace: { ...stagedPace, reportMs: 50, lookMs: 50, sourceMsMax },
  };
  const before = process.cpuUsage();
  const outcome = await (end === 'source'
    ? stageContent({
        ...request,
        open: () => openSource(images, { path }, 'image'),
        underWay: new BlocksUnderWay(),
        newNonce: () => randomBytes(12),
      })
    : fetchContent({ ...request, path, images }));
  say({ outcome, peakRssBytes: peakRssBytes(), cpu: process.cpuUsage(before) });
}

if (require.main === module) {
  linesIn();
  main().catch((thrown: unknown) => {
    say({
      outcome: failed(failureOf('Bug', { message: describeThrown(thrown) })),
      peakRssBytes: 0,
      cpu: { user: 0, system: 0 },
    });
  });
}
