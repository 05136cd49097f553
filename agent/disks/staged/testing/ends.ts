import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { systemClock } from '../../../clock';
import { openSource } from '../../route/content-store';
import { run, imageSubject } from '../../route/testing/hosts';
import { routeImages } from '../../route/route-images';
import type { StagingAccess } from '../../../../contracts/operations';
import { AccessHolder } from '../access';
import type { BlockStore } from '../block-store';
import { BlocksUnderWay } from '../blocks-under-way';
import type { FetchRequest } from '../fetch';
import { stagingKeysFrom } from '../keys';
import type { StagedPace } from '../limits';
import type { StagedRequest } from '../request';
import type { StageRequest } from '../stage';

/** A pace that does not make one wait. */
export const quickStagedPace: StagedPace = {
  awayMsMax: 5_000,
  againMsMin: 2,
  againMsMax: 20,
  accessMsMax: 5_000,
  segmentMs: 20,
  lookMs: 5,
  sourceMsMax: 10_000,
  flushMsMax: 20,
  reportMs: 20,
};

export const accessUntil = (expiresAtMs: number): StagingAccess => ({
  containerUrl: 'memory',
  sas: `until-${expiresAtMs}`,
  expiresAtMs,
});

export const batchKey = Buffer.alloc(32, 7);

/** What both ends of a copy have in common in a test. */
const common = (store: BlockStore): StagedRequest => ({
  runId: run,
  name: 'scsi-0-0_0',
  keys: stagingKeysFrom(batchKey),
  access: new AccessHolder(accessUntil(1)),
  storeOf: () => store,
  bandwidthBytesPerSecondMax: null,
  bandwidthHours: null,
  ledgerWatermarkBytes: null,
  clock: systemClock,
  signal: new AbortController().signal,
  report: () => undefined,
  pace: quickStagedPace,
});

/** Stages an image. */
export const stageOf = (store: BlockStore, path: string, changes: Partial<StageRequest> = {}): StageRequest => ({
  ...common(store),
  open: () => openSource(routeImages(), { path }, 'image'),
  underWay: new BlocksUnderWay(),
  newNonce: () => randomBytes(12),
  ...changes,
});

/** Makes a copy of what was staged, as `copy` in a folder. */
export const fetchOf = (store: BlockStore, folder: string, changes: Partial<FetchRequest> = {}): FetchRequest => ({
  ...common(store),
  subject: imageSubject,
  path: join(folder, 'copy'),
  journalPath: join(folder, 'copy.journal'),
  images: routeImages(),
  ...changes,
});
