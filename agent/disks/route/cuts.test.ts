import type { Extent } from '../image';
import { cutsOf } from './cuts';
import { dataFrameBytes, zeroFrameBytesMax } from './limits';
import { seededRandom } from './testing/random';

/** Extents as an image might give them: ascending, sector-aligned, not overlapping. */
function someExtents(seed: number): Extent[] {
  const random = seededRandom(seed);
  const extents: Extent[] = [];
  let at = 0;
  for (let count = 0; count < 20; count++) {
    at += 512 * Math.floor(random() * 3000);
    const kind = random() < 0.7 ? 'data' : 'zero';
    const lengthBytes = 512 * (1 + Math.floor(random() * (kind === 'data' ? 9000 : 5_000_000)));
    extents.push({ offsetBytes: at, lengthBytes, kind });
    at += lengthBytes;
  }
  return extents;
}

test('cuts cover the extents exactly, never cross a border, and are never too long', () => {
  for (let seed = 1; seed <= 50; seed++) {
    const extents = someExtents(seed);
    const cuts = [...cutsOf(extents, 0)];
    for (const extent of extents) {
      const inside = cuts.filter(
        (cut) => cut.offsetBytes >= extent.offsetBytes && cut.offsetBytes < extent.offsetBytes + extent.lengthBytes,
      );
      expect(inside.reduce((sum, cut) => sum + cut.lengthBytes, 0)).toBe(extent.lengthBytes);
      expect(inside.every((cut) => cut.kind === extent.kind)).toBe(true);
    }
    for (const { kind, offsetBytes, lengthBytes } of cuts) {
      const stepBytes = kind === 'data' ? dataFrameBytes : zeroFrameBytesMax;
      expect(Math.floor(offsetBytes / stepBytes)).toBe(Math.floor((offsetBytes + lengthBytes - 1) / stepBytes));
    }
  }
});

test('an attempt that goes on after any cut makes the cuts that the first attempt would have made', () => {
  for (let seed = 1; seed <= 10; seed++) {
    const extents = someExtents(seed);
    const cuts = [...cutsOf(extents, 0)];
    cuts.forEach((cut, index) => {
      expect([...cutsOf(extents, cut.offsetBytes + cut.lengthBytes)]).toEqual(cuts.slice(index + 1));
    });
  }
});
