import { printable, widthOf } from './printable';

/** A table of text: columns as wide as their longest cell, two blanks between them, no trailing blanks. */
export function tableLines(header: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const all = [header, ...rows].map((row) => row.map(printable));
  const widths = header.map((_, column) => Math.max(...all.map((row) => widthOf(row[column] ?? ''))));
  return all.map((row) =>
    row
      .map((cell, column) => cell + ' '.repeat(Math.max(0, (widths[column] ?? 0) - widthOf(cell))))
      .join('  ')
      .trimEnd(),
  );
}

/** `name: value` lines, the values in one column. */
export function factLines(facts: readonly (readonly [string, string])[], indent = ''): string[] {
  const width = Math.max(0, ...facts.map(([name]) => name.length));
  return facts.map(([name, value]) => `${indent}${`${name}:`.padEnd(width + 2)}${printable(value)}`.trimEnd());
}
