import { pass, startLine, type Line } from './line';

/** What becomes of a connection, by its number from 0 on. */
export type Fate = 'carried' | 'refused' | { readonly silentAfterBytes: number };

/** A line on which some connections fall silent, or are ended at once: nobody is told of the former. */
export const startHoldingLine = (sourcePort: number, fateOf: (connection: number) => Fate): Promise<Line> =>
  startLine(sourcePort, (carried) => {
    const fate = fateOf(carried.number);
    if (fate === 'refused') {
      carried.cut();
      return;
    }
    let passedBytes = 0;
    carried.source.on('data', (chunk: Buffer) => {
      passedBytes += chunk.length;
      if (fate === 'carried' || passedBytes <= fate.silentAfterBytes) pass(carried, chunk);
    });
  });
