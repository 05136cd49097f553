import { kinds } from '../../../contracts/migration';
import { cells, columns, rowNames } from './cells';
import { runCell } from './run-cell';

/** One cell in so many is run here; `npm run matrix` runs all. It has no divisor in common with the number of columns. */
const oneIn = 13;

const present = cells.filter((cell) => cell.absent === undefined);
const sample = present.filter((_, index) => index % oneIn === 0);

test.each(sample.map((cell) => [cell.row, cell.phase, cell.column, cell] as const))(
  '%s: %s, %s',
  async (_row, _phase, _column, cell) => {
    expect(await runCell(cell)).toBe('');
  },
);

test('the matrix has every kind and every column, and the sample leaves none of them out', () => {
  expect(new Set(present.map((cell) => cell.kind))).toEqual(new Set(kinds));
  for (const some of [present, sample]) {
    expect(new Set(some.map((cell) => cell.row))).toEqual(new Set(rowNames));
    expect(new Set(some.map((cell) => cell.column))).toEqual(new Set(columns));
  }
});
