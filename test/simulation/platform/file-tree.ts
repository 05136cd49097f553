/** Pages are what a file is kept in; sectors are what a power loss does not tear. */
export const pageBytes = 8192;
export const sectorBytes = 512;

/** Who may change a page in place: the file whose stamp it has. Any other copies it first, so snapshots cost nothing. */
type Stamp = { readonly stamp: true };
type Page = { readonly bytes: Buffer; readonly stamp: Stamp };

/** Pages are cut from slabs: memory outside of the heap costs much each time that it is asked for. */
const slabPages = 32;
let slab: Buffer = Buffer.alloc(0);
/** Slabs of this world, and those that worlds before it left. */
let cut: Buffer[] = [];
const left: Buffer[] = [];

function newPage(): Buffer {
  if (slab.length === 0) {
    slab = left.pop() ?? Buffer.allocUnsafeSlow(slabPages * pageBytes);
    cut.push(slab);
  }
  const page = slab.subarray(0, pageBytes);
  slab = slab.subarray(pageBytes);
  return page;
}

/** Whatever was written so far is there for good, in this world and in those after it. */
export function keepPages(): void {
  slab = Buffer.alloc(0);
  cut = [];
}

/** Nobody looks any more at what was written since `keepPages`: the next world writes over it. */
export function inheritPages(): void {
  left.push(...cut);
  keepPages();
}

const newStamp = (): Stamp => ({ stamp: true });

/** A file: what programs see of it, and what of that would survive a power loss. */
export class FileNode {
  sizeBytes = 0;
  /** When it was last written, in milliseconds since 1970. */
  modifiedAtMs = 0;
  #pages = new Map<number, Page>();
  #durableSizeBytes = 0;
  #durablePages = new Map<number, Page>();
  /** Pages that differ from what is durable. */
  readonly #dirty = new Set<number>();
  #stamp = newStamp();

  get allocatedBytes(): number {
    return this.#pages.size * pageBytes;
  }

  read(target: Uint8Array, offset: number): number {
    const count = Math.max(0, Math.min(target.length, this.sizeBytes - offset));
    for (let done = 0; done < count;) {
      const within = (offset + done) % pageBytes;
      const part = Math.min(count - done, pageBytes - within);
      const page = this.#pages.get((offset + done - within) / pageBytes);
      if (page === undefined) target.fill(0, done, done + part);
      else target.set(page.bytes.subarray(within, within + part), done);
      done += part;
    }
    return count;
  }

  write(data: Uint8Array, offset: number): void {
    for (let done = 0; done < data.length;) {
      const within = (offset + done) % pageBytes;
      const part = Math.min(data.length - done, pageBytes - within);
      const whole = part === pageBytes;
      this.#own((offset + done - within) / pageBytes, whole).set(data.subarray(done, done + part), within);
      done += part;
    }
    this.sizeBytes = Math.max(this.sizeBytes, offset + data.length);
  }

  resize(sizeBytes: number): void {
    if (sizeBytes < this.sizeBytes) {
      const within = sizeBytes % pageBytes;
      if (within > 0 && this.#pages.has((sizeBytes - within) / pageBytes))
        this.#own((sizeBytes - within) / pageBytes, false).fill(0, within);
      for (const number of this.#pages.keys()) {
        if (number * pageBytes < sizeBytes) continue;
        this.#pages.delete(number);
        this.#dirty.add(number);
      }
    }
    this.sizeBytes = sizeBytes;
  }

  sync(): void {
    for (const number of this.#dirty) {
      const page = this.#pages.get(number);
      if (page === undefined) this.#durablePages.delete(number);
      else this.#durablePages.set(number, page);
    }
    this.#dirty.clear();
    this.#durableSizeBytes = this.sizeBytes;
    this.#stamp = newStamp();
  }

  /** Each sector that was written since the last sync is there or not: `keeps` says so of one after the other. */
  losePower(keeps: () => boolean): void {
    const sizeBytes = keeps() ? this.sizeBytes : this.#durableSizeBytes;
    for (const number of this.#dirty) {
      const torn = Buffer.alloc(pageBytes);
      const before = this.#durablePages.get(number)?.bytes;
      const after = this.#pages.get(number)?.bytes;
      for (let at = 0; at < pageBytes; at += sectorBytes) {
        const from = keeps() ? after : before;
        if (from !== undefined) torn.set(from.subarray(at, at + sectorBytes), at);
      }
      if (before !== undefined || after !== undefined)
        this.#durablePages.set(number, { bytes: torn, stamp: newStamp() });
    }
    this.#dirty.clear();
    this.#durableSizeBytes = sizeBytes;
    this.#pages = new Map(this.#durablePages);
    this.sizeBytes = sizeBytes;
    this.#stamp = newStamp();
    // What stood behind the end does not come back when the file grows.
    const within = sizeBytes % pageBytes;
    for (const number of this.#pages.keys()) if (number * pageBytes >= sizeBytes) this.#pages.delete(number);
    if (within > 0 && this.#pages.has((sizeBytes - within) / pageBytes))
      this.#own((sizeBytes - within) / pageBytes, false).fill(0, within);
    this.sync();
  }

  /** The same content, all of it durable; pages are shared until one side changes them. */
  copy(): FileNode {
    const copy = new FileNode();
    copy.#pages = new Map(this.#pages);
    copy.#durablePages = new Map(this.#pages);
    copy.sizeBytes = copy.#durableSizeBytes = this.sizeBytes;
    copy.modifiedAtMs = this.modifiedAtMs;
    this.#stamp = newStamp();
    return copy;
  }

  /** The page to be changed, ours alone. */
  #own(number: number, overwritten: boolean): Buffer {
    const page = this.#pages.get(number);
    if (page?.stamp === this.#stamp) return page.bytes;
    const bytes = newPage();
    if (page !== undefined) bytes.set(page.bytes);
    else if (!overwritten) bytes.fill(0);
    this.#pages.set(number, { bytes, stamp: this.#stamp });
    this.#dirty.add(number);
    return bytes;
  }
}

export class FolderNode {
  readonly entries = new Map<string, FileNode | FolderNode>();
}

type Change = { readonly folders: readonly FolderNode[]; readonly undo: () => void };

/** Names that were changed and not flushed yet, in order: a power loss keeps the first of them and loses the rest. */
class NameJournal {
  #changes: Change[] = [];

  note(folders: readonly FolderNode[], undo: () => void): void {
    this.#changes.push({ folders, undo });
  }

  /** As with a file system's journal: what was changed before the last change in this folder is durable with it. */
  flush(folder: FolderNode): void {
    const last = this.#changes.findLastIndex((change) => change.folders.includes(folder));
    if (last !== -1) this.#changes.splice(0, last + 1);
  }

  losePower(keptCount: (changes: number) => number): void {
    for (const change of this.#changes.splice(keptCount(this.#changes.length)).reverse()) change.undo();
    this.#changes = [];
  }
}

/** The files of one machine: a tree of names over files, with what of both would survive a power loss. */
export class FileTree {
  readonly root = new FolderNode();
  readonly #journal = new NameJournal();

  find(path: string): FileNode | FolderNode | undefined {
    let node: FileNode | FolderNode = this.root;
    for (const name of namesOf(path)) {
      if (node instanceof FileNode) return undefined;
      const next: FileNode | FolderNode | undefined = node.entries.get(name);
      if (next === undefined) return undefined;
      node = next;
    }
    return node;
  }

  /** Sets or removes one name. */
  set(folder: FolderNode, name: string, node: FileNode | FolderNode | undefined): void {
    const before = folder.entries.get(name);
    put(folder, name, node);
    this.#journal.note([folder], () => put(folder, name, before));
  }

  /** Moves a name, in place of what has the new one. */
  move(from: FolderNode, name: string, to: FolderNode, newName: string): void {
    const node = from.entries.get(name);
    const replaced = to.entries.get(newName);
    put(from, name, undefined);
    put(to, newName, node);
    this.#journal.note([from, to], () => {
      put(to, newName, replaced);
      put(from, name, node);
    });
  }

  flush(folder: FolderNode): void {
    this.#journal.flush(folder);
  }

  losePower(keeps: () => boolean, keptCount: (changes: number) => number): void {
    this.#journal.losePower(keptCount);
    for (const { node } of this.files()) node.losePower(keeps);
  }

  *files(folder: FolderNode = this.root, path = ''): Generator<{ readonly path: string; readonly node: FileNode }> {
    for (const [name, node] of folder.entries) {
      if (node instanceof FileNode) yield { path: `${path}/${name}`, node };
      else yield* this.files(node, `${path}/${name}`);
    }
  }

  /** The same files, all of them durable. */
  copy(): FileTree {
    const copy = new FileTree();
    copyInto(this.root, copy.root);
    return copy;
  }
}

function copyInto(from: FolderNode, to: FolderNode): void {
  for (const [name, node] of from.entries) {
    if (node instanceof FileNode) {
      to.entries.set(name, node.copy());
      continue;
    }
    const folder = new FolderNode();
    copyInto(node, folder);
    to.entries.set(name, folder);
  }
}

export const namesOf = (path: string): string[] => path.split('/').filter((name) => name !== '' && name !== '.');

function put(folder: FolderNode, name: string, node: FileNode | FolderNode | undefined): void {
  if (node === undefined) folder.entries.delete(name);
  else folder.entries.set(name, node);
}
