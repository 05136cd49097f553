/** Blocks that one operation puts or gets side by side: what is on its way is at most so many times a block and its sealed copy. */
export const blocksSideBySide = 8;
/** A segment of a manifest ends with the chunk that brings it to so many frames. */
export const segmentFrames = 512;
/**
 * So many segments have the shortest time, those after them more, up to so many times as much: a manifest is read from its beginning whenever a
 * copy goes on.
 */
const [quickSegments, segmentTimesMax] = [60, 60];
/** Segments that wait until all their blocks are stored. */
export const segmentsWaitingMax = 3;

/** The times of the staged route, in milliseconds. Tests shorten them. */
export type StagedPace = {
  /** How long storage may be away before the operation is given up. */
  readonly awayMsMax: number;
  readonly againMsMin: number;
  readonly againMsMax: number;
  /** How long an operation waits for access that ended to be renewed. As `sourceMsMax`. */
  readonly accessMsMax: number;
  /** A segment is written after this time, however little is in it; see `segmentMsOf`. */
  readonly segmentMs: number;
  /** How often a destination looks for the next segment. */
  readonly lookMs: number;
  /**
   * How long a destination waits for it. The patience of the phase rules (functions/saga/patience.ts): the attempt ends long before that does,
   * since only the next one stages again what storage lost. Even at the least bandwidth a source stages more in this time.
   */
  readonly sourceMsMax: number;
  readonly flushMsMax: number;
  readonly reportMs: number;
};

export const stagedPace: StagedPace = {
  awayMsMax: 60_000,
  againMsMin: 200,
  againMsMax: 5_000,
  accessMsMax: 4 * 60_000,
  segmentMs: 1_000,
  lookMs: 500,
  sourceMsMax: 4 * 60_000,
  flushMsMax: 250,
  reportMs: 500,
};

/** How long the segment of this number takes in what comes, in milliseconds. A copy of ten hours has some 2000, one of thirty some 3600. */
export const segmentMsOf = ({ segmentMs }: StagedPace, number: number): number =>
  segmentMs * Math.min(segmentTimesMax, Math.max(1, number / quickSegments));
