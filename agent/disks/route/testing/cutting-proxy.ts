import { connect, createServer, type Socket } from 'node:net';
import { portOf } from '../server';

export type CuttingProxy = {
  readonly port: number;
  readonly connections: () => number;
  /** Those that are neither ended nor cut. */
  readonly openConnections: () => number;
  /** Bytes that came from the source, over all connections. */
  readonly passedBytes: () => number;
  readonly close: () => Promise<void>;
};

/**
 * A line between destination and source that breaks: the nth connection is cut after `cutAfterBytes(n)` bytes from the source (undefined:
 * never). What was cut is gone for both ends.
 */
export async function startCuttingProxy(
  sourcePort: number,
  cutAfterBytes: (connection: number) => number | undefined,
): Promise<CuttingProxy> {
  const sockets = new Set<Socket>();
  let connections = 0;
  let allPassedBytes = 0;
  const server = createServer((destination) => {
    const limitBytes = cutAfterBytes(connections++);
    const source = connect(sourcePort, '127.0.0.1');
    let passedBytes = 0;
    const cut = (): void => {
      destination.destroy();
      source.destroy();
    };
    for (const socket of [destination, source]) {
      sockets.add(socket);
      socket.on('error', cut);
      socket.on('close', () => {
        sockets.delete(socket);
        cut();
      });
    }
    destination.pipe(source);
    source.on('data', (chunk: Buffer) => {
      passedBytes += chunk.length;
      allPassedBytes += chunk.length;
      if (limitBytes !== undefined && passedBytes >= limitBytes) cut();
      else if (!destination.write(chunk)) source.pause();
    });
    destination.on('drain', () => source.resume());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: portOf(server.address()),
    connections: () => connections,
    openConnections: () => Math.ceil(sockets.size / 2),
    passedBytes: () => allPassedBytes,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
