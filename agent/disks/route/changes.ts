import { failed, failureOf, succeeded, type Outcome } from '../../../contracts/failure';
import { DiskError } from '../failures';
import type { Extent, ImageShape, ReadableImage } from '../image';
import {
  formatFacts,
  formatOfFacts,
  imageOfFacts,
  type ContentFacts,
  type SourceContent,
  type TargetContent,
} from './content';
import type { RouteImages, ServedImage } from './route-images';

type ChangesFacts = Extract<ContentFacts, { type: 'changes' }>;

/** What changed of an image that is served: ranges ascending, not touching, offset and length in bytes. */
export type ServedChanges = Pick<ChangesFacts, 'since' | 'until'> & {
  readonly ranges: readonly (readonly [offsetBytes: number, lengthBytes: number])[];
};

/** What an image holds inside of the ranges. Where it has no parent, what it holds nothing of there reads zero, and may have been data. */
export const changesSource = (
  { format, image }: ServedImage,
  { since, until, ranges }: ServedChanges,
): SourceContent => ({
  facts: {
    type: 'changes',
    shape: image.shape,
    fileSizeBytes: image.fileSizeBytes,
    since,
    until,
    ...formatFacts(format),
  },
  *extents(fromBytes) {
    for (const [offsetBytes, lengthBytes] of ranges) {
      const to = offsetBytes + lengthBytes;
      if (to <= fromBytes) continue;
      yield* heldWithin(image, Math.max(offsetBytes, fromBytes), to);
    }
  },
  read: (target, offsetBytes) => image.read(target, offsetBytes),
  close: () => image.close(),
});

function* heldWithin(image: ReadableImage, from: number, to: number): Generator<Extent> {
  const hasParent = image.shape.parent !== undefined;
  let at = from;
  for (const extent of image.extents(from, to)) {
    if (!hasParent && extent.offsetBytes > at) yield zeroExtent(at, extent.offsetBytes);
    yield extent;
    at = extent.offsetBytes + extent.lengthBytes;
  }
  if (!hasParent && at < to) yield zeroExtent(at, to);
}

const zeroExtent = (from: number, to: number): Extent => ({ offsetBytes: from, lengthBytes: to - from, kind: 'zero' });

/**
 * The copy that a round goes into. It must be the copy of the same disk and stand where the round begins, or where it ends when all of
 * it came before: `SourceChanged` otherwise, so that generations never mix. `JournalDamaged` when it cannot be opened.
 */
export async function openChanged(
  images: RouteImages,
  path: string,
  facts: ChangesFacts,
): Promise<Outcome<TargetContent>> {
  const { format } = images.copyOf(imageOfFacts(facts));
  const opened = await images.openForWriting(format, path);
  if (!opened.ok) return opened;
  const image = opened.value;
  const wrong = whyNotBefore(image.shape, facts);
  if (wrong !== undefined) {
    await image.close();
    return failed(failureOf('SourceChanged', { message: `${path} is not what the changes are of: ${wrong}` }));
  }
  return succeeded({
    write: (data, offsetBytes) => image.write(data, offsetBytes),
    writeZeros: (offsetBytes, lengthBytes) => image.writeZeros(offsetBytes, lengthBytes),
    flush: () => image.flush(),
    close: () => image.close(),
    finish: async () => {
      await image.close();
      const named = await images.nameContent(format, path, facts.until.contentId);
      if (!named.ok) throw new DiskError(named.failure);
    },
  });
}

function whyNotBefore(copy: ImageShape, facts: ChangesFacts): string | undefined {
  const { shape, since, until } = facts;
  if (copy.virtualSizeBytes !== shape.virtualSizeBytes)
    return `its size is ${copy.virtualSizeBytes}, that of the source is ${shape.virtualSizeBytes}`;
  // A VHD has one id, which is that of its content: a differencing disk has not that of the disk below it.
  if (formatOfFacts(facts) !== 'vhd' && copy.virtualDiskId !== shape.virtualDiskId)
    return `its virtual disk id is ${copy.virtualDiskId}, that of the source is ${shape.virtualDiskId}`;
  if (copy.dataWriteId === since.contentId || copy.dataWriteId === until.contentId) return undefined;
  return `it stands at ${copy.dataWriteId}, the changes begin at ${since.contentId}`;
}
