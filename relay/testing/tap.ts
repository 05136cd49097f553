import { connect, createServer, type Socket } from 'node:net';

/** A TCP way to a local port that a test can freeze, as a network does that loses a connection without telling anybody. */
export type Tap = {
  readonly endpoint: string;
  /** From now on the connections there are carry nothing more and stay open; new ones work. */
  freeze(): void;
  connectionCount(): number;
  close(): Promise<void>;
};

export async function startTap(targetPort: number): Promise<Tap> {
  const sockets = new Set<Socket>();
  let connectionCount = 0;
  const server = createServer((near) => {
    connectionCount += 1;
    const far = connect(targetPort, '127.0.0.1');
    near.pipe(far).pipe(near);
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => sockets.delete(socket));
    }
    near.on('close', () => far.destroy());
    far.on('close', () => near.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    endpoint: `http://127.0.0.1:${port}`,
    freeze: () => {
      for (const socket of sockets) {
        socket.unpipe();
        socket.pause();
      }
    },
    connectionCount: () => connectionCount,
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
