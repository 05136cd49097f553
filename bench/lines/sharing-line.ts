import { connect, createServer, type Socket } from 'node:net';
import { portOf } from '../../agent/disks/route/server';

/**
 * A line that gives each connection so many bytes a second from the source and no more, as a team of network adapters, a shaper, or a long way with
 * losses does.
 */
export async function startSharingLine(
  sourcePort: number,
  bytesPerSecondEach: number,
): Promise<{ readonly port: number; readonly close: () => Promise<void> }> {
  const sockets = new Set<Socket>();
  const server = createServer((destination) => {
    const source = connect(sourcePort, '127.0.0.1');
    const end = (): void => {
      destination.destroy();
      source.destroy();
    };
    for (const socket of [destination, source]) {
      sockets.add(socket);
      socket.on('error', end);
      socket.on('close', () => {
        sockets.delete(socket);
        end();
      });
    }
    destination.pipe(source);
    let dueMs = 0;
    source.on('data', (chunk: Buffer) => {
      destination.write(chunk);
      const nowMs = performance.now();
      dueMs = Math.max(nowMs, dueMs) + (1000 * chunk.length) / bytesPerSecondEach;
      if (dueMs - nowMs < 1) return;
      source.pause();
      setTimeout(() => source.resume(), dueMs - nowMs);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: portOf(server.address()),
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
