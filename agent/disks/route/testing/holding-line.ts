import { connect, createServer, type Socket } from 'node:net';
import { portOf } from '../server';

/** What becomes of a connection, by its number from 0 on. */
export type Fate = 'carried' | 'refused' | { readonly silentAfterBytes: number };

/** A line between destination and source on which some connections fall silent, or are ended at once: nobody is told of the former. */
export async function startHoldingLine(
  sourcePort: number,
  fateOf: (connection: number) => Fate,
): Promise<{ readonly port: number; readonly connections: () => number; readonly close: () => Promise<void> }> {
  const sockets = new Set<Socket>();
  let connections = 0;
  const server = createServer((destination) => {
    const fate = fateOf(connections++);
    const source = connect(sourcePort, '127.0.0.1');
    const end = (): void => {
      destination.destroy();
      source.destroy();
    };
    for (const socket of [destination, source]) {
      sockets.add(socket);
      socket.on('error', end);
      socket.on('close', end);
    }
    if (fate === 'refused') {
      end();
      return;
    }
    let passedBytes = 0;
    destination.pipe(source);
    source.on('data', (chunk: Buffer) => {
      passedBytes += chunk.length;
      if (typeof fate === 'object' && passedBytes > fate.silentAfterBytes) return;
      if (!destination.write(chunk)) source.pause();
    });
    destination.on('drain', () => source.resume());
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
