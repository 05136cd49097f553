import type { Outcome } from '../../contracts/failure';
import { outcomeOf } from './failures';
import { nodeFiles, type DiskFile, type DiskFiles } from './file';
import type { Extent, ImageShape, ReadableImage, WritableImage } from './image';
import { zeroGuid } from './vhdx/guid';

/**
 * A plain file as an image, such as the saved memory or the configuration of a VM: all of it is data, ranges need no alignment, and it
 * has no identity.
 */
class RawImage implements WritableImage {
  readonly path: string;
  readonly shape: ImageShape;
  readonly #file: DiskFile;

  constructor(file: DiskFile) {
    this.path = file.path;
    this.#file = file;
    this.shape = {
      kind: 'fixed',
      virtualSizeBytes: file.sizeBytes,
      blockSizeBytes: zeros.length,
      logicalSectorSizeBytes: 512,
      physicalSectorSizeBytes: 512,
      virtualDiskId: zeroGuid,
      dataWriteId: zeroGuid,
    };
  }

  get fileSizeBytes(): number {
    return this.#file.sizeBytes;
  }

  *extents(fromBytes = 0, toBytes = this.shape.virtualSizeBytes): Generator<Extent> {
    const end = Math.min(toBytes, this.shape.virtualSizeBytes);
    if (fromBytes < end) yield { offsetBytes: fromBytes, lengthBytes: end - fromBytes, kind: 'data' };
  }

  async read(target: Uint8Array, offsetBytes: number): Promise<void> {
    this.#assertInside(offsetBytes, target.length);
    await this.#file.read(target, offsetBytes);
  }

  async write(data: Uint8Array, offsetBytes: number): Promise<void> {
    this.#assertInside(offsetBytes, data.length);
    await this.#file.write(data, offsetBytes);
  }

  async writeZeros(offsetBytes: number, lengthBytes: number): Promise<void> {
    this.#assertInside(offsetBytes, lengthBytes);
    for (let done = 0; done < lengthBytes; done += zeros.length)
      await this.#file.write(zeros.subarray(0, Math.min(zeros.length, lengthBytes - done)), offsetBytes + done);
  }

  flush(): Promise<void> {
    return this.#file.sync();
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  #assertInside(offsetBytes: number, lengthBytes: number): void {
    if (offsetBytes < 0 || lengthBytes < 0 || offsetBytes + lengthBytes > this.shape.virtualSizeBytes)
      throw new RangeError(`${lengthBytes} bytes at ${offsetBytes} are outside of ${this.path}`);
  }
}

const zeros = Buffer.alloc(1024 * 1024);

/** Opens a plain file. Failures: `IoFailed`. */
export function openRaw(path: string, access: 'read', files?: DiskFiles): Promise<Outcome<ReadableImage>>;
export function openRaw(path: string, access: 'write', files?: DiskFiles): Promise<Outcome<WritableImage>>;
export function openRaw(
  path: string,
  access: 'read' | 'write',
  files: DiskFiles = nodeFiles,
): Promise<Outcome<WritableImage>> {
  return outcomeOf(async () => new RawImage(await files.open(path, access)));
}

/** Makes a file of this length that reads zero. Failures: `DestinationOccupied`, `DiskFull`, `IoFailed`. */
export function createRaw(
  path: string,
  sizeBytes: number,
  files: DiskFiles = nodeFiles,
): Promise<Outcome<WritableImage>> {
  return outcomeOf(async () => {
    const file = await files.create(path);
    try {
      await file.resize(sizeBytes);
      await file.sync();
      await files.syncFolderOf(path);
    } catch (thrown) {
      await file.close();
      await files.remove(path);
      throw thrown;
    }
    return new RawImage(file);
  });
}
