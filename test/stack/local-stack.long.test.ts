import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { exitCodes } from '../../cli/exit';
import { processExists } from '../../cli/stack/running';
import { cliMain } from '../../cli/testing/run-cli';
import { hostItem } from '../../cli/api/client';
import { migrationStatus } from '../../contracts/migration';
import { receipt } from '../../contracts/receipt';

// The whole product on one machine, as a person starts it: app, relay emulator, Azurite and two agents, all as real processes, with a
// small VM. The stack is killed in the middle of a copy and started again, and the move goes on and ends.

let home: string;
const started: ChildProcess[] = [];
const listening: Server[] = [];
beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), 'hyperferry-stack-'));
});
afterAll(() => {
  started.forEach((one) => one.kill('SIGKILL'));
  listening.forEach((server) => server.close());
  rmSync(home, { recursive: true, force: true, maxRetries: 20, retryDelay: 250 });
});

const environment = (): NodeJS.ProcessEnv => ({ ...process.env, HYPERFERRY_HOME: home, HYPERFERRY_API: '' });

type Started = { readonly child: ChildProcess; readonly said: () => string; readonly ended: Promise<number | null> };
function start(args: readonly string[]): Started {
  const child = spawn(process.execPath, [cliMain, ...args], { env: environment(), stdio: ['ignore', 'pipe', 'pipe'] });
  started.push(child);
  let said = '';
  child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString('utf8')));
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString('utf8')));
  const ended = new Promise<number | null>((resolve) => child.on('exit', (code) => resolve(code)));
  return { child, said: () => said, ended };
}

async function until(what: string, holds: () => boolean, said: () => string): Promise<void> {
  const deadline = Date.now() + 90_000;
  while (!holds()) {
    if (Date.now() > deadline) throw new Error(`${what} did not come about; said so far:\n${said()}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

const cli = (...args: string[]): { status: number | null; stdout: string; stderr: string } =>
  spawnSync(process.execPath, [cliMain, ...args], { env: environment(), encoding: 'utf8' });

const servicePids = (): number[] =>
  Object.values(z.record(z.string(), z.int()).parse(JSON.parse(readFileSync(join(home, 'processes.json'), 'utf8'))));

/** Something else of this machine has the port that the HTTP interface would take. */
const occupyApiPort = (): Promise<void> =>
  new Promise((resolve) => {
    const server = createServer();
    listening.push(server);
    server.once('error', () => resolve());
    server.listen(7071, '127.0.0.1', () => resolve());
  });

test('a move survives that the whole stack is killed, and the command line finds its way to it', async () => {
  await occupyApiPort();
  const first = start(['start', '--data', '48MiB', '--bandwidth', '8MiB/s']);
  await until('the copy', () => first.said().includes('copy-base, '), first.said);
  expect(first.said()).toMatch(/port 7071 for the HTTP interface is taken; using \d+ instead/);
  const pids = servicePids();
  expect(pids).toHaveLength(5);
  first.child.kill('SIGKILL');
  await until(
    'the end of every process',
    () => !pids.some(processExists),
    () => pids.join(),
  );

  const up = start(['up', '--json']);
  await until('the stack', () => up.said().includes('"ready":true'), up.said);
  const second = start(['up']);
  expect(await second.ended).toBe(exitCodes.localStack.code);
  expect(second.said()).toContain('another local stack uses this state folder');

  const hosts = z.object({ items: z.array(hostItem) }).parse(JSON.parse(cli('hosts', '--json').stdout));
  expect(hosts.items.map(({ hostId, reachable }) => [hostId, reachable])).toEqual([
    ['host-a', true],
    ['host-b', true],
  ]);
  const list = z.object({ items: z.array(migrationStatus) }).parse(JSON.parse(cli('status', '--json').stdout));
  const id = list.items[0]?.id ?? '';
  const watched = cli('watch', id);
  expect({ status: watched.status, said: watched.stdout }).toMatchObject({
    status: exitCodes.done.code,
    said: expect.stringContaining('completed') as string,
  });
  const proof = receipt.parse(JSON.parse(cli('receipt', id, '--json').stdout));
  expect(proof).toMatchObject({ state: 'completed', request: { sourceHost: 'host-a', destinationHost: 'host-b' } });
  expect(proof.leftovers.map(({ what, hostId }) => [what, hostId])).toEqual([['retired-vm', 'host-a']]);
  expect(cli('vms', 'host-b').stdout).toMatch(/host-b +demo +running +ok/);

  const last = servicePids();
  up.child.kill('SIGTERM');
  expect(await up.ended).toBe(exitCodes.done.code);
  expect(last.filter(processExists)).toEqual([]);
  expect(cli('hosts')).toMatchObject({ status: exitCodes.unreachable.code });
}, 240_000);
