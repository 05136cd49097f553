import { middleOf, spreadOf } from './statistics';
import { tableOf } from './table';

test.each([
  [[3], { min: 3, median: 3, max: 3 }],
  [[4, 1], { min: 1, median: 2.5, max: 4 }],
  [[9, 1, 5], { min: 1, median: 5, max: 9 }],
  [[4, 2, 100, 1], { min: 1, median: 3, max: 100 }],
])('of %p the median stands in the middle', (values, expected) => {
  expect(spreadOf(values)).toEqual(expected);
});

test.each([1, 2, 3, 5])('of %p measured in turn the middle one is kept, whole', async (times) => {
  const seconds = [9, 1, 5, 7, 3].slice(0, times);
  const kept = await middleOf(times, async () => ({ seconds: seconds.shift() ?? Number.NaN, name: 'it' }));
  expect(kept).toEqual({ seconds: { 1: 9, 2: 1, 3: 5, 5: 5 }[times], name: 'it' });
});

test('of nothing there is no median', () => {
  expect(() => spreadOf([])).toThrow('no values');
});

test('a table is as wide as its widest cells, its numbers to the right', () => {
  expect(
    tableOf(
      ['what', 'time'],
      [
        ['a', '10.0 s'],
        ['longer', '9.5 s'],
      ],
    ).split('\n'),
  ).toEqual(['what      time', '------  ------', 'a       10.0 s', 'longer   9.5 s']);
});
