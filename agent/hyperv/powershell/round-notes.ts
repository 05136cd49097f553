import { z } from 'zod';
import { diskId } from '../../../contracts/ids';

const round = z.int().nonnegative();

/** A moment from which on changes are known. The copy of each disk stands at the last one that has ended. */
const point = z.object({
  round,
  /** The reference point that Hyper-V keeps of it; null where there is none (yet), or where differencing disks tell what changed. */
  referencePointId: z.string().nullable(),
  disks: z.array(
    z.object({
      diskId,
      /** The image that the round reads. */
      imagePath: z.string(),
      /** Images below that one. */
      depth: z.int().nonnegative(),
      /** What Hyper-V is asked with for the changes since; null where that is not known, so that all of the disk counts as changed. */
      trackingId: z.string().max(200).nullable(),
      contentId: z.guid(),
    }),
  ),
});
export type RoundPoint = z.infer<typeof point>;

/** Rounds of pre-copy of a run. Everything that Hyper-V is about to make is noted first, so that it is found again and never made twice. */
export const roundNotes = z.object({
  tracking: z.enum(['change-tracking', 'differencing']),
  /** A recovery checkpoint that is being made: it is the one that was not there before. */
  taking: z.object({ round, before: z.array(z.guid()) }).nullable(),
  /** The recovery checkpoint that keeps the content of the round under way. */
  held: z.object({ round, checkpointId: z.guid() }).nullable(),
  /** That recovery checkpoint is being made a reference point: it is the one that was not there before. */
  converting: z.object({ before: z.array(z.string()) }).nullable(),
  /** Oldest first. */
  points: z.array(point),
  /** The last image of each disk that the first pass copies; the rounds change its copy. */
  copied: z.array(z.object({ diskId, path: z.string() })),
});
export type RoundNotes = z.infer<typeof roundNotes>;

export const noRounds = (tracking: RoundNotes['tracking']): RoundNotes => ({
  tracking,
  taking: null,
  held: null,
  converting: null,
  points: [],
  copied: [],
});

export const pointOf = (notes: RoundNotes | null, of: number): RoundPoint | undefined =>
  notes?.points.find((one) => one.round === of);
export const lastPoint = (notes: RoundNotes | null): RoundPoint | undefined => notes?.points.at(-1);
