import type { DiskFile } from '../file';
import type { Piece } from './block-table';

/** A sector bitmap in memory, the lowest bit of a byte first; in the file the highest bit is. */
type Bitmap = { readonly place: number; readonly bits: Buffer; isChanged: boolean; used: boolean };

const cacheBytes = 8 * 1024 * 1024;

const reversedBytes = Uint8Array.from({ length: 256 }, (_, byte) => {
  let reversed = 0;
  for (let bit = 0; bit < 8; bit++) if ((byte & (1 << bit)) !== 0) reversed |= 0x80 >> bit;
  return reversed;
});

function reverse(bytes: Buffer): Buffer {
  for (let index = 0; index < bytes.length; index++) bytes[index] = reversedBytes[bytes[index] ?? 0] ?? 0;
  return bytes;
}

/** Sector bitmaps by the place in the file where they stand; at most 8 MiB of them beside those that are newer than the file. */
export class Bitmaps {
  readonly #file: DiskFile;
  readonly #bytesEach: number;
  readonly #countMax: number;
  readonly #bitmaps = new Map<number, Bitmap>();
  readonly #loading = new Map<number, Promise<void>>();
  #changedCount = 0;

  constructor(file: DiskFile, bytesEach: number) {
    this.#file = file;
    this.#bytesEach = bytesEach;
    this.#countMax = Math.max(2, Math.floor(cacheBytes / bytesEach));
  }

  /** They cannot leave memory, so their owner flushes when they grow many. */
  get changedBytes(): number {
    return this.#changedCount * this.#bytesEach;
  }

  /** The bits of a bitmap; read at once when it is not in memory. */
  now(place: number): Buffer {
    const known = this.#bitmaps.get(place);
    if (known !== undefined) {
      known.used = true;
      return known.bits;
    }
    const bits = Buffer.allocUnsafe(this.#bytesEach);
    this.#file.readNow(bits, place);
    this.#loading.delete(place);
    return this.#keep(place, reverse(bits)).bits;
  }

  /** Reads a bitmap into memory without blocking; undefined when it is there. */
  ensure(place: number): Promise<void> | undefined {
    return this.#bitmaps.has(place) ? undefined : (this.#loading.get(place) ?? this.#load(place));
  }

  /** A bitmap that stands nowhere yet: of a block that is placed there now. */
  make(place: number, bits: 'none' | 'all'): void {
    this.#loading.delete(place);
    const before = this.#bitmaps.get(place);
    if (before?.isChanged === true) this.#changedCount--;
    this.#bitmaps.delete(place);
    this.#keep(place, Buffer.alloc(this.#bytesEach, bits === 'all' ? 0xff : 0));
    this.markChanged(place);
  }

  /** A bitmap of a block that left its place. */
  forget(place: number): void {
    this.#loading.delete(place);
    if (this.#bitmaps.get(place)?.isChanged === true) this.#changedCount--;
    this.#bitmaps.delete(place);
  }

  /** To be called after bits were changed. */
  markChanged(place: number): void {
    const bitmap = this.#bitmaps.get(place);
    if (bitmap === undefined || bitmap.isChanged) return;
    bitmap.isChanged = true;
    this.#changedCount++;
  }

  /** Those that are newer than the file, as they shall stand there, in the order of the file. */
  changes(): Piece[] {
    const changed = [...this.#bitmaps.values()].filter((bitmap) => bitmap.isChanged);
    changed.sort((a, b) => a.place - b.place);
    return changed.map(({ place, bits }) => ({ offsetBytes: place, bytes: reverse(Buffer.from(bits)) }));
  }

  /** The changes stand in the file. */
  settle(): void {
    for (const bitmap of this.#bitmaps.values()) bitmap.isChanged = false;
    this.#changedCount = 0;
  }

  #load(place: number): Promise<void> {
    const bits = Buffer.allocUnsafe(this.#bytesEach);
    const loading: Promise<void> = this.#file.read(bits, place).then(
      () => {
        // Read at once or made anew meanwhile: what came first counts.
        if (this.#loading.get(place) !== loading) return;
        this.#loading.delete(place);
        this.#keep(place, reverse(bits));
      },
      (thrown: unknown) => {
        this.#loading.delete(place);
        throw thrown;
      },
    );
    this.#loading.set(place, loading);
    return loading;
  }

  #keep(place: number, bits: Buffer): Bitmap {
    if (this.#bitmaps.size >= this.#countMax) this.#makeRoom();
    const bitmap = { place, bits, isChanged: false, used: true };
    this.#bitmaps.set(place, bitmap);
    return bitmap;
  }

  /** Second chance: in the order of arrival, the first one that was not used since the last look goes. */
  #makeRoom(): void {
    let looks = 2 * this.#bitmaps.size;
    for (const [place, bitmap] of this.#bitmaps) {
      if (looks-- === 0) return;
      this.#bitmaps.delete(place);
      if (!bitmap.isChanged && !bitmap.used) return;
      bitmap.used = false;
      this.#bitmaps.set(place, bitmap);
    }
  }
}
