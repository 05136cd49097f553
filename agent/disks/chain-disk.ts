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

  /** An image fills in what it holds; the gaps between its extents are filled by the images below it. */
  async #readFrom(level: number, target: Uint8Array, offsetBytes: number): Promise<void> {
    const image = this.images[level];
    if (image === undefined) {
      target.fill(0);
      return;
    }
    const heldBytes = Math.max(0, Math.min(target.length, image.shape.virtualSizeBytes - offsetBytes));
    if (heldBytes < target.length) target.fill(0, heldBytes);
    if (heldBytes === 0) return;
    await image.read(target.subarray(0, heldBytes), offsetBytes);
    if (image.shape.parent === undefined) return;
    const end = offsetBytes + heldBytes;
    let at = offsetBytes;
    const gaps: { from: number; to: number }[] = [];
    for (const extent of image.extents(offsetBytes, end)) {
      if (extent.offsetBytes > at) gaps.push({ from: at, to: extent.offsetBytes });
      at = extent.offsetBytes + extent.lengthBytes;
    }
    if (at < end) gaps.push({ from: at, to: end });
    for (const { from, to } of gaps)
      await this.#readFrom(level - 1, target.subarray(from - offsetBytes, to - offsetBytes), from);
  }
}
