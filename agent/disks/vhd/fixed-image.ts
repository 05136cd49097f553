import type { DiskFile } from '../file';
import type { Extent, ImageShape, WritableImage } from '../image';
import { assertInside, extentsOf } from '../mapped-reader';
import { mib } from '../vhdx/numbers';
import { FixedMap } from './block-map';
import type { Footers } from './footers';
import { sectorBytes } from './layout';

const zeros = Buffer.alloc(mib);

/** A fixed VHD that is read and written: the bytes of the disk from the start of the file, and a footer that tells its size and id. */
export class FixedVhdWriter implements WritableImage {
  readonly path: string;
  readonly #file: DiskFile;
  readonly #footers: Footers;
  readonly #shape: ImageShape;
  readonly #newId: (() => string) | undefined;
  readonly #map = new FixedMap();
  #begun: Promise<void> | undefined;

  /** `newId`: where the first write gives the content another id. */
  constructor(file: DiskFile, footers: Footers, shape: ImageShape, newId: (() => string) | undefined) {
    this.path = file.path;
    this.#file = file;
    this.#footers = footers;
    this.#shape = shape;
    this.#newId = newId;
  }

  get shape(): ImageShape {
    const { uniqueId } = this.#footers.footer;
    return { ...this.#shape, virtualDiskId: uniqueId, dataWriteId: uniqueId };
  }

  get fileSizeBytes(): number {
    return this.#file.sizeBytes;
  }

  extents(fromBytes = 0, toBytes = this.#size): Iterable<Extent> {
    return { [Symbol.iterator]: () => extentsOf(this.#map, fromBytes, Math.min(toBytes, this.#size)) };
  }

  async read(target: Uint8Array, offsetBytes: number): Promise<void> {
    assertInside(offsetBytes, target.length, this.#size);
    await this.#file.read(target, offsetBytes);
  }

  async write(data: Uint8Array, offsetBytes: number): Promise<void> {
    this.#assertSectors(offsetBytes, data.length);
    if (data.length === 0) return;
    this.#begun ??= this.#begin();
    await this.#begun;
    await this.#file.write(data, offsetBytes);
  }

  async writeZeros(offsetBytes: number, lengthBytes: number): Promise<void> {
    this.#assertSectors(offsetBytes, lengthBytes);
    for (let done = 0; done < lengthBytes; done += zeros.length)
      await this.write(zeros.subarray(0, Math.min(zeros.length, lengthBytes - done)), offsetBytes + done);
  }

  flush(): Promise<void> {
    return this.#file.sync();
  }

  async close(): Promise<void> {
    try {
      if (this.#begun !== undefined) await this.flush();
    } finally {
      await this.#file.close();
    }
  }

  get #size(): number {
    return this.#shape.virtualSizeBytes;
  }

  async #begin(): Promise<void> {
    if (this.#newId === undefined) return;
    try {
      await this.#footers.change({ uniqueId: this.#newId() });
    } catch (thrown) {
      this.#begun = undefined;
      throw thrown;
    }
  }

  #assertSectors(offsetBytes: number, lengthBytes: number): void {
    assertInside(offsetBytes, lengthBytes, this.#size);
    if (offsetBytes % sectorBytes !== 0 || lengthBytes % sectorBytes !== 0)
      throw new RangeError(`${lengthBytes} bytes at ${offsetBytes} are not whole sectors of ${sectorBytes} bytes`);
  }
}
