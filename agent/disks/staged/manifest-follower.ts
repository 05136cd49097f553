import { failureOf } from '../../../contracts/failure';
import type { Clock } from '../../clock';
import { StagingError } from './block-store';
import type { StagedPace } from './limits';
import type { Segment } from './manifest';
import type { ManifestReader } from './manifest-reader';

export type FollowerOptions = {
  readonly reader: ManifestReader;
  readonly clock: Clock;
  readonly pace: StagedPace;
  readonly signal: AbortSignal;
  /** What it waits for; null when it goes on. */
  readonly onWait: (reason: string | null) => void;
};

/**
 * The next segment, waited for when the source is not that far yet. Throws `StagingError`: `StagedContentMissing` when a later one is there,
 * `PeerUnreachable` when none has come for too long, `CanceledByOperator`.
 */
export async function followedSegment({ reader, clock, pace, signal, onWait }: FollowerOptions): Promise<Segment> {
  const sinceMs = clock.now();
  for (;;) {
    const segment = await nextOf(reader);
    if (segment !== undefined) {
      onWait(null);
      return segment;
    }
    const missing = `segment ${reader.number} of the manifest`;
    if (clock.now() - sinceMs > pace.sourceMsMax) {
      const message = `the source has staged nothing for ${Math.round(pace.sourceMsMax / 1000)} s: there is no ${missing}`;
      const remedy =
        'Look what the operation that stages at the source waits for. The next attempt stages what is missing.';
      throw new StagingError(failureOf('PeerUnreachable', { message, remedy }));
    }
    onWait(`the source to stage more, since ${new Date(sinceMs).toISOString()}`);
    await clock.sleep(pace.lookMs, signal);
    if (signal.aborted)
      throw new StagingError(failureOf('CanceledByOperator', { message: 'the staged copy was canceled' }));
  }
}

/** The source writes them in order: one that is not there although a later one is was lost. */
async function nextOf(reader: ManifestReader): Promise<Segment | undefined> {
  const segment = await reader.next();
  if (segment !== undefined || !(await reader.isThereAfterNext())) return segment;
  const writtenMeanwhile = await reader.next();
  if (writtenMeanwhile !== undefined) return writtenMeanwhile;
  const message = `segment ${reader.number} of the manifest is not in the staging container, though a later one is`;
  throw new StagingError(failureOf('StagedContentMissing', { message }));
}
