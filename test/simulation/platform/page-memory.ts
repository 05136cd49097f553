/**
 * Memory that begins at the border of a page is asked for as that of WebAssembly (agent/disks/page-memory.ts), tens of MiB at a time for
 * each pull and each session that serves one. Made anew for each it costs a fifth of a seed's time, most of it in the collector of garbage
 * that such memory drives. So worlds inherit it: what one of them asked for serves the next. It is not cleared, as that which the product
 * uses again is not.
 */
const free = new Map<number, ArrayBuffer[]>();
let given: ArrayBuffer[] = [];

const wasmPageBytes = 65_536;

/** Stands in for `WebAssembly.Memory`. */
export class InheritedMemory {
  readonly buffer: ArrayBuffer;

  constructor({ initial }: { readonly initial: number }) {
    const lengthBytes = initial * wasmPageBytes;
    this.buffer = free.get(lengthBytes)?.pop() ?? new ArrayBuffer(lengthBytes);
    given.push(this.buffer);
  }
}

/** The world that was has ended: nothing in it goes on. */
export function inheritMemory(): void {
  for (const buffer of given) {
    const ofThatLength = free.get(buffer.byteLength);
    if (ofThatLength === undefined) free.set(buffer.byteLength, [buffer]);
    else ofThatLength.push(buffer);
  }
  given = [];
}
