import { connect, createServer, type Socket } from 'node:net';
import { portOf } from '../server';

/** One connection through a line: where it came from, where it goes, and how both ends of it are cut. */
export type Carried = {
  /** How many came before it. */
  readonly number: number;
  readonly destination: Socket;
  readonly source: Socket;
  readonly cut: () => void;
};

export type Line = {
  readonly port: number;
  readonly connections: () => number;
  /** Those that are neither ended nor cut. */
  readonly openConnections: () => number;
  readonly close: () => Promise<void>;
};

/**
 * A line between destinations and a source on this machine. What destinations say is passed on; `carry` sees to what comes from the source. An end
 * that is gone takes the other with it.
 */
export async function startLine(sourcePort: number, carry: (carried: Carried) => void): Promise<Line> {
  const open = new Set<() => void>();
  let connections = 0;
  const server = createServer((destination) => {
    const source = connect(sourcePort, '127.0.0.1');
    const cut = (): void => {
      open.delete(cut);
      destination.destroy();
      source.destroy();
    };
    open.add(cut);
    for (const socket of [destination, source]) {
      socket.on('error', cut);
      socket.on('close', cut);
    }
    destination.pipe(source);
    carry({ number: connections++, destination, source, cut });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: portOf(server.address()),
    connections: () => connections,
    openConnections: () => open.size,
    close: async () => {
      for (const cut of [...open]) cut();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Passes bytes on, no faster than the destination takes them. */
export function pass({ destination, source }: Carried, chunk: Buffer): void {
  if (destination.write(chunk)) return;
  source.pause();
  destination.once('drain', () => source.resume());
}
