import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { directFlag, isWholePages, pageBytes } from './page-memory';

/** Below this a write into the system's cache is cheaper than one that waits for the disk. */
const directBytesMin = 128 * 1024;

/**
 * Writes past the system's cache to a file that is open already. What goes into the cache is copied, takes memory that others need, and
 * has to be written out before it is durable all the same. Ranges of whole pages only; the system keeps them in order with writes of
 * other pages through the cache. It saves work and promises nothing: durable is what a flush of the file made so.
 */
export class DirectWriter {
  readonly #file: FileHandle;
  #opened: Promise<FileHandle | undefined> | undefined;
  /** The file system has said that it does not take such writes, or not of these places. */
  #isRefused = false;

  constructor(file: FileHandle) {
    this.#file = file;
  }

  /** Answers how much it wrote: nothing where it cannot. Rejects with the errors of the operating system. */
  async write(data: Uint8Array, offsetBytes: number): Promise<number> {
    if (directFlag === undefined || this.#isRefused || data.length < directBytesMin) return 0;
    if (!isWholePages(data) || offsetBytes % pageBytes !== 0) return 0;
    const handle = await (this.#opened ??= this.#open(directFlag));
    if (handle === undefined) return 0;
    try {
      const { bytesWritten } = await handle.write(data, 0, data.length, offsetBytes);
      // What was not written of a last page is left to the cache, from the border on that both can use.
      return bytesWritten - (bytesWritten % pageBytes);
    } catch (thrown) {
      if (!isRefusal(thrown)) throw thrown;
      this.#isRefused = true;
      return 0;
    }
  }

  async close(): Promise<void> {
    const handle = await this.#opened;
    await handle?.close();
  }

  /** The same file, not whatever has its name by now. */
  #open(flag: number): Promise<FileHandle | undefined> {
    return open(`/proc/self/fd/${this.#file.fd}`, flag | constants.O_WRONLY).catch(() => undefined);
  }
}

const isRefusal = (thrown: unknown): boolean =>
  typeof thrown === 'object' && thrown !== null && 'code' in thrown && thrown.code === 'EINVAL';
