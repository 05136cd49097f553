import { unmetVectors } from './processor';

const vector = (id: number, operation: number, value: bigint | number) => ({ id, operation, value: `${value}` });

test.each([
  ['Equal', 0, 5, 5, 4],
  ['Superset', 1, 7, 3, 8],
  ['Subset', 2, 3, 7, 1],
  ['Disjoint', 3, 4, 3, 5],
  ['GreaterThan', 4, 4, 3, 4],
  ['GreaterThanOrEqual', 5, 4, 4, 5],
  ['LessThan', 6, 3, 4, 3],
  ['LessThanOrEqual', 7, 4, 4, 3],
  ['Multiple', 8, 12, 4, 5],
  ['Divisible', 9, 4, 12, 13],
])('%s is compared as it is documented', (_name, operation, vm, met, unmet) => {
  expect(unmetVectors([vector(1, operation, vm)], [vector(1, operation, met)])).toEqual([]);
  expect(unmetVectors([vector(1, operation, vm)], [vector(1, operation, unmet)])).toEqual([1]);
});

test('all 64 bits count', () => {
  const top = 2n ** 63n;
  expect(unmetVectors([vector(3, 2, top + 1n)], [vector(3, 2, top)])).toEqual([3]);
  expect(unmetVectors([vector(3, 2, top)], [vector(3, 2, top + 1n)])).toEqual([]);
});

test('nothing is a multiple of 0, and no number is left that nobody can compare', () => {
  expect(unmetVectors([vector(1, 8, 4)], [vector(1, 8, 0)])).toEqual([1]);
  expect(unmetVectors([vector(1, 9, 0)], [vector(1, 9, 4)])).toEqual([1]);
});

test('what the host does not tell, or nobody knows how to compare, is left to Hyper-V', () => {
  expect(unmetVectors([vector(1, 0, 1), vector(2, 77, 1)], [vector(2, 77, 2), vector(9, 0, 1)])).toEqual([]);
});
