import { constants } from 'node:fs';

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

const aligned = new WeakSet<ArrayBufferLike>();

/**
 * Memory that begins at the border of a page, so that a file can be written from it without a copy. It reads zero and costs nothing until
 * it is touched. JavaScript cannot ask for such memory by itself, but that of WebAssembly stands so in V8; where it cannot be had, or
 * would be of no use, it is ordinary memory, which is as good for everything else.
 */
export function pageMemory(lengthBytes: number): ArrayBufferLike {
  const ordinary = (): ArrayBufferLike => new ArrayBuffer(lengthBytes);
  if (directFlag === undefined) return ordinary();
  try {
    const pages = Math.ceil(lengthBytes / wasmPageBytes);
    const { buffer } = new WebAssembly.Memory({ initial: pages, maximum: pages });
    aligned.add(buffer);
    return buffer;
  } catch {
    return ordinary();
  }
}

/** Whether these bytes are whole pages of page memory. */
export const isWholePages = (bytes: Uint8Array): boolean =>
  aligned.has(bytes.buffer) && bytes.byteOffset % pageBytes === 0 && bytes.length % pageBytes === 0;
