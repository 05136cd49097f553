import { InOrder } from './in-order';
import { seededRandom } from './testing/random';

test('whatever the order in which all come, they are given on in that of their numbers, each once', () => {
  const random = seededRandom(5);
  for (let round = 0; round < 200; round++) {
    const count = 1 + Math.floor(random() * 40);
    const coming = Array.from({ length: count }, (_, number) => ({ number, at: random() })).sort((a, b) => a.at - b.at);
    const records = new InOrder<{ readonly number: number }>();
    const given: number[] = [];
    for (const { number } of coming) {
      expect(records.mayCome(number)).toBe(true);
      records.take(number, { number }, (item) => given.push(item.number));
      expect(records.mayCome(number)).toBe(false);
    }
    expect(given).toEqual(Array.from({ length: count }, (_, number) => number));
    expect(records.waiting).toBe(0);
  }
});

test('what came already, what waits, and what is absurdly far ahead may not come', () => {
  const records = new InOrder<string[]>();
  records.take(0, ['first'], () => undefined);
  records.take(2, ['third'], () => undefined);
  expect([0, 1, 2, 3, 4096, 4097, Number.MAX_SAFE_INTEGER].filter((number) => records.mayCome(number))).toEqual([
    1, 3, 4096,
  ]);
});

test('what waits is dropped when nothing more comes', () => {
  const records = new InOrder<string[]>();
  records.take(2, ['third'], () => undefined);
  const dropped: string[][] = [];
  records.abandon((item) => dropped.push(item));
  expect({ dropped, waiting: records.waiting }).toEqual({ dropped: [['third']], waiting: 0 });
});
