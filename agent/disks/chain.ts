import { setImmediate } from 'node:timers/promises';
import type { ImageFacts } from '../../contracts/facts';
import { failureOf, type Outcome } from '../../contracts/failure';
import { chainImagesMax } from '../../contracts/limits';
import { chainBroken, DiskError, outcomeOf, valueOf } from './failures';
import { nodeFiles, type DiskFiles } from './file';
import type { Disk, ParentLink, ReadableImage, WritableImage } from './image';
import { ChainDisk, closeAll } from './chain-disk';
import { parentCandidates, pathBelowRoots } from './parent-paths';
import { openImage, type ImageWriteOptions } from './open-image';

export type ChainOptions = {
  /** Folders below which every file of the chain must be, links followed. */
  readonly roots: readonly string[];
  readonly files?: DiskFiles;
};

export type DiskReadOptions = ChainOptions & { readonly access: 'read' };
/** Only the last image of the chain is opened for writing. */
export type DiskWriteOptions = ChainOptions & ImageWriteOptions;

/** What a chain is, without the id of the slot it is attached to: the rest of `DiskFacts`. */
export type ChainFacts = {
  readonly path: string;
  readonly virtualSizeBytes: number;
  readonly images: ImageFacts[];
};

/**
 * Opens a disk with all its parents. A parent is looked for at the relative path, then at the absolute one, and taken only when its data
 * write id is the one that the child names. The images of a chain may be of different formats.
 *
 * Failures: those of `openImage`, `PathOutsideRoots`, and `DiskChainBroken` when a parent is missing, is another one, or comes again.
 */
export function openDisk(path: string, options: DiskReadOptions | DiskWriteOptions): Promise<Outcome<Disk>> {
  return outcomeOf(async () => {
    const images: ReadableImage[] = [];
    try {
      const first = await openLast(path, options);
      images.unshift(first.image);
      const writable = first.writable;
      const seen = new Set([first.image.path]);
      for (let child = first.image; child.shape.parent !== undefined;) {
        const parent = await openParent(child, child.shape.parent, seen, options);
        images.unshift(parent);
        seen.add(parent.path);
        child = parent;
      }
      return new ChainDisk(images, writable);
    } catch (thrown) {
      await closeAll(images);
      throw thrown;
    }
  });
}

async function openLast(
  path: string,
  options: DiskReadOptions | DiskWriteOptions,
): Promise<{ image: ReadableImage; writable?: WritableImage }> {
  const files = options.files ?? nodeFiles;
  const real = valueOf(await pathBelowRoots(path, options.roots, files));
  if (real === undefined) {
    const message = `${path} is not there`;
    throw new DiskError(failureOf('IoFailed', { message, retry: 'permanent', effect: 'none' }));
  }
  if (options.access === 'read') return { image: valueOf(await openImage(real, { access: 'read', files })) };
  const writable = valueOf(await openImage(real, options));
  return { image: writable, writable };
}

async function openParent(
  child: ReadableImage,
  link: ParentLink,
  seen: ReadonlySet<string>,
  options: ChainOptions,
): Promise<ReadableImage> {
  if (seen.size >= chainImagesMax)
    return valueOf(chainBroken(`${child.path}: the chain has more than ${chainImagesMax} images`));
  let firstProblem: Outcome<never> | undefined;
  for (const candidate of parentCandidates(child.path, link)) {
    const opened = await openCandidate(child, link, candidate, seen, options);
    if (opened.ok) return opened.value;
    firstProblem ??= opened;
  }
  return valueOf(firstProblem ?? chainBroken(`${child.path}: names no path to its parent that this system can follow`));
}

async function openCandidate(
  child: ReadableImage,
  link: ParentLink,
  candidate: string,
  seen: ReadonlySet<string>,
  options: ChainOptions,
): Promise<Outcome<ReadableImage>> {
  const files = options.files ?? nodeFiles;
  const found = await pathBelowRoots(candidate, options.roots, files);
  if (!found.ok) return found;
  const real = found.value;
  if (real === undefined) return chainBroken(`${child.path}: its parent ${candidate} is not there`);
  if (seen.has(real)) return chainBroken(`${child.path}: its parent ${real} is also its child`);
  const opened = await openImage(real, { access: 'read', files });
  if (!opened.ok) return opened;
  const mismatch = whyNotParent(child, link, opened.value);
  if (mismatch === undefined) return opened;
  await opened.value.close();
  return chainBroken(mismatch);
}

function whyNotParent(child: ReadableImage, link: ParentLink, parent: ReadableImage): string | undefined {
  const accepted = [link.dataWriteId, link.secondDataWriteId];
  if (!accepted.includes(parent.shape.dataWriteId))
    return `${child.path}: its parent ${parent.path} was written to since, or is another disk`;
  if (parent.shape.logicalSectorSizeBytes !== child.shape.logicalSectorSizeBytes)
    return `${child.path}: its parent ${parent.path} has another sector size`;
  return undefined;
}

/**
 * What the files of a disk's chain are, base first. Opens each file for reading and counts what its tables say is allocated; no data is
 * read. Failures as of `openDisk`.
 */
export function describeChain(path: string, options: ChainOptions): Promise<Outcome<ChainFacts>> {
  return outcomeOf(async () => {
    const disk = valueOf(await openDisk(path, { ...options, access: 'read' }));
    try {
      const images: ImageFacts[] = [];
      for (const [index, image] of disk.images.entries()) images.push(await imageFactsOf(image, index));
      const last = disk.images.at(-1);
      return { path: last?.path ?? path, virtualSizeBytes: disk.virtualSizeBytes, images };
    } finally {
      await disk.close();
    }
  });
}

async function imageFactsOf(image: ReadableImage, index: number): Promise<ImageFacts> {
  return {
    index,
    path: image.path,
    kind: image.shape.kind,
    virtualSizeBytes: image.shape.virtualSizeBytes,
    fileSizeBytes: image.fileSizeBytes,
    allocatedBytes: await allocatedBytes(image),
  };
}

/** So much of a disk is counted before other work of the process gets its turn. */
const countedAtOnceBytes = 2 ** 40;

/** Bytes of data that the tables of an image say it holds. */
export async function allocatedBytes(image: ReadableImage): Promise<number> {
  let counted = 0;
  for (let from = 0; from < image.shape.virtualSizeBytes; from += countedAtOnceBytes) {
    for (const extent of image.extents(from, from + countedAtOnceBytes))
      if (extent.kind === 'data') counted += extent.lengthBytes;
    await setImmediate();
  }
  return counted;
}
