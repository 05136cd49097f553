import type { Disk, ReadableImage, WritableImage } from './image';

/** Closes images that were opened together. */
export async function closeAll(images: readonly ReadableImage[]): Promise<void> {
  await Promise.all(images.map((image) => image.close()));
}

/** Images of one chain as one disk. Reading asks each image only for what those above it do not hold. */
export class ChainDisk implements Disk {
  readonly images: readonly ReadableImage[];
  readonly virtualSizeBytes: number;
  readonly logicalSectorSizeBytes: number;
  readonly #writable: WritableImage | undefined;

  /** Base first. */
  constructor(images: readonly ReadableImage[], writable: WritableImage | undefined) {
    const last = images.at(-1);
    if (last === undefined) throw new RangeError('a disk has at least one image');
    this.images = images;
    this.virtualSizeBytes = last.shape.virtualSizeBytes;
    this.logicalSectorSizeBytes = last.shape.logicalSectorSizeBytes;
    this.#writable = writable;
  }

  read(target: Uint8Array, offsetBytes: number): Promise<void> {
    return this.#readFrom(this.images.length - 1, target, offsetBytes);
  }

  async write(data: Uint8Array, offsetBytes: number): Promise<void> {
    await this.#last().write(data, offsetBytes);
  }

  async flush(): Promise<void> {
    await this.#last().flush();
  }

  close(): Promise<void> {
    return closeAll(this.images);
  }

  #last(): WritableImage {
    if (this.#writable === undefined) throw new TypeError('the disk was opened for reading');
    return this.#writable;
  }

  /** Each image reads what it holds; the gaps between its extents are read from the images below it. */
  async #readFrom(level: number, target: Uint8Array, offsetBytes: number): Promise<void> {
    const image = this.images[level];
    const heldBytes = image === undefined ? 0 : Math.max(0, Math.min(target.length, endOf(image) - offsetBytes));
    target.fill(0, heldBytes);
    if (image === undefined || heldBytes === 0) return;
    if (image.shape.parent === undefined) return image.read(target.subarray(0, heldBytes), offsetBytes);
    const end = offsetBytes + heldBytes;
    const piece = (from: number, to: number) => target.subarray(from - offsetBytes, to - offsetBytes);
    let at = offsetBytes;
    for (const extent of [...image.extents(offsetBytes, end)]) {
      const extentEnd = extent.offsetBytes + extent.lengthBytes;
      if (extent.offsetBytes > at) await this.#readFrom(level - 1, piece(at, extent.offsetBytes), at);
      if (extent.kind === 'zero') piece(extent.offsetBytes, extentEnd).fill(0);
      else await image.read(piece(extent.offsetBytes, extentEnd), extent.offsetBytes);
      at = extentEnd;
    }
    if (at < end) await this.#readFrom(level - 1, piece(at, end), at);
  }
}

/** Where a disk of this image's size ends: a child may be larger than its parent. */
const endOf = (image: ReadableImage): number => image.shape.virtualSizeBytes;
