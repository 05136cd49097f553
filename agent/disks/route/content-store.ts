import { failed, failureOf, succeeded, type Outcome } from '../../../contracts/failure';
import type { PullSubject } from '../../../contracts/operations';
import { outcomeOf } from '../failures';
import { changesSource, openChanged, type ServedChanges } from './changes';
import {
  differenceOf,
  formatFacts,
  imageOfFacts,
  type ContentFacts,
  type SourceContent,
  type TargetContent,
} from './content';
import type { RouteImages, ServedImage } from './route-images';
import { createPlainTarget, openPlainSource, reopenPlainTarget } from './plain-file';

type ImageFacts = Extract<ContentFacts, { type: 'image' }>;

/** What a driver says may be served: a file, and for changes what of the image it is. */
export type Served = { readonly path: string; readonly changes?: ServedChanges };

/** The file to be served. */
export async function openSource(
  images: RouteImages,
  { path, changes }: Served,
  type: PullSubject['type'],
): Promise<Outcome<SourceContent>> {
  if (type === 'file' || type === 'ranges') return outcomeOf(() => openPlainSource(path));
  const opened = await images.openForReading(path);
  if (!opened.ok) return opened;
  if (type === 'image') return succeeded(imageSource(opened.value));
  if (changes !== undefined) return succeeded(changesSource(opened.value, changes));
  await opened.value.image.close();
  return failed(failureOf('Bug', { message: `nobody says what changed in ${path}`, effect: 'none' }));
}

const imageSource = ({ format, image }: ServedImage): SourceContent => ({
  facts: { type: 'image', shape: image.shape, fileSizeBytes: image.fileSizeBytes, ...formatFacts(format) },
  extents: (fromBytes) => image.extents(fromBytes),
  read: (target, offsetBytes) => image.read(target, offsetBytes),
  close: () => image.close(),
});

/** A new, empty copy of what the facts describe; for changes, the copy that they go into. */
export const createTarget = (
  images: RouteImages,
  path: string,
  facts: ContentFacts,
): Promise<Outcome<TargetContent>> => {
  switch (facts.type) {
    case 'image':
      return createCopy(images, path, facts);
    case 'changes':
      return openChanged(images, path, facts);
    case 'file':
      return outcomeOf(() => createPlainTarget(path, facts.fileSizeBytes));
  }
};

function createCopy(images: RouteImages, path: string, facts: ImageFacts): Promise<Outcome<TargetContent>> {
  const { format, shape } = images.copyOf(imageOfFacts(facts));
  return images.create(format, path, shape);
}

/** The copy that an earlier attempt began. `JournalDamaged` when what stands there is not that copy. */
export async function reopenTarget(
  images: RouteImages,
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
  if (facts.type === 'changes') return openChanged(images, path, facts);
  const { format, shape } = images.copyOf(imageOfFacts(facts));
  const opened = await images.openForWriting(format, path);
  if (!opened.ok) return opened.failure.retry === 'transient' ? opened : notThere;
  const image = opened.value;
  if (differenceOf({ ...facts, shape }, { ...facts, shape: image.shape }) === undefined) return succeeded(image);
  await image.close();
  return notThere;
}
