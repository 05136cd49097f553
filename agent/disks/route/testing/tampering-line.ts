import { recordHeadBytes, recordKinds } from '../records';
import { startLine, type Line } from './line';

/** What becomes of a sealed record on its way: the records that arrive in its place. */
export type Tampering = (record: Buffer, numbers: { readonly connection: number; readonly record: number }) => Buffer[];

/** A line whose owner knows where the records are, and does with the sealed ones what a test wants. */
export const startTamperingLine = (sourcePort: number, tamper: Tampering): Promise<Line> =>
  startLine(sourcePort, ({ number: connection, destination, source }) => {
    let held = Buffer.alloc(0);
    let record = 0;
    source.on('data', (chunk: Buffer) => {
      held = Buffer.concat([held, chunk]);
      for (;;) {
        const bytes = held.length < recordHeadBytes ? Infinity : recordHeadBytes + held.readUInt32LE(1);
        if (held.length < bytes) return;
        const whole = held.subarray(0, bytes);
        held = held.subarray(bytes);
        const isSealed = whole.readUInt8(0) === recordKinds.sealed;
        for (const part of isSealed ? tamper(whole, { connection, record: record++ }) : [whole])
          destination.write(part);
      }
    });
    source.on('end', () => destination.end());
  });
