import { failureOf } from '../../../contracts/failure';
import { DiskError } from '../failures';
import type { DiskFile, DiskFiles } from '../file';
import type { SeededRandom } from './random';

const pageBytes = 4096;

/** Thrown by every operation on a machine whose power is gone. No failure of a disk: nobody is there to handle it. */
export class PowerLoss extends Error {}

/** Sparse bytes with a length. */
class Store {
  readonly #pages = new Map<number, Buffer>();
  sizeBytes = 0;

  read(target: Uint8Array, offset: number): void {
    for (let done = 0; done < target.length;) {
      const within = (offset + done) % pageBytes;
      const count = Math.min(target.length - done, pageBytes - within);
      const page = this.#pages.get((offset + done - within) / pageBytes);
      if (page === undefined) target.fill(0, done, done + count);
      else target.set(page.subarray(within, within + count), done);
      done += count;
    }
  }

  write(data: Uint8Array, offset: number): void {
    this.sizeBytes = Math.max(this.sizeBytes, offset + data.length);
    for (let done = 0; done < data.length;) {
      const within = (offset + done) % pageBytes;
      const count = Math.min(data.length - done, pageBytes - within);
      const number = (offset + done - within) / pageBytes;
      const page = this.#pages.get(number) ?? Buffer.alloc(pageBytes);
      this.#pages.set(number, page);
      page.set(data.subarray(done, done + count), within);
      done += count;
    }
  }

  resize(sizeBytes: number): void {
    if (sizeBytes < this.sizeBytes) {
      for (const number of this.#pages.keys()) if (number * pageBytes >= sizeBytes) this.#pages.delete(number);
      const within = sizeBytes % pageBytes;
      this.#pages.get((sizeBytes - within) / pageBytes)?.fill(0, within);
    }
    this.sizeBytes = sizeBytes;
  }

  copy(): Store {
    const copy = new Store();
    copy.sizeBytes = this.sizeBytes;
    for (const [number, page] of this.#pages) copy.#pages.set(number, Buffer.from(page));
    return copy;
  }
}

type Change =
  | { readonly kind: 'write'; readonly offset: number; readonly data: Buffer }
  | { readonly kind: 'resize'; readonly sizeBytes: number };

/** One file: what survives a power loss, and what was changed since the last flush. */
class Content {
  durable = new Store();
  current = new Store();
  unsynced: Change[] = [];

  change(change: Change): void {
    apply(this.current, change);
    this.unsynced.push(change);
  }

  sync(): void {
    for (const change of this.unsynced) apply(this.durable, change);
    this.unsynced = [];
  }

  /** Any sector of the disk below that was written since the last flush may have reached the disk or not, whatever became of the others. */
  losePower(random: SeededRandom, keep: number, atomBytes: number): void {
    const sizes = [this.durable.sizeBytes];
    const left = this.durable;
    for (const change of this.unsynced) {
      if (change.kind === 'resize') {
        sizes.push(change.sizeBytes);
        continue;
      }
      sizes.push(Math.max(sizes.at(-1) ?? 0, change.offset + change.data.length));
      for (let at = 0; at < change.data.length;) {
        const length = Math.min(atomBytes - ((change.offset + at) % atomBytes), change.data.length - at);
        if (random.next() < keep) left.write(change.data.subarray(at, at + length), change.offset + at);
        at += length;
      }
    }
    const size = keep === 1 ? sizes.at(-1) : keep === 0 ? sizes[0] : random.pick(sizes);
    left.resize(size ?? 0);
    this.current = left.copy();
    this.unsynced = [];
  }
}

function apply(store: Store, change: Change): void {
  if (change.kind === 'write') store.write(change.data, change.offset);
  else store.resize(change.sizeBytes);
}

/**
 * A file system in memory that forgets what was not flushed when its power goes, and whose power goes at a chosen operation. It counts
 * what it is asked for.
 */
export class MemoryFiles implements DiskFiles {
  readonly #contents = new Map<string, Content>();
  readonly #atomBytes: 512 | 4096;
  /** Writes, resizes and flushes so far. */
  operations = 0;
  /** The operation, counted from 1, during which the power goes. */
  powerLossAt = Number.POSITIVE_INFINITY;
  /** Bytes that all files together may have written; more is a full volume. */
  bytesLeft = Number.POSITIVE_INFINITY;
  /** Flushes fail from now on, as on a dying disk. */
  isDying = false;
  readonly calls: { readonly kind: 'read' | 'write' | 'resize' | 'sync'; readonly lengthBytes: number }[] = [];

  /** `atomBytes`: what a power loss does not tear, the sector of the disk below. */
  constructor(atomBytes: 512 | 4096 = 512) {
    this.#atomBytes = atomBytes;
  }

  async open(path: string, access: 'read' | 'write'): Promise<DiskFile> {
    const content = this.#contents.get(path);
    if (content === undefined)
      throw new DiskError(failureOf('IoFailed', { message: `${path}: opening failed with ENOENT` }));
    return new MemoryFile(path, content, this, access);
  }

  async create(path: string): Promise<DiskFile> {
    if (this.#contents.has(path))
      throw new DiskError(failureOf('DestinationOccupied', { message: `${path} is there already` }));
    const content = new Content();
    this.#contents.set(path, content);
    return new MemoryFile(path, content, this, 'write');
  }

  async remove(path: string): Promise<void> {
    this.#contents.delete(path);
  }

  async syncFolderOf(): Promise<void> {
    // Names are never lost here.
  }

  async realPath(path: string): Promise<string | undefined> {
    return this.#contents.has(path) || [...this.#contents.keys()].some((file) => file.startsWith(`${path}/`))
      ? path
      : undefined;
  }

  /** The power goes and comes back. `keep`: which part of what was not flushed is there afterwards. */
  losePower(random: SeededRandom, keep: number): void {
    for (const content of this.#contents.values()) content.losePower(random, keep, this.#atomBytes);
    this.powerLossAt = Number.POSITIVE_INFINITY;
  }

  /** A file system with the same files, all of them flushed. */
  copy(): MemoryFiles {
    const copy = new MemoryFiles(this.#atomBytes);
    for (const [path, content] of this.#contents) {
      const copied = new Content();
      copied.durable = content.current.copy();
      copied.current = content.current.copy();
      copy.#contents.set(path, copied);
    }
    return copy;
  }

  bytesOf(path: string, offset = 0, length?: number): Buffer {
    const content = this.#contents.get(path);
    if (content === undefined) throw new Error(`${path} is not there`);
    const bytes = Buffer.alloc(length ?? content.current.sizeBytes - offset);
    content.current.read(bytes, offset);
    return bytes;
  }

  put(path: string, bytes: Buffer): void {
    const content = new Content();
    content.change({ kind: 'resize', sizeBytes: bytes.length });
    content.change({ kind: 'write', offset: 0, data: bytes });
    content.sync();
    this.#contents.set(path, content);
  }

  /** Changes bytes of a file, as damage does. */
  patch(path: string, offset: number, data: Uint8Array): void {
    const content = this.#contents.get(path);
    content?.change({ kind: 'write', offset, data: Buffer.from(data) });
    content?.sync();
  }

  truncate(path: string, sizeBytes: number): void {
    const content = this.#contents.get(path);
    content?.change({ kind: 'resize', sizeBytes });
    content?.sync();
  }

  /** Throws when the power goes during this operation, after `effect` where the operation may have had one. */
  count(effect: () => void, isSync: boolean): void {
    this.operations++;
    if (this.operations > this.powerLossAt) throw new PowerLoss();
    const isLast = this.operations === this.powerLossAt;
    if (!isLast || !isSync) effect();
    if (isLast) throw new PowerLoss();
  }
}

class MemoryFile implements DiskFile {
  readonly path: string;
  readonly #content: Content;
  readonly #files: MemoryFiles;
  readonly #access: 'read' | 'write';

  constructor(path: string, content: Content, files: MemoryFiles, access: 'read' | 'write') {
    this.path = path;
    this.#content = content;
    this.#files = files;
    this.#access = access;
  }

  get sizeBytes(): number {
    return this.#content.current.sizeBytes;
  }

  async read(target: Uint8Array, offset: number): Promise<void> {
    this.readNow(target, offset);
  }

  readNow(target: Uint8Array, offset: number): void {
    this.#files.calls.push({ kind: 'read', lengthBytes: target.length });
    if (offset + target.length > this.sizeBytes)
      throw new DiskError(failureOf('DiskTruncated', { message: `${this.path}: the file ends` }));
    this.#content.current.read(target, offset);
  }

  async write(data: Uint8Array, offset: number): Promise<void> {
    this.#assertWritable();
    this.#files.calls.push({ kind: 'write', lengthBytes: data.length });
    if (data.length > this.#files.bytesLeft)
      throw new DiskError(failureOf('DiskFull', { message: `${this.path}: writing failed with ENOSPC` }));
    this.#files.bytesLeft -= data.length;
    const copy = Buffer.from(data);
    this.#files.count(() => this.#content.change({ kind: 'write', offset, data: copy }), false);
  }

  async resize(sizeBytes: number): Promise<void> {
    this.#assertWritable();
    this.#files.calls.push({ kind: 'resize', lengthBytes: sizeBytes });
    this.#files.count(() => this.#content.change({ kind: 'resize', sizeBytes }), false);
  }

  async sync(): Promise<void> {
    this.#assertWritable();
    this.#files.calls.push({ kind: 'sync', lengthBytes: 0 });
    if (this.#files.isDying)
      throw new DiskError(failureOf('IoFailed', { message: `${this.path}: flushing failed with EIO` }));
    this.#files.count(() => this.#content.sync(), true);
  }

  async close(): Promise<void> {
    // Nothing is held.
  }

  #assertWritable(): void {
    if (this.#access === 'read') throw new Error(`${this.path} was opened for reading and is written`);
  }
}
