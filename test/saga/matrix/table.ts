import { cells, columns, type Cell } from './cells';
import type { Finding } from './run-cell';

const keyOf = ({ row, phase, column }: Pick<Cell, 'row' | 'phase' | 'column'>): string => `${row} ${phase} ${column}`;

/** What became of the cells, by kind, phase and column. */
export class Findings {
  private readonly found = new Map<string, Finding>();

  note(cell: Cell, finding: Finding): void {
    this.found.set(keyOf(cell), finding);
  }

  /** Cells that must be tried and were not. */
  get holes(): readonly string[] {
    return cells.filter((cell) => cell.absent === undefined && !this.found.has(keyOf(cell))).map(keyOf);
  }

  get faults(): readonly string[] {
    return [...this.found].filter(([, finding]) => finding !== '').map(([key, finding]) => `${key}: ${finding}`);
  }

  /** `ok`, `FAIL`, `HOLE`, or `-` where there is nothing to try. */
  print(): string {
    const markOf = (cell: Cell): string => {
      if (cell.absent !== undefined) return '-';
      const finding = this.found.get(keyOf(cell));
      if (finding === undefined) return 'HOLE';
      return finding === '' ? 'ok' : 'FAIL';
    };
    const rows = new Map<string, string[]>();
    for (const cell of cells) {
      const row = rows.get(`${cell.row} ${cell.phase}`) ?? [cell.row, cell.phase];
      rows.set(`${cell.row} ${cell.phase}`, [...row, markOf(cell)]);
    }
    const all = [['kind', 'phase', ...columns], ...rows.values()];
    const widths = all[0]?.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0))) ?? [];
    const lines = all.map((row) =>
      row
        .map((text, column) => text.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    );
    const tried = cells.filter((cell) => cell.absent === undefined).length;
    return [...lines, '', `${this.found.size} of ${tried} cells run, ${this.faults.length} failed`].join('\n');
  }
}
