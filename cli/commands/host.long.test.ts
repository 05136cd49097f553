import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { exitCodes } from '../exit';
import { makeOtherApp, type OtherApp } from '../testing/other-app';
import { runCli, startCli, type CliProcess } from '../testing/run-cli';

const apps: OtherApp[] = [];
const running: CliProcess[] = [];
const otherApp = (files: Readonly<Record<string, unknown>> = {}): OtherApp => {
  const made = makeOtherApp(files);
  apps.push(made);
  return made;
};

afterEach(async () => {
  for (const { child } of running) child.kill('SIGKILL');
  await Promise.all(running.splice(0).map(({ ended }) => ended));
});
afterAll(() => {
  for (const app of apps) app.remove();
});

const ready = z.looseObject({
  ready: z.literal(true),
  port: z.int(),
  hub: z.string(),
  unsupported: z.array(z.unknown()),
});
type Ready = z.infer<typeof ready>;

/** A running `hyperferry host --json`, and what it announced. */
async function startHost(folder: string, ...more: string[]): Promise<{ cli: CliProcess; said: Ready; state: string }> {
  const state = join(folder, '..', 'state');
  const cli = startCli(['host', '--app', folder, '--port', '0', '--state', state, '--json', ...more]);
  running.push(cli);
  while (!cli.stdout().includes('\n')) {
    if (cli.child.exitCode !== null) throw new Error((await cli.ended).stderr);
    await sleep(20);
  }
  return { cli, state, said: ready.parse(JSON.parse(cli.stdout())) };
}

const greet = async ({ port }: Ready, name: string): Promise<unknown> =>
  (await fetch(`http://127.0.0.1:${port}/v1/hello/${name}`)).json();

const instancesOf = async ({ port }: Ready): Promise<unknown[]> =>
  (await (await fetch(`http://127.0.0.1:${port}/runtime/webhooks/durabletask/instances`)).json()) as unknown[];

test('an app that is not this product is served whole, and what is not served is named', async () => {
  const { folder } = otherApp();
  const { cli, said } = await startHost(folder);
  expect(said).toMatchObject({
    hub: 'Orders',
    functions: 5,
    unsupported: [{ functionName: 'onBlob', type: 'blobTrigger', effect: 'neverRuns' }],
  });
  expect(await greet(said, 'Ann')).toBe('hello Ann');
  cli.child.kill('SIGINT');
  const end = await cli.ended;
  expect(end.code).toBe(0);
  expect(end.stderr).toContain("Function 'onBlob' never runs here: its trigger 'blobTrigger' is not supported.");
});

test('without --json it prints where every function is reached', async () => {
  const { folder } = otherApp();
  const cli = startCli(['host', '--app', folder, '--port', '0']);
  running.push(cli);
  while (!cli.stdout().includes('Ctrl-C')) await sleep(20);
  expect(cli.stdout()).toMatch(/hello +GET http:\/\/127\.0\.0\.1:\d+\/v1\/hello\/\{name\}\n/);
  expect(cli.stdout()).toMatch(/nightly +timer 0 0 4 \* \* \*\n/);
  expect(cli.stdout()).toContain("not supported: Function 'onBlob' never runs here");
});

test('a backup taken while the host runs makes a new state with all that was acknowledged', async () => {
  const { folder, root } = otherApp();
  const { cli, said, state } = await startHost(folder);
  await greet(said, 'Ann');
  await greet(said, 'Bob');
  const file = join(root, 'backup.db');
  const taken = await runCli(['host', 'backup', '--state', state, '--to', file, '--json']);
  expect({ ...taken, stdout: JSON.parse(taken.stdout) as unknown }).toMatchObject({
    code: 0,
    stdout: { instances: 2, hasKeys: true },
  });
  if (process.platform !== 'win32') expect(statSync(file).mode & 0o077).toBe(0);
  const bytes = readFileSync(file);
  expect(await runCli(['host', 'backup', '--state', state, '--to', file])).toMatchObject({
    code: exitCodes.refused.code,
    stderr: expect.stringContaining(`${file} exists`),
  });
  expect(readFileSync(file).equals(bytes)).toBe(true);

  const running = await runCli(['host', 'restore', '--from', file, '--state', state]);
  expect([running.code, running.stderr]).toEqual([5, expect.stringContaining('Another runtime (process')]);
  const keys = readFileSync(join(state, 'keys.json'), 'utf8');
  const instances = await instancesOf(said);
  cli.child.kill('SIGKILL');
  await cli.ended;
  const inTheWay = await runCli(['host', 'restore', '--from', file, '--state', state]);
  expect([inTheWay.code, inTheWay.stderr]).toEqual([5, expect.stringContaining('runtime.db exists')]);

  const fresh = join(root, 'fresh', 'state');
  expect(await runCli(['host', 'restore', '--from', file, '--state', fresh])).toMatchObject({ code: 0 });
  expect(readFileSync(join(fresh, 'keys.json'), 'utf8')).toBe(keys);
  const again = await startHost(folder, '--state', fresh);
  expect(await instancesOf(again.said)).toEqual(instances);
  expect(await greet(again.said, 'Cid')).toBe('hello Cid');
});

describe('what cannot run is refused with field, value and remedy, and the exit code of its kind', () => {
  test.each([
    ['no --app', [], undefined, exitCodes.badInput.code, 'it is not said which app'],
    ['no package.json', ['package.json'], {}, exitCodes.badInput.code, 'has no package.json'],
    ['no host.json', ['host.json'], {}, exitCodes.badInput.code, 'has no host.json'],
  ])('%s', async (_name, missing, files, code, text) => {
    const { folder } = otherApp({ ...files, ...Object.fromEntries(missing.map((name) => [name, undefined])) });
    const run = await runCli(files === undefined ? ['host'] : ['host', '--app', folder]);
    expect(run).toMatchObject({ code, stderr: expect.stringContaining(text) });
    expect(run.stderr).toContain('remedy:');
  });

  test.each([
    ['a package.json without main', { 'package.json': {} }, exitCodes.badInput.code, 'names no "main"'],
    ['a package.json that is no JSON', { 'package.json': '{' }, exitCodes.badInput.code, 'package.json cannot be read'],
    ['functions of model v3', { 'package.json': {}, 'old/function.json': {} }, exitCodes.badInput.code, 'model v3'],
    ['a wrong host.json', { 'host.json': { version: '1.0' } }, exitCodes.badInput.code, 'host.json'],
    [
      'a main that matches nothing',
      { 'package.json': { main: 'dist/*.js' } },
      exitCodes.localStack.code,
      'no file matches',
    ],
    [
      'code that throws',
      { 'src/functions/bad.js': 'throw new Error("bad code")' },
      exitCodes.localStack.code,
      'bad code',
    ],
  ])('%s', async (_name, files, code, text) => {
    const run = await runCli(['host', '--app', otherApp(files).folder, '--port', '0']);
    expect(run).toMatchObject({ code, stderr: expect.stringContaining(text) });
    expect(run.stderr).toContain('remedy:');
  });

  test('a port that is taken, a state that another host has', async () => {
    const { folder, root } = otherApp();
    const { said, state } = await startHost(folder);
    const port = await runCli(['host', '--app', folder, '--port', String(said.port), '--state', join(root, 'other')]);
    expect(port).toMatchObject({ code: 7, stderr: expect.stringMatching(/EADDRINUSE.*\n.*--port/) });
    const locked = await runCli(['host', '--app', folder, '--port', '0', '--state', state]);
    expect(locked).toMatchObject({ code: 7, stderr: expect.stringContaining('Another runtime (process') });
  });

  test('a setting of the runtime that is no number', async () => {
    const { folder } = otherApp();
    const run = await runCli(['host', '--app', folder], { env: { HYPERFERRY_ENDED_DAYS_MAX: 'soon' } });
    expect(run).toMatchObject({ code: 2, stderr: expect.stringContaining('HYPERFERRY_ENDED_DAYS_MAX: "soon"') });
  });

  test('a backup of nothing, a restore from what is no backup', async () => {
    const { root } = otherApp();
    const empty = join(root, 'empty');
    mkdirSync(empty);
    expect(await runCli(['host', 'backup', '--state', empty, '--to', join(root, 'b.db')])).toMatchObject({
      code: 5,
      stderr: expect.stringContaining('has no runtime.db'),
    });
    const text = join(root, 'text');
    writeFileSync(text, 'no database, but long enough to be looked at as one. '.repeat(100));
    expect(await runCli(['host', 'restore', '--from', text, '--state', empty])).toMatchObject({
      code: 5,
      stderr: expect.stringMatching(/it cannot be read: .*\n.*--from/),
    });
  });
});
