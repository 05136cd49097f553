import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { hostItem } from '../../cli/api/client';
import { exitCodes } from '../../cli/exit';
import { cliMain } from '../../cli/testing/run-cli';
import { vmFacts } from '../../contracts/facts';
import { kinds, type Kind } from '../../contracts/migration';
import { receipt, type Receipt } from '../../contracts/receipt';

// Each kind between real processes, from the command line: app, relay emulator, Azurite and two agents of the local stack, small VMs on a
// volume of a host, on the shared volume of the cluster and on a LUN. The receipt of each run is verified as an administrator would.

let home: string;
let stack: ChildProcess | undefined;
const tried = new Set<Kind>();

const environment = (): NodeJS.ProcessEnv => ({ ...process.env, HYPERFERRY_HOME: home, HYPERFERRY_API: '' });

type Ran = { readonly status: number | null; readonly stdout: string; readonly said: string };
function cli(...args: string[]): Promise<Ran> {
  const child = spawn(process.execPath, [cliMain, ...args], { env: environment(), stdio: ['ignore', 'pipe', 'pipe'] });
  let [stdout, said] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString('utf8')));
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString('utf8')));
  return new Promise((resolve) => child.on('close', (status) => resolve({ status, stdout, said: stdout + said })));
}

async function done(...args: string[]): Promise<string> {
  const { status, stdout, said } = await cli(...args);
  if (status !== exitCodes.done.code) throw new Error(`hyperferry ${args.join(' ')} ended with ${status}:\n${said}`);
  return stdout;
}

async function startStack(): Promise<void> {
  const up = spawn(process.execPath, [cliMain, 'up', '--json'], {
    env: environment(),
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  stack = up;
  const ready = new Promise<boolean>((resolve) => {
    up.stdout.on('data', (chunk: Buffer) => chunk.toString('utf8').includes('"ready":true') && resolve(true));
    up.on('exit', () => resolve(false));
  });
  if (!(await ready)) throw new Error('the stack did not start');
}

beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'hyperferry-kinds-'));
  for (const place of ['local', 'cluster']) await done('demo-vm', place, '--on', place, '--data', '16MiB');
  await startStack();
  await done('demo-vm', 'lun', '--on', 'lun', '--data', '16MiB');
});

afterAll(async () => {
  const ended = new Promise((resolve) => stack?.on('exit', resolve));
  if (stack?.kill('SIGTERM') === true) await ended;
  rmSync(home, { recursive: true, force: true, maxRetries: 20, retryDelay: 250 });
});

const idOf = (vm: string, kind: Kind): string => `${vm.slice(0, 8)}-${kind}`;

/** Runs a migration to its end and answers its receipt, once `hyperferry receipt verify` has taken it. */
async function migrate(kind: Kind, vm: string, ...options: string[]): Promise<Receipt> {
  tried.add(kind);
  await done('migrate', vm, '--kind', kind, '--id', idOf(vm, kind), '--watch', ...options);
  const file = join(home, `${idOf(vm, kind)}.json`);
  writeFileSync(file, await done('receipt', idOf(vm, kind), '--json'));
  await done('receipt', 'verify', file);
  const proof = receipt.parse(JSON.parse(await done('receipt', idOf(vm, kind), '--json')));
  expect(proof).toMatchObject({ state: 'completed', request: { kind } });
  expect(proof.leftovers.filter(({ what }) => what !== 'retired-vm')).toEqual([]);
  return proof;
}

const volumeOf = (host: string): string => join(home, 'hosts', host, 'volumes', 'vms');

/** Where a VM runs with a heartbeat, by its name. */
async function runsOn(name: string): Promise<string[]> {
  const listed = z.object({ items: z.array(vmFacts.extend({ hostId: z.string() })) });
  const { items } = listed.parse(JSON.parse(await done('vms', '--json')));
  return items.filter((vm) => vm.name === name && vm.state === 'running').map(({ hostId }) => hostId);
}

test('live: the VM of the cluster runs on at the other node', async () => {
  const proof = await migrate('live', 'cluster', '--to', 'host-b');
  expect(proof.leftovers).toEqual([]);
  expect(await runsOn('cluster')).toEqual(['host-b']);
});

test('quick: its role comes back saved, and it starts there', async () => {
  const proof = await migrate('quick', 'cluster', '--to', 'host-a');
  expect(proof.outage).toMatchObject({ type: 'measured' });
  expect(await runsOn('cluster')).toEqual(['host-a']);
});

test('san: the LUN goes over with the VM on it, and is no place of the source any more', async () => {
  await migrate('san', 'lun', '--to', 'host-b');
  expect(await runsOn('lun')).toEqual(['host-b']);
  const { items } = z.object({ items: z.array(hostItem) }).parse(JSON.parse(await done('hosts', '--json')));
  const luns = items.map(({ facts }) => facts?.volumes.filter(({ root }) => root.includes('luns')).length);
  expect(luns).toEqual([1, 1]);
});

test('storage: the files move to another folder of the host', async () => {
  await migrate('storage', 'local', '--folder', join(volumeOf('host-a'), 'elsewhere'));
  expect(await runsOn('local')).toEqual(['host-a']);
});

test('shared-nothing: the VM goes over with its files', async () => {
  const proof = await migrate('shared-nothing', 'local', '--to', 'host-b');
  expect(proof.leftovers).toEqual([]);
  expect(await runsOn('local')).toEqual(['host-b']);
});

test('warm: it is copied while it runs, and stops for the last round alone', async () => {
  const proof = await migrate('warm', 'local', '--to', 'host-a', '--folder', join(volumeOf('host-a'), 'warm'));
  expect(proof.rounds.length).toBeGreaterThan(0);
  expect(await runsOn('local')).toEqual(['host-a']);
});

test('lan: it stands still for the copy, and what its retired source has already is not sent', async () => {
  const there = readdirSync(volumeOf('host-b'), { recursive: true, encoding: 'utf8' });
  const [retired = 'none'] = there.filter((name) => name.endsWith('.vhdx'));
  const seed = join(volumeOf('host-b'), retired);
  const to = ['--to', 'host-b', '--folder', join(volumeOf('host-b'), 'lan')];
  const proof = await migrate('lan', 'local', ...to, '--seed', `scsi-0-0=${seed}`);
  expect(proof.files.find(({ name }) => name === 'scsi-0-0_0')?.seedBytes).toBeGreaterThan(1024 ** 2);
  expect(proof.files.filter(({ seedProblem }) => seedProblem !== undefined)).toEqual([]);
  expect(await runsOn('local')).toEqual(['host-b']);
});

test('quick-storage: it is copied below a VM checkpoint', async () => {
  await migrate('quick-storage', 'local', '--to', 'host-a', '--folder', join(volumeOf('host-a'), 'quick'));
  expect(await runsOn('local')).toEqual(['host-a']);
});

test('export, then import as a copy under another id: both run on the same host', async () => {
  const exports = join(volumeOf('host-a'), 'exports');
  const exported = await migrate('export', 'local', '--folder', exports);
  expect(await runsOn('local')).toEqual(['host-a']);
  const newId = '0f0f0f0f-1111-4222-8333-444455556666';
  const imported = await migrate(
    'import',
    exported.request.vmId,
    ...['--from', 'host-a', '--source-folder', join(exports, 'local'), '--folder', join(volumeOf('host-a'), 'copies')],
    ...['--new-id', newId, '--name', 'copy', '--fix-ups', 'apply', '--power-on'],
  );
  expect(imported.configurationChanges.join()).toContain(newId);
  expect(await runsOn('local')).toEqual(['host-a']);
  expect(await runsOn('copy')).toEqual(['host-a']);
});

test('no kind was left out', () => {
  expect(kinds.filter((kind) => !tried.has(kind))).toEqual([]);
});
