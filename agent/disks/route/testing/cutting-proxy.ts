import { pass, startLine, type Line } from './line';

export type CuttingProxy = Line & {
  /** Bytes that came from the source, over all connections. */
  readonly passedBytes: () => number;
};

/**
 * A line that breaks: the nth connection is cut after `cutAfterBytes(n)` bytes from the source (undefined: never). What was cut is gone for
 * both ends.
 */
export async function startCuttingProxy(
  sourcePort: number,
  cutAfterBytes: (connection: number) => number | undefined,
): Promise<CuttingProxy> {
  let allPassedBytes = 0;
  const line = await startLine(sourcePort, (carried) => {
    const limitBytes = cutAfterBytes(carried.number);
    let passedBytes = 0;
    carried.source.on('data', (chunk: Buffer) => {
      passedBytes += chunk.length;
      allPassedBytes += chunk.length;
      if (limitBytes !== undefined && passedBytes >= limitBytes) carried.cut();
      else pass(carried, chunk);
    });
  });
  return { ...line, passedBytes: () => allPassedBytes };
}
