import type { WritableImage } from '../image';
import { kib, mib } from '../vhdx/numbers';
import type { SeededRandom } from './random';
import { stampedRange, type SectorModel } from './sector-model';

/** Part of a disk in sectors. */
export type Window = { readonly from: number; readonly to: number };

/** The places of a disk that are worth writing to: its start, a boundary between two sector bitmaps, its end. */
export function windowsOf(virtualSizeBytes: number, sectorBytes: number): Window[] {
  const chunkBytes = 2 ** 23 * sectorBytes;
  const edges = [0, ...(virtualSizeBytes > chunkBytes ? [chunkBytes] : []), virtualSizeBytes];
  return edges.map((edge) => ({
    from: Math.max(0, edge - 1.5 * mib) / sectorBytes,
    to: Math.min(virtualSizeBytes, edge + 1.5 * mib) / sectorBytes,
  }));
}

type Step = { readonly kind: 'write' | 'zeros' | 'flush'; readonly from: number; readonly to: number };

/** What a guest might do next: mostly small writes, sometimes a whole block, zeros, a flush. */
export function nextStep(random: SeededRandom, windows: readonly Window[], sectorBytes: number): Step {
  const window = random.pick(windows);
  const sectorsPerMib = mib / sectorBytes;
  const chance = random.next();
  if (chance < 0.2) return { kind: 'flush', from: 0, to: 0 };
  const kind = chance < 0.4 ? 'zeros' : 'write';
  if (random.next() < 0.3) {
    const first = Math.ceil(window.from / sectorsPerMib) * sectorsPerMib;
    return { kind, from: first, to: Math.min(window.to, first + sectorsPerMib) };
  }
  const length = 1 + random.below(Math.ceil((random.next() < 0.5 ? 8 * kib : 150 * kib) / sectorBytes));
  const from = window.from + random.below(window.to - window.from);
  return { kind, from, to: Math.min(window.to, from + length) };
}

/** Carries a step out on an image and in the model. */
export async function take(image: WritableImage, model: SectorModel, step: Step, stamp: number): Promise<void> {
  const { sectorBytes } = model;
  const { kind, from, to } = step;
  switch (kind) {
    case 'flush':
      await image.flush();
      model.flushed();
      return;
    case 'zeros':
      model.write(from, to, 0);
      await image.writeZeros(from * sectorBytes, (to - from) * sectorBytes);
      return;
    case 'write':
      model.write(from, to, stamp);
      await image.write(stampedRange(stamp, from, to, sectorBytes), from * sectorBytes);
  }
}
