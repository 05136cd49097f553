import { fillWithNoise } from '../seeded';

/** What the guest writes and remembers in. A multiple of both sector sizes that a VHDX may have. */
export const stampBlockBytes = 4096;

const sectorBytes = 512;
const sectorsOfBlock = stampBlockBytes / sectorBytes;
const magic = 0x59_52_46_48; // "HFRY"

/** A block of a guest's disk. `disk` is the ordinal of the disk in the VM's configuration, `block` counts from the work area's start. */
export type Place = { readonly seed: number; readonly disk: number; readonly block: number };

const mix = (a: number, b: number): number => {
  let mixed = Math.imul(a ^ (b + 0x9e3779b9), 0x2c1b3c6d);
  mixed = Math.imul(mixed ^ (mixed >>> 12), 0x297a2d39);
  return (mixed ^ (mixed >>> 15)) >>> 0;
};

/**
 * One 512-byte sector carries seed, sequence and its own place, and noise that follows from them, so that a sector which is old,
 * foreign, misplaced or damaged shows.
 */
function stampSector(target: Uint8Array, { seed, disk, block }: Place, sequence: number, sector: number): void {
  fillWithNoise(target, mix(mix(mix(seed, sequence), block), disk * sectorsOfBlock + sector));
  const view = new DataView(target.buffer, target.byteOffset, sectorBytes);
  view.setUint32(0, magic, true);
  view.setUint32(4, seed, true);
  view.setFloat64(8, sequence, true);
  view.setUint32(16, block, true);
  view.setUint32(20, disk * sectorsOfBlock + sector, true);
}

/** Writes into `target` (one block) what the write numbered `sequence` leaves at `place`. */
export function stampBlock(target: Uint8Array, place: Place, sequence: number): void {
  for (let sector = 0; sector < sectorsOfBlock; sector++)
    stampSector(target.subarray(sector * sectorBytes, (sector + 1) * sectorBytes), place, sequence, sector);
}

const scratch = new Uint8Array(stampBlockBytes);

/** Whether a block holds exactly what the write numbered `sequence` left at `place`. */
export function holdsStamp(content: Uint8Array, place: Place, sequence: number): boolean {
  stampBlock(scratch, place, sequence);
  return Buffer.compare(content, scratch) === 0;
}

/**
 * What a block says by itself: `blank` (the guest never wrote it), `whole` (one write left it), `torn` (sectors of several writes, as
 * after a power loss) or `damaged` (a sector that no write of this guest leaves at this place).
 */
export type Claim =
  | { readonly type: 'blank' }
  | { readonly type: 'whole'; readonly sequence: number }
  | { readonly type: 'torn'; readonly newestSequence: number }
  | { readonly type: 'damaged' };

export function claimOf(content: Uint8Array, place: Place): Claim {
  const sequences = new Set<number>();
  let blankSectors = 0;
  for (let sector = 0; sector < sectorsOfBlock; sector++) {
    const found = content.subarray(sector * sectorBytes, (sector + 1) * sectorBytes);
    const view = new DataView(found.buffer, found.byteOffset, sectorBytes);
    if (view.getUint32(0, true) !== magic || view.getUint32(4, true) !== place.seed) {
      blankSectors++;
      continue;
    }
    const sequence = view.getFloat64(8, true);
    const expected = scratch.subarray(0, sectorBytes);
    stampSector(expected, place, sequence, sector);
    if (Buffer.compare(found, expected) !== 0) return { type: 'damaged' };
    sequences.add(sequence);
  }
  const newestSequence = Math.max(...sequences);
  if (sequences.size === 0) return { type: 'blank' };
  if (sequences.size === 1 && blankSectors === 0) return { type: 'whole', sequence: newestSequence };
  return { type: 'torn', newestSequence };
}
