import { SeededRandom } from '../testing/random';
import { bitAt, bitRuns, setBits } from './sector-bitmap';

it('counts the lowest bit of a byte first', () => {
  const bytes = Buffer.alloc(2);
  setBits(bytes, 3, 5);
  expect([...bytes]).toEqual([0b00011000, 0]);
  setBits(bytes, 7, 9);
  expect([...bytes]).toEqual([0b10011000, 1]);
});

it('sets ranges and finds runs as a list of booleans does', () => {
  const random = new SeededRandom(2);
  for (let round = 0; round < 300; round++) {
    const bytes = Buffer.alloc(9);
    const plain = Array.from({ length: 72 }, () => false);
    for (let time = 0; time < 1 + random.below(4); time++) {
      const from = random.below(72);
      const to = from + random.below(73 - from);
      const wasSet = plain.slice(from, to).every((bit) => bit);
      expect(setBits(bytes, from, to)).toBe(!wasSet);
      plain.fill(true, from, to);
    }
    expect(plain.map((_, bit) => bitAt(bytes, bit))).toEqual(plain);
    const from = random.below(72);
    const to = from + random.below(73 - from);
    const runs = [...bitRuns(bytes, from, to)];
    expect(runs.flatMap((run) => Array.from({ length: run.count }, () => run.isSet))).toEqual(plain.slice(from, to));
    for (const [index, run] of runs.entries()) expect(run.isSet).not.toBe(runs[index + 1]?.isSet);
  }
});
