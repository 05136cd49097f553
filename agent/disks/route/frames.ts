import type { Failure } from '../../../contracts/failure';
import { blockBytesMax } from '../../../contracts/limits';
import { compactHeadBytes, writeCompactHead, type CompactBlock } from './compact';
import { digestBytes, writeUint64 } from './digest';
import { destinationMessageBytesMax, sourceMessageBytesMax } from './limits';
import { toldBytesMax, toldHeadBytes, type ToldDigests } from './seed/told-digests';
import type { EndMessage, FactsMessage, OpenMessage, StartMessage } from './messages';

/**
 * The frames of the byte route, contract 1. Each is: length of the body (u32), kind (u8), body; numbers little-endian.
 *
 * ```
 * destination              source
 * open (ticket)       ->
 *                     <-   facts (what the source serves), or refusal
 * start (from, rate)  ->
 *                     <-   data, compact, zero, skip ... in ascending order
 * watermark ...       ->
 *                     <-   ask ...    (where the destination has a seed)
 * told ...            ->
 *                     <-   end (digest), or refusal
 * watermark (size)    ->
 * ```
 * `alive` is empty and goes either way when there is nothing else to say.
 */
export const frameKinds = {
  /** JSON, `openMessage`. */
  open: 1,
  /** JSON, `factsMessage`. */
  facts: 2,
  /** JSON, `startMessage`. */
  start: 3,
  /** Offset u64, BLAKE3 of the bytes (32), the bytes: 1 to `blockBytesMax`. */
  data: 4,
  /** Offset u64, length u64: reads zero here, whatever a parent holds. */
  zero: 5,
  /** Offset u64 up to which nothing else comes, u64 bytes of extents that were passed over because they are all zero. */
  skip: 6,
  /** Offset u64 up to which the content is durable at the destination. */
  watermark: 7,
  /** JSON, `endMessage`. */
  end: 8,
  /** JSON, a `Failure`. */
  refusal: 9,
  alive: 10,
  /** A block in fewer bytes than its own (`compact.ts`). */
  compact: 11,
  /** Offset u64: wants the digests of the next part of the destination's seed, and of nothing before that offset. */
  ask: 12,
  /** Digests of a part of the seed (`seed/told-digests.ts`). */
  told: 13,
} as const;

export type Frame =
  | { readonly kind: 'open'; readonly message: OpenMessage }
  | { readonly kind: 'facts'; readonly message: FactsMessage }
  | { readonly kind: 'start'; readonly message: StartMessage }
  | { readonly kind: 'data'; readonly offsetBytes: number; readonly digest: Buffer; readonly bytes: Buffer }
  | { readonly kind: 'zero'; readonly offsetBytes: number; readonly lengthBytes: number }
  | { readonly kind: 'skip'; readonly toBytes: number; readonly passedBytes: number }
  | { readonly kind: 'watermark'; readonly atBytes: number }
  | { readonly kind: 'end'; readonly message: EndMessage }
  | { readonly kind: 'refusal'; readonly failure: Failure }
  | { readonly kind: 'alive' }
  | ({ readonly kind: 'compact' } & CompactBlock)
  | { readonly kind: 'ask'; readonly fromBytes: number }
  | ({ readonly kind: 'told' } & ToldDigests);

export type ContentFrame = Extract<Frame, { kind: 'data' | 'compact' | 'zero' | 'skip' }>;

/** Length u32, kind u8. */
export const frameHeadBytes = 5;
/** What stands before the bytes in the body of a data frame. */
export const dataHeadBytes = 8 + digestBytes;
/** What stands before the bytes of a data frame, its head included. */
export const dataFrameHeadBytes = frameHeadBytes + dataHeadBytes;

/** Which frames a peer may send, with the longest body of each in bytes. */
export type Inbound = ReadonlyMap<number, number>;

/** What a source says over TLS. */
export const fromSource: Inbound = new Map([
  [frameKinds.facts, sourceMessageBytesMax],
  [frameKinds.refusal, sourceMessageBytesMax],
  [frameKinds.alive, 0],
  [frameKinds.ask, 8],
]);

/** What stands in its sealed records, one behind the other. */
export const contentFromSource: Inbound = new Map([
  [frameKinds.data, dataHeadBytes + blockBytesMax],
  [frameKinds.compact, compactHeadBytes + blockBytesMax],
  [frameKinds.zero, 16],
  [frameKinds.skip, 16],
  [frameKinds.end, sourceMessageBytesMax],
]);

export const fromDestination: Inbound = new Map([
  [frameKinds.open, destinationMessageBytesMax],
  [frameKinds.start, destinationMessageBytesMax],
  [frameKinds.watermark, 8],
  [frameKinds.alive, 0],
  [frameKinds.told, toldBytesMax],
]);

function frameOf(kind: number, bodyBytes: number): Buffer {
  const frame = Buffer.alloc(frameHeadBytes + bodyBytes);
  frame.writeUInt32LE(bodyBytes, 0);
  frame[4] = kind;
  return frame;
}

const jsonFrame = (kind: number, message: unknown): Buffer => {
  const text = Buffer.from(JSON.stringify(message));
  return Buffer.concat([frameOf(kind, text.length).subarray(0, frameHeadBytes), text]);
};

/** All frames but those whose bytes stand in a buffer already. */
export type PlainFrame = Exclude<Frame, { kind: 'data' | 'compact' }>;

/** A frame as bytes. The head of a data frame is `writeDataHead`'s, that of a compact one `compactHead`'s. */
export function encodeFrame(frame: PlainFrame): Buffer {
  switch (frame.kind) {
    case 'open':
    case 'facts':
    case 'start':
    case 'end':
      return jsonFrame(frameKinds[frame.kind], frame.message);
    case 'refusal':
      return jsonFrame(frameKinds.refusal, frame.failure);
    case 'zero':
      return numbersFrame(frameKinds.zero, [frame.offsetBytes, frame.lengthBytes]);
    case 'skip':
      return numbersFrame(frameKinds.skip, [frame.toBytes, frame.passedBytes]);
    case 'watermark':
      return numbersFrame(frameKinds.watermark, [frame.atBytes]);
    case 'ask':
      return numbersFrame(frameKinds.ask, [frame.fromBytes]);
    case 'told':
      return toldFrame(frame);
    case 'alive':
      return frameOf(frameKinds.alive, 0);
  }
}

function toldFrame({ toBytes, digests }: ToldDigests): Buffer {
  const frame = frameOf(frameKinds.told, toldHeadBytes + digests.length);
  writeUint64(frame, toBytes, frameHeadBytes);
  frame.set(digests, frameHeadBytes + toldHeadBytes);
  return frame;
}

/** The frame head and the body of a compact frame up to its bytes, which follow. */
export function compactHead(block: Omit<CompactBlock, 'rest'>, restBytes: number): Buffer {
  const head = frameOf(frameKinds.compact, compactHeadBytes);
  head.writeUInt32LE(compactHeadBytes + restBytes, 0);
  writeCompactHead(head, frameHeadBytes, block);
  return head;
}

function numbersFrame(kind: number, numbers: readonly number[]): Buffer {
  const frame = frameOf(kind, 8 * numbers.length);
  numbers.forEach((value, index) => writeUint64(frame, value, frameHeadBytes + 8 * index));
  return frame;
}

/** Writes the `dataFrameHeadBytes` bytes that stand before the bytes of a data frame. */
export function writeDataHead(
  target: Buffer,
  at: number,
  data: { readonly offsetBytes: number; readonly lengthBytes: number; readonly digest: Uint8Array },
): void {
  target.writeUInt32LE(dataHeadBytes + data.lengthBytes, at);
  target[at + 4] = frameKinds.data;
  writeUint64(target, data.offsetBytes, at + frameHeadBytes);
  target.set(data.digest, at + frameHeadBytes + 8);
}
