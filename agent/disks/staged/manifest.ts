import { createCipheriv, createDecipheriv } from 'node:crypto';
import { z } from 'zod';
import type { RunId } from '../../../contracts/ids';
import { blockBytesMax } from '../../../contracts/limits';
import { contentFacts } from '../route/content';
import { mark } from '../route/journal-records';
import { contentBytesMax } from '../route/limits';
import type { StagingKeys } from './keys';

/**
 * What a source staged of one file, in the order in which the destination writes it: segments, each a sealed document with a number. A
 * segment is written when every block that it names is stored, so up to its end everything can be fetched. A segment is never changed.
 */

const bytes = z.int().nonnegative().max(contentBytesMax);
const hex64 = z.string().regex(/^[0-9a-f]{64}$/);

const frame = z.discriminatedUnion('kind', [
  /** Bytes of the block, one frame behind the other; the digest is their BLAKE3. */
  z.strictObject({
    kind: z.literal('data'),
    offsetBytes: bytes,
    lengthBytes: z.int().min(1).max(blockBytesMax),
    digest: hex64,
  }),
  /** Reads zero here, whatever a parent holds. */
  z.strictObject({ kind: z.literal('zero'), offsetBytes: bytes, lengthBytes: bytes.min(1) }),
  /** Up to here nothing else comes; so many bytes of extents were passed over since they are all zero. */
  z.strictObject({ kind: z.literal('skip'), toBytes: bytes, passedBytes: bytes }),
]);
export type StagedFrame = z.infer<typeof frame>;

const part = z
  .strictObject({ address: hex64.nullable(), frames: z.array(frame).min(1) })
  .refine(
    ({ address, frames }) => (address !== null) === frames.some(({ kind }) => kind === 'data'),
    'a block has data, and data has a block',
  )
  .refine((one) => contentBytesOf(one) <= blockBytesMax, 'a block is longer than any may be');
/** Frames in their order, with the block that holds the data of them. */
export type StagedPart = z.infer<typeof part>;

/** Bytes in the block of a part. */
export const contentBytesOf = ({ frames }: { readonly frames: readonly StagedFrame[] }): number =>
  frames.reduce((sum, one) => sum + (one.kind === 'data' ? one.lengthBytes : 0), 0);

/** Where a frame ends. */
export const endOfFrame = (frame: StagedFrame): number =>
  frame.kind === 'skip' ? frame.toBytes : frame.offsetBytes + frame.lengthBytes;

/** Where a part ends. */
export const endOfPart = ({ frames }: StagedPart): number => Math.max(...frames.map(endOfFrame));

const segment = z.strictObject({
  schema: z.literal(1),
  number: z.int().nonnegative(),
  /** What the file is; in the first segment. */
  head: z.strictObject({ facts: contentFacts, extentBytes: bytes }).nullable(),
  /** Where it begins: what the segment before ended with. */
  before: mark,
  parts: z.array(part),
  after: mark,
  /** Bytes of content up to here that were put for this file, since no other of the batch had put them before. */
  putBytes: z.int().nonnegative(),
  /** In the last segment: everything has been staged, and the source was what it is at the beginning. */
  isLast: z.boolean(),
});
export type Segment = z.infer<typeof segment>;

/** No segment is longer; a block of as many frames as it can have is a tenth of it. */
export const segmentBytesMax = 4 * 1024 * 1024;

/** Which manifest: of one file of one run. */
export type ManifestOf = { readonly runId: RunId; readonly name: string };

const digitsOfNumber = 9;

/** Where a segment is stored. */
export const segmentName = ({ runId, name }: ManifestOf, number: number): string =>
  `manifests/${runId}/${name}/${String(number).padStart(digitsOfNumber, '0')}`;

const algorithm = 'aes-256-gcm';
const [nonceBytes, sealBytes] = [12, 16];

/** Seals a segment for its place, with a nonce that has never been used. */
export function sealSegment(keys: StagingKeys, of: ManifestOf, one: Segment, nonce: Uint8Array): Buffer {
  const cipher = createCipheriv(algorithm, keys.manifestKey, nonce);
  cipher.setAAD(placeOf(of, one.number));
  return Buffer.concat([nonce, cipher.update(JSON.stringify(one)), cipher.final(), cipher.getAuthTag()]);
}

/** The segment at a place; undefined when these bytes are not what was sealed for it. */
export function openSegment(keys: StagingKeys, of: ManifestOf, number: number, sealed: Buffer): Segment | undefined {
  if (sealed.length < nonceBytes + sealBytes) return undefined;
  const decipher = createDecipheriv(algorithm, keys.manifestKey, sealed.subarray(0, nonceBytes), {
    authTagLength: sealBytes,
  });
  decipher.setAAD(placeOf(of, number));
  decipher.setAuthTag(sealed.subarray(-sealBytes));
  try {
    const text = Buffer.concat([decipher.update(sealed.subarray(nonceBytes, -sealBytes)), decipher.final()]);
    const parsed = segment.safeParse(JSON.parse(text.toString('utf8')));
    return parsed.success && parsed.data.number === number ? parsed.data : undefined;
  } catch {
    // The seal does not fit, or what was sealed is no document.
    return undefined;
  }
}

const placeOf = (of: ManifestOf, number: number): Buffer =>
  Buffer.from(`hyperferry-staged-manifest-v1\n${segmentName(of, number)}`);
