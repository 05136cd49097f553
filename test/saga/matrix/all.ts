import { cells, rowNames } from './cells';
import { runCell } from './run-cell';
import { Findings } from './table';

// `npm run matrix`: every cell. The test beside it takes one in so many.

const findings = new Findings();

afterAll(() => {
  process.stdout.write(`\n${findings.print()}\n\n`);
});

describe.each([...rowNames])('%s', (row) => {
  const ofRow = cells.filter((cell) => cell.row === row && cell.absent === undefined);
  test.each(ofRow.map((cell) => [cell.phase, cell.column, cell] as const))('%s, %s', async (_phase, _column, cell) => {
    const finding = await runCell(cell);
    findings.note(cell, finding);
    expect(finding).toBe('');
  });
});

test('no cell was left out', () => {
  expect(findings.holes).toEqual([]);
});
