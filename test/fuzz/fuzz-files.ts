import { failureOf } from '../../contracts/failure';
import { DiskError } from '../../agent/disks/failures';
import type { DiskFile, DiskFiles } from '../../agent/disks/file';

const pageBytes = 4096;
const zeroPage = Buffer.alloc(pageBytes);
/** No image that is fuzzed here needs more; a program that asks for it has lost its measure. */
export const writtenBytesMax = 256 * 1024 * 1024;

/** Bytes of a file that never change, as sparse pages. */
export type Snapshot = { readonly pages: ReadonlyMap<number, Buffer>; readonly sizeBytes: number };

export function snapshotOf(bytes: Buffer): Snapshot {
  const pages = new Map<number, Buffer>();
  for (let at = 0; at < bytes.length; at += pageBytes) {
    const part = bytes.subarray(at, at + pageBytes);
    if (part.equals(zeroPage.subarray(0, part.length))) continue;
    pages.set(at / pageBytes, Buffer.concat([part], pageBytes));
  }
  return { pages, sizeBytes: bytes.length };
}

/** Something that no input may bring about. */
export class Finding extends Error {}

/** A file over a snapshot: what is written stays in memory beside it. */
class OverlayFile implements DiskFile {
  readonly path: string;
  readonly #below: Snapshot;
  readonly #pages = new Map<number, Buffer>();
  #sizeBytes: number;

  constructor(path: string, below: Snapshot) {
    this.path = path;
    this.#below = below;
    this.#sizeBytes = below.sizeBytes;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  async read(target: Uint8Array, offsetBytes: number): Promise<void> {
    this.readNow(target, offsetBytes);
  }

  readNow(target: Uint8Array, offsetBytes: number): void {
    if (!Number.isSafeInteger(offsetBytes) || offsetBytes < 0) throw new Finding(`reads at byte ${offsetBytes}`);
    if (offsetBytes + target.length > this.#sizeBytes)
      throw new DiskError(failureOf('DiskTruncated', { message: `${this.path}: the file ends` }));
    this.#eachPage(target.length, offsetBytes, (number, within, done, count) => {
      const page = this.#pages.get(number) ?? this.#below.pages.get(number);
      if (page === undefined) target.fill(0, done, done + count);
      else target.set(page.subarray(within, within + count), done);
    });
  }

  async write(data: Uint8Array, offsetBytes: number): Promise<void> {
    this.patch(data, offsetBytes);
  }

  patch(data: Uint8Array, offsetBytes: number): void {
    if (!Number.isSafeInteger(offsetBytes) || offsetBytes < 0) throw new Finding(`writes at byte ${offsetBytes}`);
    this.#sizeBytes = Math.max(this.#sizeBytes, offsetBytes + data.length);
    this.#eachPage(data.length, offsetBytes, (number, within, done, count) => {
      const page = this.#pages.get(number) ?? Buffer.from(this.#below.pages.get(number) ?? zeroPage);
      page.set(data.subarray(done, done + count), within);
      // Zeros take no memory: a log may ask for a gibibyte of them.
      if (page.equals(zeroPage) && !this.#below.pages.has(number)) this.#pages.delete(number);
      else this.#pages.set(number, page);
    });
    if (this.#pages.size * pageBytes > writtenBytesMax) throw new Finding('writes more than any disk here has');
  }

  async resize(sizeBytes: number): Promise<void> {
    this.cut(sizeBytes);
  }

  cut(sizeBytes: number): void {
    for (const number of [...this.#pages.keys(), ...this.#below.pages.keys()])
      if ((number + 1) * pageBytes > sizeBytes && number * pageBytes < this.#sizeBytes)
        this.#cutPage(number, sizeBytes);
    this.#sizeBytes = sizeBytes;
  }

  async sync(): Promise<void> {
    // Nothing is lost here.
  }

  async close(): Promise<void> {
    // Nothing is held.
  }

  #cutPage(number: number, sizeBytes: number): void {
    const page = Buffer.from(this.#pages.get(number) ?? this.#below.pages.get(number) ?? zeroPage);
    page.fill(0, Math.max(0, sizeBytes - number * pageBytes));
    this.#pages.set(number, page);
  }

  #eachPage(
    length: number,
    offset: number,
    use: (number: number, within: number, done: number, count: number) => void,
  ) {
    for (let done = 0; done < length;) {
      const within = (offset + done) % pageBytes;
      const count = Math.min(length - done, pageBytes - within);
      use(Math.floor((offset + done) / pageBytes), within, done, count);
      done += count;
    }
  }
}

/** The files of one input. Any other path than those below `/vms` that is asked about or opened is a finding. */
export class FuzzFiles implements DiskFiles {
  readonly #files = new Map<string, OverlayFile>();

  add(path: string, snapshot: Snapshot): OverlayFile {
    const file = new OverlayFile(path, snapshot);
    this.#files.set(path, file);
    return file;
  }

  async open(path: string): Promise<DiskFile> {
    this.#assertInside(path);
    const file = this.#files.get(path);
    if (file !== undefined) return file;
    throw new DiskError(failureOf('IoFailed', { message: `${path}: opening failed with ENOENT` }));
  }

  create(path: string): Promise<DiskFile> {
    return Promise.reject(new Finding(`creates ${path}`));
  }

  remove(path: string): Promise<void> {
    return Promise.reject(new Finding(`removes ${path}`));
  }

  async syncFolderOf(): Promise<void> {
    // Names are never lost here.
  }

  async realPath(path: string): Promise<string | undefined> {
    if (path === '/vms') return path;
    this.#assertInside(path);
    return this.#files.has(path) ? path : undefined;
  }

  #assertInside(path: string): void {
    if (!path.startsWith('/vms/') || path.includes('/../')) throw new Finding(`opens ${path}, outside of the roots`);
  }
}
