import { blockBytesMax, resentBytesMax } from '../../../contracts/limits';

/** A control message of the source: facts (with a parent's paths), a refusal, the end. */
export const sourceMessageBytesMax = 256 * 1024;
/** A control message of the destination. Small, since it is read before anything is known of who sent it. */
export const destinationMessageBytesMax = 16 * 1024;
/** A zero frame covers at most this much; it is cut at offsets that are multiples of it. */
export const zeroFrameBytesMax = 1024 * 1024 * 1024;
/** After this much of a disk without a frame, the source says how far it has come. */
export const skipFrameBytesMin = 64 * 1024 * 1024;

/** What one data frame of this source carries at most. Each frame has a price of its own (docs/decisions/0019). */
export const dataFrameBytes = blockBytesMax;
/** So much data is read, sealed and sent together at most: what JavaScript costs, it costs for each batch (docs/decisions/0019). */
export const batchDataBytesMax = 2 * dataFrameBytes;
/** Blocks that follow each other are joined up to this length for one write. */
export const writeBytesMax = 4 * 1024 * 1024;

/** Bytes of content that the source sends ahead of the destination's durable watermark, over a line without delay. */
export const windowBytesNear = 48 * 1024 * 1024;
export const windowBytesMin = 2 * blockBytesMax;
/** Below `resentBytesMax` by one frame, so that a kill never costs more than the promise. */
export const windowBytesMax = resentBytesMax - blockBytesMax;

/** Of a delay there and back, less is what a handshake takes of the processors, and no distance. */
const nearMs = 10;
/** What a line at the full speed of an agent holds for each millisecond of delay. */
const windowBytesPerMs = 1024 * 1024;

/**
 * The window for a line that takes so long there and back: what is on its way counts too, so on a far line more has to be, or it stands still until
 * a watermark has come back. Over a near one less is sent again after a fault (docs/decisions/0019).
 */
export const windowBytesOver = (delayMs: number): number =>
  Math.min(windowBytesMax, windowBytesNear + windowBytesPerMs * Math.max(0, Math.round(delayMs) - nearMs));

/** A largest disk of the VHDX format (MS-VHDX 2.6.2.1). */
export const contentBytesMax = 64 * 1024 ** 4;

/** Transfers that one source serves at a time. */
export const transfersMax = 64;
/** TCP connections that carry the content of one transfer, its own among them. */
export const streamsMax = 8;

/** How many streams a destination opens. */
export type StreamsWanted = {
  readonly max: number;
  /** Content for each, so that what is little comes over one. */
  readonly bytesEachMin: number;
};
export const streamsDefault: StreamsWanted = { max: 4, bytesEachMin: 16 * 1024 * 1024 };

/** Connections of the listener, those included that have not shown a ticket yet. */
export const connectionsMax = transfersMax * streamsMax + 64;
/**
 * What came waits for what should have come before it at most so many times as long as a peer may be silent. A slow line that several
 * streams share takes a while for a record of each.
 */
export const stuckSilences = 3;

/** The times of the byte route, in milliseconds. Tests shorten them. */
export type RoutePace = {
  /** For the TLS handshake, and again for the first message of the peer. */
  readonly helloMsMax: number;
  /** A peer from which nothing comes for so long is gone. */
  readonly silenceMsMax: number;
  /** Who has nothing to send for so long says that it is alive. */
  readonly aliveMs: number;
  /** How long the destination goes on connecting without any progress. */
  readonly unreachableMsMax: number;
  readonly reconnectMsMin: number;
  readonly reconnectMsMax: number;
  /** Content that is not durable yet is made so after this time at the latest. */
  readonly flushMsMax: number;
  /** How often the destination reports. */
  readonly reportMs: number;
};

export const routePace: RoutePace = {
  helloMsMax: 10_000,
  silenceMsMax: 12_000,
  aliveMs: 3_000,
  unreachableMsMax: 20_000,
  reconnectMsMin: 100,
  reconnectMsMax: 2_000,
  flushMsMax: 250,
  reportMs: 500,
};
