import { sectorBytes } from './layout';

export type Chs = { readonly cylinders: number; readonly heads: number; readonly sectorsPerTrack: number };

const cylindersMax = 65_535;

/**
 * Cylinders, heads and sectors of a disk as an IDE controller reports them, by the rule of the specification's appendix. They cover at
 * most the disk, and never more than 127 GiB.
 */
export function chsOf(virtualSizeBytes: number): Chs {
  const sectors = Math.min(Math.floor(virtualSizeBytes / sectorBytes), cylindersMax * 16 * 255);
  if (sectors >= cylindersMax * 16 * 63) return chs(sectors, 255, 16);
  const heads = Math.max(4, Math.ceil(Math.floor(sectors / 17) / 1024));
  if (heads <= 16 && Math.floor(sectors / 17) < heads * 1024) return chs(sectors, 17, heads);
  return Math.floor(sectors / 31) < 16 * 1024 ? chs(sectors, 31, 16) : chs(sectors, 63, 16);
}

const chs = (sectors: number, sectorsPerTrack: number, heads: number): Chs => ({
  cylinders: Math.floor(Math.floor(sectors / sectorsPerTrack) / heads),
  heads,
  sectorsPerTrack,
});
