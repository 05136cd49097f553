import { connect, createServer, type Socket } from 'node:net';
import { recordHeadBytes, recordKinds } from '../records';
import { portOf } from '../server';

/** What becomes of a sealed record on its way: the records that arrive in its place. */
export type Tampering = (record: Buffer, numbers: { readonly connection: number; readonly record: number }) => Buffer[];

/** A line between destination and source whose owner knows where the records are, and does with the sealed ones what a test wants. */
export async function startTamperingLine(
  sourcePort: number,
  tamper: Tampering,
): Promise<{ readonly port: number; readonly connections: () => number; readonly close: () => Promise<void> }> {
  const sockets = new Set<Socket>();
  let connections = 0;
  const server = createServer((destination) => {
    const connection = connections++;
    const source = connect(sourcePort, '127.0.0.1');
    const cut = (): void => {
      destination.destroy();
      source.destroy();
    };
    for (const socket of [destination, source]) {
      sockets.add(socket);
      socket.on('error', cut);
      socket.on('close', cut);
    }
    destination.pipe(source);
    let held = Buffer.alloc(0);
    let record = 0;
    source.on('data', (chunk) => {
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
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: portOf(server.address()),
    connections: () => connections,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
