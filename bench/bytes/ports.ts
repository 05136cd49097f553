import { connect, createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { portOf } from '../../agent/disks/route/server';

/** A port of loopback that nobody listens on now. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const port = portOf(server.address());
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Resolves when somebody listens on the port; rejects when nobody does after 10 s. */
export async function answers(port: number, who: string): Promise<void> {
  for (let tries = 0; !(await isThere(port)); tries++) {
    if (tries === 200) throw new Error(`${who} does not answer`);
    await delay(50);
  }
}

const isThere = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true));
    socket.once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
