import { z } from 'zod';
import type { Extent, ImageShape, ReadableImage, WritableImage } from '../image';
import type { ImageFormat } from '../open-image';
import { checkVhdShape } from '../vhd';
import { contentBytesMax } from './limits';

/** What is read at the source: an image, or a plain file as one extent. */
export interface SourceContent extends Pick<ReadableImage, 'read' | 'close'> {
  readonly facts: ContentFacts;
  extents(fromBytes: number): Iterable<Extent>;
}

/** What is written at the destination. Offsets and lengths of an image are multiples of its sector. */
export interface TargetContent extends Pick<WritableImage, 'write' | 'writeZeros' | 'flush' | 'close'> {
  /** Makes the copy what it is when everything has come and is durable, and closes it. */
  finish?(): Promise<void>;
}

const kibibyte = 1024;
const mebibyte = 1024 * kibibyte;
const guid = z.string().regex(/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
const sectorSize = z.union([z.literal(512), z.literal(4096)]);
/** Paths of Windows end at 32767 characters. */
const parentPath = z.string().max(32_767);

/** An `ImageShape` that came from a peer or a file. Sizes within the limits of MS-VHDX, section 2.6.2, or of a VHD. */
const imageShape: z.ZodType<ImageShape> = z
  .strictObject({
    kind: z.enum(['fixed', 'dynamic', 'differencing']),
    virtualSizeBytes: z.int().min(512).max(contentBytesMax),
    blockSizeBytes: z
      .int()
      .min(512 * kibibyte)
      .max(256 * mebibyte)
      .refine((bytes) => (bytes & (bytes - 1)) === 0, 'a block size is a power of two'),
    logicalSectorSizeBytes: sectorSize,
    physicalSectorSizeBytes: sectorSize,
    virtualDiskId: guid,
    dataWriteId: guid,
    parent: z
      .strictObject({
        dataWriteId: guid,
        secondDataWriteId: z.exactOptional(guid),
        relativePath: z.exactOptional(parentPath),
        absolutePath: z.exactOptional(parentPath),
      })
      .exactOptional(),
  })
  .refine(
    (shape) => shape.virtualSizeBytes % shape.logicalSectorSizeBytes === 0,
    'a virtual size is a whole number of sectors',
  )
  .refine(
    (shape) => (shape.kind === 'differencing') === (shape.parent !== undefined),
    'a differencing image, and no other, has a parent',
  );

const contentPoint = z.strictObject({ trackingId: z.string().max(200).nullable(), contentId: guid });

const ofImage = {
  shape: imageShape,
  fileSizeBytes: z.int().nonnegative(),
  /** Left out of a VHDX, as by agents that knew no other. */
  format: z.literal('vhd').exactOptional(),
};

type OfImage = { readonly shape: ImageShape; readonly format?: 'vhd' };

/** What a format cannot be is refused before a file is made. */
const suitsFormat = ({ shape, format }: OfImage): boolean =>
  format === 'vhd' ? checkVhdShape(shape).ok : shape.blockSizeBytes >= mebibyte;
const unsuited = 'an image of this format cannot have this shape';

/** What the source says of the file it serves. Its identity is all of it but the paths of a parent. */
export const contentFacts = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('image'), ...ofImage }).refine(suitsFormat, unsuited),
  /** What changed of an image from one point of its history to the next; it goes into a copy that stands at the first. */
  z
    .strictObject({ type: z.literal('changes'), ...ofImage, since: contentPoint, until: contentPoint })
    .refine(suitsFormat, unsuited),
  z.strictObject({
    type: z.literal('file'),
    fileSizeBytes: z.int().nonnegative().max(contentBytesMax),
    /** Nanoseconds since 1970, as text: more digits than a number keeps. */
    modifiedAtNs: z.string().regex(/^\d{1,20}$/),
  }),
]);
export type ContentFacts = z.infer<typeof contentFacts>;

/** The format of an image that is served, and of its copy. */
export const formatOfFacts = ({ format }: OfImage): ImageFormat => format ?? 'vhdx';

/** An image as its facts say that it is. */
export const imageOfFacts = (facts: OfImage): { readonly format: ImageFormat; readonly shape: ImageShape } => ({
  format: formatOfFacts(facts),
  shape: facts.shape,
});

/** A format as the facts of an image say it. */
export const formatFacts = (format: ImageFormat): { readonly format?: 'vhd' } => (format === 'vhd' ? { format } : {});

/** Length of the content in bytes: what a guest sees of an image, the file itself otherwise. */
export const sizeBytesOf = (facts: ContentFacts): number =>
  facts.type === 'file' ? facts.fileSizeBytes : facts.shape.virtualSizeBytes;

/** Whether what is in no frame may be something else than zeros. */
export const hasParent = (facts: ContentFacts): boolean =>
  facts.type === 'changes' || (facts.type === 'image' && facts.shape.parent !== undefined);

/** Offsets and lengths of frames are multiples of this, but for the end of a plain file. */
export const alignmentBytesOf = (facts: ContentFacts): number =>
  facts.type === 'file' ? 1 : facts.shape.logicalSectorSizeBytes;

const identityOf = (facts: ContentFacts): Readonly<Record<string, string | number>> =>
  facts.type === 'file'
    ? { type: 'file', 'file size': facts.fileSizeBytes, 'time of change': facts.modifiedAtNs }
    : {
        type: facts.type,
        format: formatOfFacts(facts),
        kind: facts.shape.kind,
        'virtual size': facts.shape.virtualSizeBytes,
        'block size': facts.shape.blockSizeBytes,
        'virtual disk id': facts.shape.virtualDiskId,
        'data write id': facts.shape.dataWriteId,
        'file size': facts.fileSizeBytes,
        ...(facts.type === 'changes' && { since: pointText(facts.since), until: pointText(facts.until) }),
      };

const pointText = ({ trackingId, contentId }: z.infer<typeof contentPoint>): string =>
  `${trackingId ?? 'no tracking id'}, ${contentId}`;

/** How the source differs from what a copy began with, as a short sentence; undefined when it is the same. */
export function differenceOf(began: ContentFacts, found: ContentFacts): string | undefined {
  const before = identityOf(began);
  const now = identityOf(found);
  const names = [...new Set([...Object.keys(before), ...Object.keys(now)])];
  const changed = names.filter((name) => before[name] !== now[name]);
  if (changed.length === 0) return undefined;
  return changed.map((name) => `its ${name} was ${before[name] ?? 'none'} and is ${now[name] ?? 'none'}`).join(', ');
}
