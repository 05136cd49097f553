import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readEmulatorConfig } from './emulator-config';
import { jsonResponse } from './exchange';
import { connected, testClient, testHost, testKeys, testListener, until, wait } from './testing/support';

const config = { port: 0, namespace: 'local', hybridConnections: [testHost], keys: testKeys };
let folder = '';
const children: ChildProcess[] = [];

beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'relay-'))));
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

type Ended = { readonly code: number | null; readonly signal: NodeJS.Signals | null };

function fileWith(text: string): string {
  const file = join(folder, `relay-${children.length}.json`);
  writeFileSync(file, text);
  return file;
}

function run(args: readonly string[]) {
  const child = spawn(process.execPath, [join(__dirname, 'emulator-main.js'), ...args]);
  children.push(child);
  const output = { out: '', err: '' };
  child.stdout.on('data', (data: Buffer) => (output.out += data.toString()));
  child.stderr.on('data', (data: Buffer) => (output.err += data.toString()));
  const ended = new Promise<Ended>((resolve) => child.on('close', (code, signal) => resolve({ code, signal })));
  return { child, output, ended };
}

async function ready(text = JSON.stringify(config)) {
  const started = run(['--config', fileWith(text)]);
  await until('the ready line', () => started.output.out.includes('\n'), 10_000);
  const line: unknown = JSON.parse(started.output.out);
  expect(line).toEqual({ ready: true, port: expect.any(Number) });
  const { port } = JSON.parse(started.output.out);
  return { ...started, port: Number(port), endpoint: `http://127.0.0.1:${port}` };
}

test('the emulator serves as a process, survives bad clients and stops on SIGTERM', async () => {
  const { child, ended, output, port, endpoint } = await ready();
  const listener = testListener(endpoint, async ({ path }) => jsonResponse(200, path));
  await connected(listener);
  for (const rubbish of [
    '\0\x01\x02',
    'GET',
    'GET / HTTP/9\r\n\r\n',
    'GET //$hc/?% HTTP/1.1\r\nUpgrade: websocket\r\n\r\n',
  ]) {
    const socket = connect(port, '127.0.0.1', () => socket.end(rubbish));
    socket.on('error', () => {});
    socket.resume();
  }
  await wait(50);
  const client = testClient(endpoint);
  expect(await client.send({ hostId: testHost, method: 'GET', path: '/a' })).toMatchObject({ value: { body: '/a' } });
  child.kill('SIGTERM');
  expect(await ended).toEqual({ code: 0, signal: null });
  expect(output.out.trim().split('\n')).toHaveLength(1);
  await listener.close();
});

test('a listener comes back by itself after the emulator was killed and started again', async () => {
  const first = await ready();
  const listener = testListener(first.endpoint, async ({ path }) => jsonResponse(200, path));
  await connected(listener);
  const client = testClient(first.endpoint);
  const call = { hostId: testHost, method: 'GET', path: '/a' } as const;
  for (let kill = 0; kill < 2; kill += 1) {
    children.at(-1)?.kill('SIGKILL');
    await until('the listener noticed', () => listener.state().name !== 'connected');
    expect(await client.send(call)).toMatchObject({ ok: false, failure: { code: expect.any(String) } });
    await ready(JSON.stringify({ ...config, port: first.port }));
    await connected(listener);
    expect(await client.send(call)).toMatchObject({ ok: true, value: { body: '/a' } });
  }
  await listener.close();
});

test('a request that is under way when the emulator dies has an unknown effect', async () => {
  const { child, endpoint } = await ready();
  let arrived = false;
  const listener = testListener(
    endpoint,
    ({ signal }) =>
      new Promise((resolve) => {
        arrived = true;
        signal.addEventListener('abort', () => resolve({ status: 204 }));
      }),
    { limits: { drainMsMax: 0 } },
  );
  await connected(listener);
  const sent = testClient(endpoint).send({ hostId: testHost, method: 'GET', path: '/a' });
  await until('it arrives', () => arrived);
  child.kill('SIGKILL');
  expect(await sent).toMatchObject({ ok: false, failure: { code: 'AgentTimedOut', effect: 'unknown' } });
  await listener.close();
});

test('a taken port, a missing option and a missing file end it with a line that says what to do', async () => {
  const { port } = await ready();
  const taken = run(['--config', fileWith(JSON.stringify({ ...config, port }))]);
  const noOption = run([]);
  const noFile = run(['--config', join(folder, 'nowhere.json')]);
  expect((await taken.ended).code).toBe(1);
  expect(taken.output.err).toMatch(/EADDRINUSE.*choose another in the configuration/);
  expect((await noOption.ended).code).toBe(2);
  expect(noOption.output.err).toContain('--config is missing');
  expect((await noFile.ended).code).toBe(2);
  expect(noFile.output.err).toContain('ENOENT');
});

describe('a configuration', () => {
  test('is read', () => {
    expect(readEmulatorConfig(JSON.stringify(config))).toEqual({ ok: true, value: config });
  });

  test.each([
    ['not JSON', '{', /not JSON/, undefined],
    ['a port that is none', { ...config, port: 70_000 }, /port/, 'port'],
    ['no hybrid connection', { ...config, hybridConnections: [] }, /hybridConnections/, 'hybridConnections'],
    ['a name with a slash', { ...config, hybridConnections: ['a/b'] }, /use letters/, 'hybridConnections.0'],
    [
      'a right that does not exist',
      { ...config, keys: [{ ...testKeys[0], rights: ['Manage'] }] },
      /rights/,
      'keys.0.rights.0',
    ],
    ['a field that nobody knows', { ...config, prot: 1 }, /prot/, 'the document'],
  ])('with %s is refused, with the field and a remedy', (_what, value, message, field) => {
    const outcome = readEmulatorConfig(typeof value === 'string' ? value : JSON.stringify(value));
    if (outcome.ok) throw new Error('it was accepted');
    expect(outcome.failure.message).toMatch(message);
    expect(outcome.failure.subject.field).toBe(field);
    expect(outcome.failure.remedy).toContain('hybridConnections');
  });
});
