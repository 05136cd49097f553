/** Blocks that one operation puts or gets side by side: what is on its way is at most so many times a block and its sealed copy. */
export const blocksSideBySide = 8;
/** A segment of a manifest ends with the chunk that brings it to so many frames. */
export const segmentFrames = 512;
/** Segments that wait until all their blocks are stored. */
export const segmentsWaitingMax = 3;

/** The times of the staged route, in milliseconds. Tests shorten them. */
export type StagedPace = {
  /** How long storage may be away before the operation is given up. */
  readonly awayMsMax: number;
  readonly againMsMin: number;
  readonly againMsMax: number;
  /** How long an operation waits for access that ended to be renewed. */
  readonly accessMsMax: number;
  /** A segment is written after this time, however little is in it. */
  readonly segmentMs: number;
  /** How often a destination looks for the next segment, and how long it waits for one. */
  readonly lookMs: number;
  readonly sourceMsMax: number;
  readonly flushMsMax: number;
  readonly reportMs: number;
};

export const stagedPace: StagedPace = {
  awayMsMax: 60_000,
  againMsMin: 200,
  againMsMax: 5_000,
  accessMsMax: 10 * 60_000,
  segmentMs: 1_000,
  lookMs: 500,
  sourceMsMax: 15 * 60_000,
  flushMsMax: 250,
  reportMs: 500,
};
