import { closeSync, constants, openSync, readSync } from 'node:fs';
import { hasLargePages, headOfPieceBytes, ownPieceBytesMin } from './large-pages';

/** Direct writes want memory, offset and length in whole pages; a file system that wants less is content with it. */
export const pageBytes = 4096;
/** WebAssembly counts its memory in these. */
const wasmPageBytes = 65_536;

/** Of the types of Node's own globals this one is missing. */
declare const WebAssembly: {
  readonly Memory: new (pages: { readonly initial: number; readonly maximum: number }) => {
    readonly buffer: ArrayBuffer;
  };
};

/** The flag that keeps the system's cache out of the way; undefined where Node knows none (Windows, macOS). */
export const directFlag: number | undefined = 'O_DIRECT' in constants ? constants.O_DIRECT : undefined;

/** Memory in which a page begins at this offset, and so at each that is whole pages away. */
const borders = new WeakMap<ArrayBufferLike, number>();

/**
 * Memory that begins at the border of a page, so that a file can be written from it without a copy. It reads zero and costs nothing until
 * it is touched. In large pages where this process has some and the piece is long enough for them (`largePieceBytes`). JavaScript cannot
 * ask for memory at a border by itself, but that of WebAssembly stands so in V8; where it cannot be had, or would be of no use, it is
 * ordinary memory, which is as good for everything else.
 */
export function pageMemory(lengthBytes: number): Buffer<ArrayBuffer> {
  if (directFlag === undefined) return ordinaryMemory(lengthBytes);
  return inLargePages(lengthBytes, directFlag) ?? ofWebAssembly(lengthBytes) ?? ordinaryMemory(lengthBytes);
}

/** Pieces of at least this length come in large pages. Asked for once and cut into smaller ones, they cost no more than those. */
export const largePieceBytes = (): number | undefined => (hasLargePages() ? ownPieceBytesMin : undefined);

/** Whether these bytes are whole pages of page memory. */
export function isWholePages(bytes: Uint8Array): boolean {
  const border = borders.get(bytes.buffer);
  return border !== undefined && (bytes.byteOffset - border) % pageBytes === 0 && bytes.length % pageBytes === 0;
}

const ordinaryMemory = (lengthBytes: number): Buffer<ArrayBuffer> => Buffer.from(new ArrayBuffer(lengthBytes));

function ofWebAssembly(lengthBytes: number): Buffer<ArrayBuffer> | undefined {
  try {
    const pages = Math.ceil(lengthBytes / wasmPageBytes);
    const { buffer } = new WebAssembly.Memory({ initial: pages, maximum: pages });
    return withBorder(buffer, 0, lengthBytes);
  } catch {
    return undefined;
  }
}

function inLargePages(lengthBytes: number, flag: number): Buffer<ArrayBuffer> | undefined {
  if (lengthBytes < ownPieceBytesMin || !hasLargePages()) return undefined;
  const border = pageBytes - headOfPieceBytes;
  const memory = new ArrayBuffer(border + lengthBytes);
  return standsAtBorder(memory, border, flag) ? withBorder(memory, border, lengthBytes) : undefined;
}

function withBorder(memory: ArrayBuffer, border: number, lengthBytes: number): Buffer<ArrayBuffer> {
  borders.set(memory, border);
  return Buffer.from(memory, border, lengthBytes);
}

/**
 * Where the C library puts things is no promise of it. So a page is read there past the cache, which the system refuses where none begins;
 * of a file that is there for certain.
 */
function standsAtBorder(memory: ArrayBuffer, border: number, flag: number): boolean {
  try {
    const file = openSync(process.execPath, constants.O_RDONLY | flag);
    try {
      const page = new Uint8Array(memory, border, pageBytes);
      const isRead = readSync(file, page, 0, pageBytes, 0) === pageBytes;
      page.fill(0);
      return isRead;
    } finally {
      closeSync(file);
    }
  } catch {
    return false;
  }
}
