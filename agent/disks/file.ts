import { readSync, type Stats } from 'node:fs';
import { open, realpath, rm, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { failureOf } from '../../contracts/failure';
import { DirectAccess } from './direct-access';
import { cannotSyncFolder, DiskError, ioError, isMissing, isOccupied } from './failures';

/**
 * A file of bytes as the formats see it. One object per opened file; nobody else changes the file while it is open.
 * Errors of the operating system are thrown as `DiskError` (`IoFailed`, `DiskFull`); reading past the end as `DiskTruncated`.
 */
export interface DiskFile {
  readonly path: string;
  readonly sizeBytes: number;
  /** Fills the whole target. */
  read(target: Uint8Array, offsetBytes: number): Promise<void>;
  /** The same without waiting, for tables inside synchronous iteration; small reads only. */
  readNow(target: Uint8Array, offsetBytes: number): void;
  write(data: Uint8Array, offsetBytes: number): Promise<void>;
  /** What is added reads zero. */
  resize(sizeBytes: number): Promise<void>;
  /** What was written and resized so far survives a power loss. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

/** How files are opened. Tests put a file system of their own here, which loses what was not synced. */
export interface DiskFiles {
  open(path: string, access: 'read' | 'write'): Promise<DiskFile>;
  /** A new, empty file; `DestinationOccupied` when the name is taken. */
  create(path: string): Promise<DiskFile>;
  /** Nothing to do when nothing is there. */
  remove(path: string): Promise<void>;
  /** The names in the folder of this file survive a power loss. */
  syncFolderOf(path: string): Promise<void>;
  /** The path with all links followed, or undefined when nothing is there. */
  realPath(path: string): Promise<string | undefined>;
}

/** Where the cache is passed by: what is written, since it has to become durable anyhow, and what is read of a file with holes. */
type Direct = { readonly reads?: DirectAccess; readonly writes?: DirectAccess };

/** A file that takes less of its disk than this of its length has holes worth passing the cache by. */
const sparseBelow = 0.9;
/** What `stat` counts blocks in, whatever those of the file system are. */
const statBlockBytes = 512;

const directOf = (handle: FileHandle, flags: string, { blocks, size }: Stats): Direct => ({
  ...(blocks * statBlockBytes < sparseBelow * size && { reads: new DirectAccess(handle, 'reads') }),
  ...(flags !== 'r' && { writes: new DirectAccess(handle, 'writes') }),
});

class NodeFile implements DiskFile {
  readonly path: string;
  readonly #handle: FileHandle;
  readonly #direct: Direct;
  #sizeBytes: number;

  constructor(path: string, handle: FileHandle, { direct, sizeBytes }: { direct: Direct; sizeBytes: number }) {
    this.path = path;
    this.#handle = handle;
    this.#direct = direct;
    this.#sizeBytes = sizeBytes;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  async read(target: Uint8Array, offsetBytes: number): Promise<void> {
    try {
      for (let done = (await this.#direct.reads?.transfer(target, offsetBytes)) ?? 0; done < target.length;) {
        const { bytesRead } = await this.#handle.read(target, done, target.length - done, offsetBytes + done);
        if (bytesRead === 0) throw this.#pastEnd(offsetBytes + target.length);
        done += bytesRead;
      }
    } catch (thrown) {
      throw ioError(thrown, `reading at byte ${offsetBytes}`, this.path, 'none');
    }
  }

  readNow(target: Uint8Array, offsetBytes: number): void {
    let done = 0;
    while (done < target.length) {
      const bytesRead = this.#readOnce(target, done, offsetBytes);
      if (bytesRead === 0) throw this.#pastEnd(offsetBytes + target.length);
      done += bytesRead;
    }
  }

  async write(data: Uint8Array, offsetBytes: number): Promise<void> {
    await this.#run(`writing at byte ${offsetBytes}`, async () => {
      for (let done = (await this.#direct.writes?.transfer(data, offsetBytes)) ?? 0; done < data.length;) {
        const left = data.length - done;
        done += (await this.#handle.write(data, done, left, offsetBytes + done)).bytesWritten;
      }
    });
    this.#sizeBytes = Math.max(this.#sizeBytes, offsetBytes + data.length);
  }

  async resize(sizeBytes: number): Promise<void> {
    await this.#run(`setting the length to ${sizeBytes} bytes`, () => this.#handle.truncate(sizeBytes));
    this.#sizeBytes = sizeBytes;
  }

  sync(): Promise<void> {
    return this.#run('flushing', () => this.#handle.datasync());
  }

  close(): Promise<void> {
    return this.#run('closing', async () => {
      try {
        await this.#direct.reads?.close();
        await this.#direct.writes?.close();
      } finally {
        await this.#handle.close();
      }
    });
  }

  #readOnce(target: Uint8Array, done: number, offsetBytes: number): number {
    try {
      return readSync(this.#handle.fd, target, done, target.length - done, offsetBytes + done);
    } catch (thrown) {
      throw ioError(thrown, `reading at byte ${offsetBytes}`, this.path, 'none');
    }
  }

  #pastEnd(neededBytes: number): DiskError {
    const message = `${this.path}: the file ends at byte ${this.#sizeBytes}, its tables need ${neededBytes}`;
    return new DiskError(failureOf('DiskTruncated', { message }));
  }

  async #run(action: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (thrown) {
      throw ioError(thrown, action, this.path, 'unknown');
    }
  }
}

async function openNode(path: string, flags: string): Promise<DiskFile> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(path, flags);
    const stats = await handle.stat();
    return new NodeFile(path, handle, { direct: directOf(handle, flags, stats), sizeBytes: stats.size });
  } catch (thrown) {
    await handle?.close();
    if (isOccupied(thrown)) {
      const message = `${path} is there already`;
      throw new DiskError(failureOf('DestinationOccupied', { message }), { cause: thrown });
    }
    throw ioError(thrown, 'opening', path, 'none');
  }
}

async function syncFolder(path: string): Promise<void> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(dirname(path), 'r');
    await handle.sync();
  } catch (thrown) {
    if (!cannotSyncFolder(thrown)) throw ioError(thrown, 'flushing the folder', path, 'unknown');
  } finally {
    await handle?.close();
  }
}

async function remove(path: string): Promise<void> {
  try {
    await rm(path, { force: true });
  } catch (thrown) {
    throw ioError(thrown, 'removing', path, 'unknown');
  }
}

async function realPath(path: string): Promise<string | undefined> {
  try {
    return await realpath(path);
  } catch (thrown) {
    if (isMissing(thrown)) return undefined;
    throw ioError(thrown, 'following the path', path, 'none');
  }
}

/** The files of this machine. */
export const nodeFiles: DiskFiles = {
  open: (path, access) => openNode(path, access === 'read' ? 'r' : 'r+'),
  create: (path) => openNode(path, 'wx+'),
  remove,
  syncFolderOf: syncFolder,
  realPath,
};
