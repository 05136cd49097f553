import type { Outcome } from '../../contracts/failure';
import { openDisk, type ChainOptions } from './chain';
import { ChainDisk, closeAll } from './chain-disk';
import { diskSegments } from './disk-segments';
import { chainBroken, outcomeOf, valueOf } from './failures';
import { nodeFiles } from './file';
import type { Extent, ImageShape, ReadableImage } from './image';

/** Several images of a chain that follow each other, as one image whose parent is that of the lowest. */
class ImageStack implements ReadableImage {
  readonly path: string;
  readonly shape: ImageShape;
  readonly #images: readonly ReadableImage[];
  readonly #disk: ChainDisk;

  /** The lowest first. */
  constructor(images: readonly ReadableImage[], top: ReadableImage, parent: ImageShape['parent']) {
    const { parent: _, ...shape } = top.shape;
    this.path = top.path;
    this.shape = { ...shape, ...(parent && { parent }) };
    this.#images = images;
    this.#disk = new ChainDisk(images, undefined);
  }

  get fileSizeBytes(): number {
    return this.#images.reduce((sum, image) => sum + image.fileSizeBytes, 0);
  }

  extents(fromBytes = 0, toBytes = this.shape.virtualSizeBytes): Iterable<Extent> {
    return { [Symbol.iterator]: () => diskSegments(this.#images, fromBytes, toBytes) };
  }

  read(target: Uint8Array, offsetBytes: number): Promise<void> {
    return this.#disk.read(target, offsetBytes);
  }

  close(): Promise<void> {
    return this.#disk.close();
  }
}

/**
 * Opens the chain of `topPath` down to, and without, `belowPath`, as one image.
 *
 * Failures: those of `openDisk`, and `DiskChainBroken` when `belowPath` is no image of the chain below the top.
 */
export function openStack(topPath: string, belowPath: string, options: ChainOptions): Promise<Outcome<ReadableImage>> {
  return outcomeOf(async () => {
    const below = await (options.files ?? nodeFiles).realPath(belowPath);
    const { images } = valueOf(await openDisk(topPath, { ...options, access: 'read' }));
    const index = images.findIndex((image) => image.path === below);
    const upper = images.slice(index + 1);
    const [lowest] = upper;
    const top = upper.at(-1);
    if (index === -1 || lowest === undefined || top === undefined) {
      await closeAll(images);
      return valueOf(chainBroken(`${topPath}: ${belowPath} is not below it in its chain`));
    }
    await closeAll(images.slice(0, index + 1));
    return new ImageStack(upper, top, lowest.shape.parent);
  });
}
