import { failed, failureOf, succeeded, type Outcome } from '../../../contracts/failure';
import type { PullSubject } from '../../../contracts/operations';
import { outcomeOf } from '../failures';
import type { ImageShape, ReadableImage, WritableImage } from '../image';
import { differenceOf, type ContentFacts, type SourceContent, type TargetContent } from './content';
import { createPlainTarget, openPlainSource, reopenPlainTarget } from './plain-file';

/** What the byte route needs of an image format. */
export type ImageFormat = {
  readonly openForReading: (path: string) => Promise<Outcome<ReadableImage>>;
  /** A new image that keeps the ids of the given shape however much is written to it. `DestinationOccupied` when the name is taken. */
  readonly create: (path: string, shape: ImageShape) => Promise<Outcome<WritableImage>>;
  /** An image that `create` made, perhaps before a crash; it keeps its ids too. */
  readonly openForWriting: (path: string) => Promise<Outcome<WritableImage>>;
};

/** The file to be served. */
export async function openSource(
  format: ImageFormat,
  path: string,
  type: PullSubject['type'],
): Promise<Outcome<SourceContent>> {
  if (type === 'file') return outcomeOf(() => openPlainSource(path));
  const opened = await format.openForReading(path);
  return opened.ok ? succeeded(imageSource(opened.value)) : opened;
}

const imageSource = (image: ReadableImage): SourceContent => ({
  facts: { type: 'image', shape: image.shape, fileSizeBytes: image.fileSizeBytes },
  extents: (fromBytes) => image.extents(fromBytes),
  read: (target, offsetBytes) => image.read(target, offsetBytes),
  close: () => image.close(),
});

/** A new, empty copy of what the facts describe. */
export const createTarget = (
  format: ImageFormat,
  path: string,
  facts: ContentFacts,
): Promise<Outcome<TargetContent>> =>
  facts.type === 'image'
    ? format.create(path, facts.shape)
    : outcomeOf(() => createPlainTarget(path, facts.fileSizeBytes));

/** The copy that an earlier attempt began. `JournalDamaged` when what stands there is not that copy. */
export async function reopenTarget(
  format: ImageFormat,
  path: string,
  facts: ContentFacts,
): Promise<Outcome<TargetContent>> {
  const notThere = failed(
    failureOf('JournalDamaged', { message: `${path} is not the copy that the journal speaks of` }),
  );
  if (facts.type === 'file') {
    const reopened = await outcomeOf(() => reopenPlainTarget(path, facts.fileSizeBytes));
    return reopened.ok ? (reopened.value ? succeeded(reopened.value) : notThere) : reopened;
  }
  const opened = await format.openForWriting(path);
  if (!opened.ok) return opened.failure.retry === 'transient' ? opened : notThere;
  const image = opened.value;
  const same = { ...facts, shape: image.shape };
  if (differenceOf(facts, same) === undefined) return succeeded(image);
  await image.close();
  return notThere;
}
