import { spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { end } from './programs';
import { portOf } from '../agent/disks/route/server';

export type RsyncDaemon = { readonly url: string; readonly stop: () => Promise<void> };

/** rsync's own daemon on this machine, which serves one folder as the byte route's source serves one file. */
export async function startRsyncDaemon(folder: string, served: string): Promise<RsyncDaemon> {
  const port = await freePort();
  const configuration = join(folder, 'rsyncd.conf');
  // As root the daemon would become nobody, who may not read a temporary folder.
  const owner = process.getuid?.() === 0 ? 'uid = 0\ngid = 0\n' : '';
  const module = `[bench]\npath = ${served}\nread only = yes\nuse chroot = no\n${owner}`;
  await writeFile(configuration, `address = 127.0.0.1\nport = ${port}\n${module}`);
  const child = spawn('rsync', ['--daemon', '--no-detach', `--config=${configuration}`], { stdio: 'ignore' });
  for (let tries = 0; !(await answers(port)); tries++) {
    if (tries === 100) throw new Error('the daemon of rsync does not answer');
    await delay(50);
  }
  return { url: `rsync://127.0.0.1:${port}/bench`, stop: () => end(child) };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const port = portOf(server.address());
  await new Promise((resolve) => server.close(resolve));
  return port;
}

const answers = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true));
    socket.once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
