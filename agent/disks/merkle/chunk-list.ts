import { open, stat, type FileHandle } from 'node:fs/promises';
import { failureOf } from '../../../contracts/failure';
import { ifExists } from '../../files';
import { chunkBytes, type ChunkDigest } from '../chunks';
import { DiskError, ioError } from '../failures';
import { ChunkTree } from './chunk-tree';
import { chunkLengthAt, zeroChunk } from './nodes';

// A chunk list: the digest of every chunk of a disk that does not read zero, as text. The first line names the format and the size of the
// disk; then comes a line for each chunk, its offset and its BLAKE3; the last has the size in place of an offset, and the Merkle root.
// Numbers have 16 digits, so that lines are equally long, and are read without believing how long they are.

const format = 'hyperferry-chunks-1';
const numberDigits = 16;
const headBytes = format.length + 1 + numberDigits + 1;
const lineBytes = numberDigits + 1 + 64 + 1;
const linesAtOnce = 1024;
const headPattern = /^hyperferry-chunks-1 (\d{16})\n$/;
const linePattern = /^(\d{16}) ([0-9a-f]{64})\n$/;

const lineOf = (first: string | number, second: string): string =>
  `${String(first).padStart(numberDigits, '0')} ${second}\n`;
const numberText = (value: number): string => String(value).padStart(numberDigits, '0');

/** Makes the lines of a chunk list from the digests of a disk, ascending; what they leave out reads zero. */
export class ChunkListLines {
  readonly #virtualSizeBytes: number;
  readonly #digests: AsyncIterable<ChunkDigest>;
  readonly #tree: ChunkTree;
  #merkleRoot: string | undefined;

  constructor(virtualSizeBytes: number, digests: AsyncIterable<ChunkDigest>) {
    this.#virtualSizeBytes = virtualSizeBytes;
    this.#digests = digests;
    this.#tree = new ChunkTree(virtualSizeBytes, 'zeros');
  }

  async *lines(): AsyncGenerator<string> {
    const size = this.#virtualSizeBytes;
    yield lineOf(format, numberText(size));
    for await (const { offsetBytes, digest } of this.#digests) {
      this.#tree.add(offsetBytes, digest);
      if (!digest.equals(zeroChunk(chunkLengthAt(size, offsetBytes))))
        yield lineOf(offsetBytes, digest.toString('hex'));
    }
    this.#merkleRoot = this.#tree.root();
    yield lineOf(size, this.#merkleRoot);
  }

  /** Once all lines were taken. */
  get merkleRoot(): string {
    if (this.#merkleRoot === undefined) throw new Error('a chunk list has its Merkle root when it has all its lines');
    return this.#merkleRoot;
  }
}

/** Where a list is, and what a failure calls the option or argument that named it. */
export type ListSource = { readonly path: string; readonly field: string };
type ListHandle = Pick<FileHandle, 'read' | 'close'>;

/** A chunk list in a file, which is not trusted: nothing is believed of it before its last line has the root of the others. */
export class ChunkList {
  readonly source: ListSource;
  readonly virtualSizeBytes: number;
  readonly #handle: ListHandle;

  private constructor(source: ListSource, handle: ListHandle, virtualSizeBytes: number) {
    this.source = source;
    this.#handle = handle;
    this.virtualSizeBytes = virtualSizeBytes;
  }

  /** Throws `DiskError`: `IoFailed`; `RequestInvalid` for what is no chunk list. */
  static async open(source: ListSource): Promise<ChunkList> {
    const handle = await readingOf(source.path, () => open(source.path, 'r'));
    return ChunkList.of(source, handle);
  }

  /** Of a file that is open, and is closed with the list, or at once if it is none. Throws as `open`. */
  static async of(source: ListSource, handle: ListHandle): Promise<ChunkList> {
    try {
      const head = headPattern.exec(await textAt(source.path, handle, 0, headBytes));
      const size = Number(head?.[1]);
      if (!Number.isSafeInteger(size)) throw notAList(source, 'its first line is not that of one');
      return new ChunkList(source, handle, size);
    } catch (thrown) {
      await handle.close();
      throw thrown;
    }
  }

  /** Chunks in ascending order. Throws `DiskError` where something is wrong, at the end if the root is. */
  async *ascending(): AsyncGenerator<ChunkDigest, string> {
    const tree = new ChunkTree(this.virtualSizeBytes, 'zeros');
    let last = -1;
    let saidRoot: string | undefined;
    for await (const { offsetBytes, digest } of this.#lines()) {
      if (saidRoot !== undefined) throw notAList(this.source, 'it goes on behind its Merkle root');
      if (offsetBytes === this.virtualSizeBytes) {
        saidRoot = digest.toString('hex');
        continue;
      }
      if (offsetBytes <= last || offsetBytes % chunkBytes !== 0 || offsetBytes > this.virtualSizeBytes)
        throw notAList(this.source, `a chunk at ${offsetBytes} cannot come after one at ${last}`);
      tree.add(offsetBytes, digest);
      last = offsetBytes;
      yield { offsetBytes, digest };
    }
    if (saidRoot === undefined) throw notAList(this.source, 'its last line, which has the Merkle root, is missing');
    if (saidRoot !== tree.root()) throw notAList(this.source, 'its Merkle root is not that of its chunks');
    return saidRoot;
  }

  /** The Merkle root, when all of the list was found to be in order. */
  async merkleRoot(): Promise<string> {
    const chunks = this.ascending();
    for (;;) {
      const next = await chunks.next();
      if (next.done === true) return next.value;
    }
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }

  async *#lines(): AsyncGenerator<ChunkDigest> {
    for (let at = headBytes; ;) {
      const text = await textAt(this.source.path, this.#handle, at, lineBytes * linesAtOnce);
      if (text.length === 0) return;
      for (let from = 0; from < text.length; from += lineBytes) {
        const line = linePattern.exec(text.slice(from, from + lineBytes));
        if (line === null) throw notAList(this.source, `there is no chunk at byte ${at + from} of the file`);
        yield { offsetBytes: Number(line[1]), digest: Buffer.from(line[2] ?? '', 'hex') };
      }
      at += text.length;
    }
  }
}

/**
 * Whether a list may be written to this path: nothing is there, or an empty file, or what began as a list. Anything else is somebody's disk or
 * document, or a device. Throws `DiskError`, `IoFailed`.
 */
export async function mayBecomeList(path: string): Promise<boolean> {
  const facts = await readingOf(path, () => ifExists(stat(path)));
  if (facts === undefined || (facts.isFile() && facts.size === 0)) return true;
  if (!facts.isFile()) return false;
  const handle = await readingOf(path, () => open(path, 'r'));
  try {
    return (await textAt(path, handle, 0, format.length + 1)) === `${format} `;
  } finally {
    await handle.close();
  }
}

/** Up to so many bytes of a file, fewer at its end, as Latin-1: a character a byte. */
async function textAt(path: string, handle: ListHandle, offset: number, bytesMax: number): Promise<string> {
  const buffer = Buffer.alloc(bytesMax);
  let filled = 0;
  while (filled < bytesMax) {
    const { bytesRead } = await readingOf(path, () => handle.read(buffer, filled, bytesMax - filled, offset + filled));
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return buffer.toString('latin1', 0, filled);
}

async function readingOf<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    throw ioError(thrown, 'reading', path, 'none');
  }
}

function notAList({ path, field }: ListSource, reason: string): DiskError {
  const message = `${path} is no whole chunk list: ${reason}`;
  const remedy = 'Write it again: hyperferry disk digest FILE --chunks LIST.';
  return new DiskError(failureOf('RequestInvalid', { message, remedy, subject: { field, value: path } }));
}
