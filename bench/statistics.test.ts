import { spreadOf } from './statistics';
import { tableOf } from './table';

test.each([
  [[3], { min: 3, median: 3, max: 3 }],
  [[4, 1], { min: 1, median: 2.5, max: 4 }],
  [[9, 1, 5], { min: 1, median: 5, max: 9 }],
  [[4, 2, 100, 1], { min: 1, median: 3, max: 100 }],
])('of %p the median stands in the middle', (values, expected) => {
  expect(spreadOf(values)).toEqual(expected);
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
