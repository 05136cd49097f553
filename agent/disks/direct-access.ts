import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { directFlag, isWholePages, pageBytes } from './page-memory';

/** Below this a pass through the system's cache is cheaper than one that waits for the disk. */
const directBytesMin = 128 * 1024;

export type DirectUse = 'reads' | 'writes';

/**
 * Reads or writes past the system's cache, in a file that is open already. What goes through the cache is copied, and takes memory that
 * others need; what is written has to be written out all the same before it is durable, and a hole that is read fills memory with zeros.
 * Ranges of whole pages only, and only into or out of page memory; the system keeps them in order with what goes through the cache. It
 * saves work and promises nothing: durable is what a flush of the file made so.
 */
export class DirectAccess {
  readonly #file: FileHandle;
  readonly #use: DirectUse;
  #opened: Promise<FileHandle | undefined> | undefined;
  /** The file system has said that it does not take such requests, or not at these places. */
  #isRefused = false;

  constructor(file: FileHandle, use: DirectUse) {
    this.#file = file;
    this.#use = use;
  }

  /** Answers how much of these bytes was read or written: nothing where it cannot. Rejects with the errors of the operating system. */
  async transfer(bytes: Uint8Array, offsetBytes: number): Promise<number> {
    if (directFlag === undefined || this.#isRefused || bytes.length < directBytesMin) return 0;
    if (!isWholePages(bytes) || offsetBytes % pageBytes !== 0) return 0;
    const handle = await (this.#opened ??= this.#open(directFlag));
    if (handle === undefined) return 0;
    try {
      const done = await this.#ask(handle, bytes, offsetBytes);
      // A part of a last page is left to the cache, from the border on that both can use.
      return done - (done % pageBytes);
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

  async #ask(handle: FileHandle, bytes: Uint8Array, offsetBytes: number): Promise<number> {
    switch (this.#use) {
      case 'reads':
        return (await handle.read(bytes, 0, bytes.length, offsetBytes)).bytesRead;
      case 'writes':
        return (await handle.write(bytes, 0, bytes.length, offsetBytes)).bytesWritten;
    }
  }

  /** The same file, not whatever has its name by now. */
  #open(flag: number): Promise<FileHandle | undefined> {
    const access = this.#use === 'reads' ? constants.O_RDONLY : constants.O_WRONLY;
    return open(`/proc/self/fd/${this.#file.fd}`, flag | access).catch(() => undefined);
  }
}

const isRefusal = (thrown: unknown): boolean =>
  typeof thrown === 'object' && thrown !== null && 'code' in thrown && thrown.code === 'EINVAL';
