import { posix } from 'node:path';
import type { Draw } from './chance';
import { FileNode, FileTree, FolderNode, namesOf, sectorBytes } from './file-tree';
import { done, SystemError, type FileAct, type FileFate } from './file-fates';
import type { Loop } from './loop';
import { currentProgram, never, type Program } from './program';

/** The machine that has files; programs of others use them over the network. */
export type FilesOwner = {
  isOther: (program: Program) => boolean;
  isReachableBy: (program: Program) => boolean;
  /** Ends the machine's own program. */
  kill: () => void;
};

export type MachineFilesOptions = {
  readonly loop: Loop;
  readonly draw: Draw;
  /** Longest time that a sync takes; 0 for none. */
  readonly syncMsMax: number;
  /** How fast large pieces are written; without it they take no time. */
  readonly writtenBytesPerMs?: number;
  /** Decides what becomes of each act. */
  fateOf: (act: FileAct) => FileFate;
  /** For files that belong to a machine: how a program of another one fares with them. Without it nobody is another. */
  readonly owner?: FilesOwner;
  /** Told when a name was set, moved or removed. */
  namesChanged: (path: string) => void;
  /** Told when a file was written. */
  written: (path: string) => void;
};

/** Pieces below this take no time of their own. */
const largeBytes = 256 * 1024;

type Facts = {
  readonly size: number | bigint;
  readonly blocks: number;
  readonly mtimeNs: bigint;
  readonly isFile: () => boolean;
  readonly isDirectory: () => boolean;
  readonly isSymbolicLink: () => boolean;
};

/**
 * `node:fs/promises` of one simulated machine: what the agent uses of it, with the errors and the guarantees of Linux. What a platform
 * does beyond that (a call that nobody made so far) fails loudly. The same suite runs on it and on the real one.
 */
export class MachineFiles {
  tree = new FileTree();

  constructor(readonly options: MachineFilesOptions) {}

  async open(path: string, flags: string | number = 'r'): Promise<Handle> {
    if (!currentProgram().isAlive) return never();
    const how = flagsOf(flags);
    const found = this.tree.find(path);
    if (found !== undefined && how.exclusive) throw new SystemError('EEXIST', 'open', path);
    if (found === undefined && !how.create) throw this.#missing('open', path);
    if (found instanceof FolderNode) {
      if (how.write) throw new SystemError('EISDIR', 'open', path);
      return new Handle(this, path, found, how.write);
    }
    const node = found ?? this.#make(path, 'open');
    if (how.truncate && node.sizeBytes > 0) node.resize(0);
    return new Handle(this, path, node, how.write);
  }

  async readFile(path: string, encoding?: 'utf8'): Promise<Buffer | string> {
    const node = this.fileAt(path, 'open');
    const bytes = Buffer.alloc(node.sizeBytes);
    await this.act({ kind: 'read', path, lengthBytes: bytes.length }, bytes);
    node.read(bytes, 0);
    return encoding === undefined ? bytes : bytes.toString(encoding);
  }

  async writeFile(path: string, data: string | Uint8Array, options: { readonly flag?: string } = {}): Promise<void> {
    const handle = await this.open(path, options.flag ?? 'w');
    await handle.writeFile(data);
  }

  async rename(from: string, to: string): Promise<void> {
    await this.act({ kind: 'names', path: to, lengthBytes: 0 });
    const [source, name] = this.#folderOf(from, 'rename');
    const [target, newName] = this.#folderOf(to, 'rename');
    if (!source.entries.has(name)) throw new SystemError('ENOENT', 'rename', from);
    const there = target.entries.get(newName);
    if (there instanceof FolderNode && there.entries.size > 0) throw new SystemError('ENOTEMPTY', 'rename', to);
    this.tree.move(source, name, target, newName);
    this.options.namesChanged(from);
    this.options.namesChanged(to);
  }

  /** A second name for a file. */
  async link(from: string, to: string): Promise<void> {
    await this.act({ kind: 'names', path: to, lengthBytes: 0 });
    const node = this.fileAt(from, 'link');
    const [target, newName] = this.#folderOf(to, 'link');
    if (target.entries.has(newName)) throw new SystemError('EEXIST', 'link', to);
    this.tree.set(target, newName, node);
    this.options.namesChanged(to);
  }

  async rm(path: string, options: { readonly recursive?: boolean; readonly force?: boolean } = {}): Promise<void> {
    await this.act({ kind: 'names', path, lengthBytes: 0 });
    const found = this.tree.find(path);
    if (found === undefined) {
      if (options.force === true) return;
      throw this.#missing('rm', path);
    }
    if (found instanceof FolderNode) {
      if (options.recursive !== true) throw new SystemError('EISDIR', 'rm', path);
      this.#empty(found, path);
    }
    this.#remove(path);
  }

  async rmdir(path: string): Promise<void> {
    await this.act({ kind: 'names', path, lengthBytes: 0 });
    const found = this.tree.find(path);
    if (found === undefined) throw this.#missing('rmdir', path);
    if (found instanceof FileNode) throw new SystemError('ENOTDIR', 'rmdir', path);
    if (found.entries.size > 0) throw new SystemError('ENOTEMPTY', 'rmdir', path);
    this.#remove(path);
  }

  async mkdir(path: string, options: { readonly recursive?: boolean } = {}): Promise<string | undefined> {
    await this.act({ kind: 'names', path, lengthBytes: 0 });
    let first: string | undefined;
    let folder = this.tree.root;
    let at = '';
    const names = namesOf(path);
    for (const [index, name] of names.entries()) {
      at += `/${name}`;
      const next = folder.entries.get(name);
      const last = index === names.length - 1;
      if (next instanceof FileNode) throw new SystemError(last ? 'EEXIST' : 'ENOTDIR', 'mkdir', path);
      if (next !== undefined && last && options.recursive !== true) throw new SystemError('EEXIST', 'mkdir', path);
      if (next === undefined && !last && options.recursive !== true) throw this.#missing('mkdir', path);
      const made = next ?? new FolderNode();
      if (next === undefined) {
        this.tree.set(folder, name, made);
        first ??= at;
      }
      folder = made;
    }
    return options.recursive === true ? first : undefined;
  }

  async readdir(path: string, options?: { readonly withFileTypes: true }): Promise<unknown[]> {
    if (!currentProgram().isAlive) return never();
    const found = this.tree.find(path);
    if (found === undefined) throw this.#missing('scandir', path);
    if (found instanceof FileNode) throw new SystemError('ENOTDIR', 'scandir', path);
    const names = [...found.entries.keys()].sort();
    if (options === undefined) return names;
    return names.map((name) => ({ name, ...kindOf(found.entries.get(name)) }));
  }

  async stat(path: string, { bigint = false }: { readonly bigint?: boolean } = {}): Promise<Facts> {
    if (!currentProgram().isAlive) return never();
    const found = this.tree.find(path);
    if (found === undefined) throw this.#missing('stat', path);
    const file = found instanceof FileNode ? found : undefined;
    const size = file?.sizeBytes ?? 0;
    return {
      size: bigint ? BigInt(size) : size,
      blocks: (file?.allocatedBytes ?? 0) / sectorBytes,
      mtimeNs: BigInt(Math.floor((file?.modifiedAtMs ?? 0) * 1000)) * 1000n,
      ...kindOf(found),
    };
  }

  async realpath(path: string): Promise<string> {
    if (!currentProgram().isAlive) return never();
    if (this.tree.find(path) === undefined) throw this.#missing('realpath', path);
    return posix.normalize(path);
  }

  fileAt(path: string, call: string): FileNode {
    const found = this.tree.find(path);
    if (found === undefined) throw this.#missing(call, path);
    if (found instanceof FolderNode) throw new SystemError('EISDIR', call, path);
    return found;
  }

  /** Waits for the disk, and lets a fault strike. `read` is what a damaged read spoils, after the caller has filled it. */
  async act(act: FileAct, part?: Uint8Array, partly?: (lengthBytes: number) => void): Promise<FileFate> {
    const program = currentProgram();
    if (!program.isAlive) return never();
    this.checkReach(act.kind, act.path);
    const fate = this.options.fateOf(act);
    if (fate.kind === 'error') throw new SystemError(fate.code, act.kind, act.path);
    if (fate.kind === 'dies') {
      partly?.(this.options.draw.between(0, Math.floor((part?.length ?? 0) / sectorBytes)) * sectorBytes);
      if (this.#isOther(program)) {
        this.options.owner?.kill();
        throw new SystemError('EIO', act.kind, act.path);
      }
      program.kill();
      return never();
    }
    const { loop, draw, syncMsMax, writtenBytesPerMs } = this.options;
    if (act.kind === 'sync' && syncMsMax > 0) {
      await loop.pass(draw.fraction() * syncMsMax);
    }
    if (act.kind === 'write' && act.lengthBytes >= largeBytes && writtenBytesPerMs !== undefined)
      await loop.pass(act.lengthBytes / writtenBytesPerMs);
    return fate;
  }

  /** Throws where the machine cannot be reached by the program at work. */
  checkReach(call: string, path: string): void {
    const program = currentProgram();
    if (this.#isOther(program) && this.options.owner?.isReachableBy(program) === false)
      throw new SystemError('EIO', call, path);
  }

  #isOther(program: Program): boolean {
    return this.options.owner?.isOther(program) === true;
  }

  /** What a call says of a path where nothing is: that a file stands in its way, or just that. */
  #missing(call: string, path: string): SystemError {
    const names = namesOf(path);
    const inTheWay = names.some((_, index) => this.tree.find(names.slice(0, index).join('/')) instanceof FileNode);
    return new SystemError(inTheWay ? 'ENOTDIR' : 'ENOENT', call, path);
  }

  #make(path: string, call: string): FileNode {
    const [folder, name] = this.#folderOf(path, call);
    const made = new FileNode();
    this.tree.set(folder, name, made);
    this.options.namesChanged(path);
    return made;
  }

  #remove(path: string): void {
    const [folder, name] = this.#folderOf(path, 'rm');
    this.tree.set(folder, name, undefined);
    this.options.namesChanged(path);
  }

  #empty(folder: FolderNode, path: string): void {
    for (const [name, node] of [...folder.entries]) {
      if (node instanceof FolderNode) this.#empty(node, `${path}/${name}`);
      this.tree.set(folder, name, undefined);
      this.options.namesChanged(`${path}/${name}`);
    }
  }

  #folderOf(path: string, call: string): [FolderNode, string] {
    const names = namesOf(path);
    const name = names.pop();
    if (name === undefined) throw new SystemError('EBUSY', call, path);
    const folder = this.tree.find(names.join('/'));
    if (folder === undefined) throw this.#missing(call, path);
    if (folder instanceof FileNode) throw new SystemError('ENOTDIR', call, path);
    return [folder, name];
  }
}

const kindOf = (node: FileNode | FolderNode | undefined) => ({
  isFile: () => node instanceof FileNode,
  isDirectory: () => node instanceof FolderNode,
  isSymbolicLink: () => false,
});

type Flags = {
  readonly write: boolean;
  readonly create: boolean;
  readonly truncate: boolean;
  readonly exclusive: boolean;
};

function flagsOf(flags: string | number): Flags {
  switch (flags) {
    case 'r':
    case 0:
      return { write: false, create: false, truncate: false, exclusive: false };
    case 'r+':
      return { write: true, create: false, truncate: false, exclusive: false };
    case 'w':
    case 'w+':
      return { write: true, create: true, truncate: true, exclusive: false };
    case 'wx':
    case 'wx+':
      return { write: true, create: true, truncate: true, exclusive: true };
    default:
      throw new Error(`the simulated machine does not open files with ${flags}`);
  }
}

/** An opened file or folder. */
export class Handle {
  readonly #program: Program = currentProgram();
  #position = 0;
  #isOpen = true;

  constructor(
    private readonly files: MachineFiles,
    private readonly path: string,
    readonly node: FileNode | FolderNode,
    private readonly isWritable: boolean,
  ) {}

  /** Stands in for the number that `readSync` takes. */
  get fd(): this {
    return this;
  }

  async read(
    target: Uint8Array,
    offset: number,
    lengthBytes: number,
    position: number,
  ): Promise<{ readonly bytesRead: number }> {
    const fate = await this.#act({ kind: 'read', path: this.path, lengthBytes });
    return { bytesRead: this.readNow(target, offset, lengthBytes, position, fate) };
  }

  readNow(target: Uint8Array, offset: number, lengthBytes: number, position: number, fate: FileFate = done): number {
    const part = target.subarray(offset, offset + lengthBytes);
    const bytesRead = this.#file.read(part, position);
    if (fate.kind === 'damaged' && bytesRead > 0) {
      const at = Math.floor(fate.bit / 8) % bytesRead;
      part[at] = (part[at] ?? 0) ^ (1 << (fate.bit % 8));
    }
    return bytesRead;
  }

  async write(
    data: Uint8Array,
    offset: number,
    lengthBytes: number,
    position: number,
  ): Promise<{ readonly bytesWritten: number }> {
    await this.#put(data.subarray(offset, offset + lengthBytes), position);
    return { bytesWritten: lengthBytes };
  }

  async writeFile(data: string | Uint8Array): Promise<void> {
    const bytes = typeof data === 'string' ? Buffer.from(data) : data;
    const position = this.#position;
    this.#position += bytes.length;
    await this.#put(bytes, position);
  }

  async truncate(sizeBytes: number): Promise<void> {
    await this.#act({ kind: 'resize', path: this.path, lengthBytes: sizeBytes });
    this.#file.resize(sizeBytes);
    this.#noteChange();
  }

  async sync(): Promise<void> {
    await this.#act({ kind: 'sync', path: this.path, lengthBytes: 0 });
    if (this.node instanceof FileNode) this.node.sync();
    else this.files.tree.flush(this.node);
  }

  datasync(): Promise<void> {
    return this.sync();
  }

  async stat(): Promise<{ readonly size: number }> {
    this.#check();
    return { size: this.#file.sizeBytes };
  }

  async close(): Promise<void> {
    this.#check();
    this.#isOpen = false;
  }

  async #put(bytes: Uint8Array, position: number): Promise<void> {
    if (!this.isWritable) throw new SystemError('EBADF', 'write', this.path);
    const act: FileAct = { kind: 'write', path: this.path, lengthBytes: bytes.length };
    await this.#act(act, bytes, (lengthBytes) => this.#file.write(bytes.subarray(0, lengthBytes), position));
    this.#file.write(bytes, position);
    this.#noteChange();
  }

  #noteChange(): void {
    this.#file.modifiedAtMs = this.files.options.loop.nowMs;
    this.files.options.written(this.path);
  }

  async #act(act: FileAct, part?: Uint8Array, partly?: (lengthBytes: number) => void): Promise<FileFate> {
    if (!this.#program.isAlive) return never();
    this.#check();
    return this.files.act(act, part, partly);
  }

  #check(): void {
    if (!this.#isOpen) throw new SystemError('EBADF', 'handle', this.path);
  }

  get #file(): FileNode {
    if (this.node instanceof FileNode) return this.node;
    throw new SystemError('EISDIR', 'read', this.path);
  }
}
