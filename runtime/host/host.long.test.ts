import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { loadKeys } from '../http/keys';
import { makeSampleFolder, type SampleFolder } from '../testing/sample-folder';
import { HostFailed, HostUnderTest, makeAppFolder, type AppFolder } from '../testing/run-host';

const folders: AppFolder[] = [];

function sampleFolder(files: Readonly<Record<string, unknown>> = {}): SampleFolder {
  const sample = makeSampleFolder(files);
  folders.push(sample.folder);
  return sample;
}

const linesOf = (traces: string, file: string): string[] =>
  existsSync(join(traces, file)) ? readFileSync(join(traces, file), 'utf8').trim().split('\n') : [];

async function until(what: string, isIt: () => boolean | Promise<boolean>, msMax = 15_000): Promise<void> {
  const untilMs = Date.now() + msMax;
  while (!(await isIt())) {
    if (Date.now() > untilMs) throw new Error(`${what} has not come true in ${msMax} ms`);
    await sleep(20);
  }
}

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

afterAll(() => {
  for (const folder of folders) folder.remove();
});

describe('a running host', () => {
  let host: HostUnderTest;
  let traces: string;

  beforeAll(async () => {
    const sample = sampleFolder({
      'host.json': {
        version: '2.0',
        extensions: { durableTask: { hubName: 'Hub', tracing: { traceInputsAndOutputs: true } } },
      },
      'local.settings.json': { IsEncrypted: false, Values: { FROM_FILE: 'file', FROM_BOTH: 'file' } },
    });
    traces = sample.traces;
    host = await HostUnderTest.start(sample.folder, [], {
      ...sample.environment,
      FROM_BOTH: 'process',
      FUNCTIONS_REQUEST_BODY_SIZE_LIMIT: '100000',
      HYPERFERRY_WORKER_SILENCE_MS: '1500',
    });
  });
  afterAll(async () => {
    await host.end('SIGKILL');
  });

  test('says what of the app it does not serve', () => {
    const log = host.log.join('\n');
    expect(log).toContain(
      'host.json: without meaning here and ignored: extensions.durableTask.tracing.traceInputsAndOutputs.',
    );
    expect(log).toContain("Function 'queued' never runs here: its trigger 'queueTrigger' is not supported.");
  });

  test('hands a request to its function and the answer back', async () => {
    const response = await host.fetch('/api/ECHO/a%20b/7?x=1&y=%C3%A9', { method: 'POST', body: 'text' });
    expect(response.status).toBe(201);
    expect(response.headers.get('x-name')).toBe('a b');
    expect(response.headers.get('set-cookie')).toBe('c=v%201; Path=/; HttpOnly; SameSite=Lax');
    expect(await response.json()).toEqual({
      method: 'POST',
      url: `${host.origin}/api/ECHO/a%20b/7?x=1&y=%C3%A9`,
      params: { name: 'a b', number: '7' },
      query: { x: '1', y: 'é' },
      body: 'text',
    });
  });

  test('hands bytes through unchanged', async () => {
    const bytes = Uint8Array.from({ length: 70_000 }, (_, index) => index % 256);
    const response = await host.fetch('/api/bytes', { method: 'POST', body: bytes });
    expect(Buffer.from(await response.arrayBuffer()).equals(bytes)).toBe(true);
  });

  test('answers what no function takes', async () => {
    const statusOf = async (path: string, options: RequestInit = {}) => (await host.fetch(path, options)).status;
    expect(await statusOf('/api/none')).toBe(404);
    expect(await statusOf('/api/echo/a/notanumber')).toBe(404);
    expect(await statusOf('/api/bytes')).toBe(405);
    expect((await host.fetch('/api/bytes')).headers.get('allow')).toBe('POST, OPTIONS');
    expect(await statusOf('/api/echo/a', { method: 'OPTIONS' })).toBe(204);
    expect(await statusOf('/api/throws')).toBe(500);
    expect(await statusOf('/api/nothing')).toBe(204);
    expect(await statusOf('/api/bytes', { method: 'POST', body: 'x'.repeat(100_001) })).toBe(413);
    expect(await statusOf('/api/guarded')).toBe(200);
  });

  test('answers HEAD as GET without the body', async () => {
    const response = await host.fetch('/api/echo/a', { method: 'HEAD' });
    expect([response.status, await response.text()]).toEqual([201, '']);
    expect(Number(response.headers.get('content-length'))).toBeGreaterThan(0);
  });

  test('survives a request that is none', async () => {
    const port = Number(new URL(host.origin).port);
    const answered = await new Promise<string>((resolveText) => {
      const socket = connect(port, '127.0.0.1', () => socket.write('GET /%zz HTTP/1.1\r\nhost: x y\r\n\r\n'));
      socket.on('data', (data) => {
        resolveText(data.toString());
        socket.destroy();
      });
    });
    expect(answered).toMatch(/^HTTP\/1.1 400/);
    expect((await host.fetch('/admin/host/ping')).status).toBe(200);
  });

  test('refuses pages of other sites while it asks for no keys', async () => {
    expect((await host.fetch('/api/nothing', { headers: { origin: 'https://example.com' } })).status).toBe(403);
    const port = Number(new URL(host.origin).port);
    const answered = await new Promise<string>((resolveText) => {
      const socket = connect(port, '127.0.0.1', () =>
        socket.write('GET /api/nothing HTTP/1.1\r\nhost: rebound.example\r\nconnection: close\r\n\r\n'),
      );
      socket.once('data', (data) => resolveText(data.toString()));
    });
    expect(answered).toMatch(/^HTTP\/1.1 403/);
    expect((await host.fetch('/api/nothing', { headers: { origin: 'http://localhost:3000' } })).status).toBe(204);
  });

  test('shows its status', async () => {
    expect(await (await host.fetch('/admin/host/status')).json()).toMatchObject({
      state: 'Running',
      hubName: 'Hub',
      running: { turns: expect.any(Number) },
    });
  });

  test('serves the unmodified durable client', async () => {
    const response = await host.fetch('/api/begin/Chain/by-client', { method: 'POST', body: '5' });
    expect([response.status, await response.json()]).toEqual([200, 10]);
  });

  test("gives the app its settings, the process's own above those of the file", async () => {
    const read = async (name: string) =>
      (await host.ended(await host.start('Calls', { activity: 'Environment', input: name }))).output;
    expect(await read('FROM_FILE')).toEqual({ result: 'file' });
    expect(await read('FROM_BOTH')).toEqual({ result: 'process' });
  });

  test('keeps values larger than a row', async () => {
    const status = await host.ended(await host.start('Calls', { activity: 'Large', input: 300_000 }));
    expect(status.output).toEqual({ result: 'x'.repeat(300_000) });
  });

  test('counts in an entity, one operation at a time', async () => {
    const ids = await Promise.all([1, 2, 3, 4, 5].map(() => host.start('Counts', 'e')));
    await Promise.all(ids.map((id) => host.ended(id)));
    const response = await fetch(`${host.durable}/entities/Counter/e`);
    expect(await response.json()).toBe(10);
  });

  test('fails what calls an activity or starts an orchestrator that does not exist', async () => {
    const called = await host.ended(await host.start('Calls', { activity: 'Missing', input: 1 }));
    expect(JSON.stringify(called.output)).toContain("The function 'Missing' doesn't exist");
    const started = await host.ended(await host.start('Missing'));
    expect(started).toMatchObject({ runtimeStatus: 'Failed' });
    expect(started.output).toContain("The function 'Missing' doesn't exist");
  });

  test('replaces a worker that crashes and runs its activities again', async () => {
    const bystander = await host.start('Calls', { activity: 'Slow', input: { ms: 700, value: 'stood by' } });
    const status = await host.ended(await host.start('Calls', { activity: 'CrashOnce', input: 'crash' }));
    expect(status.output).toEqual({ result: 'survived' });
    expect((await host.ended(bystander)).output).toEqual({ result: 'stood by' });
  });

  test('replaces a worker that hangs', async () => {
    const status = await host.ended(await host.start('Calls', { activity: 'HangOnce', input: 'hang' }));
    expect(status.output).toEqual({ result: 'survived' });
    expect(host.log.join('\n')).toContain('it has given no sign for');
  });

  test('fails an activity that kills every worker, and it alone', async () => {
    const poison = await host.start('Calls', { activity: 'Crash', input: null });
    const bystander = await host.start('Chain', 20);
    const status = await host.ended(poison, 40_000);
    expect(JSON.stringify(status.output)).toContain('took its worker down 5 times');
    expect(await host.ended(bystander)).toMatchObject({ runtimeStatus: 'Completed', output: 190 });
  });

  test('can end an orchestration whose turns kill the worker', async () => {
    const id = await host.start('Wedged');
    await until('the first effect', () => linesOf(traces, 'effects').includes(`${id}/0`));
    await fetch(`${host.durable}/instances/${id}/terminate?reason=enough`, { method: 'POST' });
    expect((await host.ended(id, 30_000)).runtimeStatus).toMatch(/Terminated|Failed/);
  });

  test('runs a timer function at its start', () => {
    const [first = ''] = linesOf(traces, 'ticks');
    expect(JSON.parse(first)).toMatchObject({ isPastDue: false });
  });
});

test('a second runtime on the same state is refused and told why', async () => {
  const { folder, environment } = sampleFolder();
  const host = await HostUnderTest.start(folder, [], environment);
  const refused = await HostUnderTest.start(folder, [], environment).catch((thrown: unknown) => thrown);
  await host.end('SIGKILL');
  expect(refused).toBeInstanceOf(HostFailed);
  expect((refused as HostFailed).exitCode).toBe(1);
  expect((refused as HostFailed).errorText).toContain(`Another runtime (process ${host.pid}) works on ${folder.state}`);
});

test('a host that is stopped ends in order, its worker too, and goes on later where it was', async () => {
  const { folder, traces, environment } = sampleFolder();
  const host = await HostUnderTest.start(folder, [], environment);
  const id = await host.start('Listens');
  expect(await host.end('SIGTERM')).toBe(0);
  await until('the end of the worker', () => linesOf(traces, 'workers').every((pid) => !isAlive(Number(pid))));
  const again = await HostUnderTest.start(folder, [], environment);
  await again.raiseEvent(id, 'first', 1);
  await again.raiseEvent(id, 'second', 2);
  expect(await again.ended(id)).toMatchObject({ runtimeStatus: 'Completed', output: [1, 2] });
  await again.end('SIGKILL');
  await until('the end of the orphan', () => linesOf(traces, 'workers').every((pid) => !isAlive(Number(pid))));
});

test('keys are asked for when they are on', async () => {
  const { folder, environment } = sampleFolder();
  const host = await HostUnderTest.start(folder, ['--auth', 'on'], environment);
  const keys = loadKeys(folder.state);
  const statusOf = async (path: string, key?: string) =>
    (await host.fetch(path, key === undefined ? {} : { headers: { 'x-functions-key': key } })).status;
  expect(await statusOf('/api/nothing')).toBe(204);
  expect(await statusOf('/api/guarded')).toBe(401);
  expect(await statusOf('/api/guarded', 'wrong')).toBe(401);
  expect(await statusOf('/api/guarded', keys.functions.default)).toBe(200);
  expect(await statusOf(`/api/guarded?code=${keys.master}`)).toBe(200);
  expect(await statusOf('/api/locked', keys.functions.default)).toBe(401);
  expect(await statusOf('/api/locked', keys.master)).toBe(200);
  expect(await statusOf('/runtime/webhooks/durabletask/instances')).toBe(401);
  expect(await statusOf('/runtime/webhooks/durabletask/instances', keys.durabletask_extension)).toBe(200);
  expect(await statusOf('/admin/host/status')).toBe(401);
  expect(await statusOf('/admin/host/ping')).toBe(200);
  // The worker's own client needs no key.
  const begun = await host.fetch('/api/begin/Chain/k', { method: 'POST', body: '2' });
  expect([begun.status, await begun.json()]).toEqual([200, 1]);
  await host.end('SIGKILL');
});

test('an app that cannot be loaded, a state that is damaged: the host ends and says the way back', async () => {
  const broken = makeAppFolder('missing.js');
  folders.push(broken);
  const unloadable = await HostUnderTest.start(broken).catch((thrown: unknown) => thrown);
  expect((unloadable as HostFailed).errorText).toContain('no file matches "main": "missing.js"');

  const { folder, environment } = sampleFolder();
  mkdirSync(folder.state);
  writeFileSync(
    join(folder.state, 'runtime.db'),
    'this is no database, and long enough to be taken for one'.repeat(100),
  );
  const damaged = await HostUnderTest.start(folder, [], environment).catch((thrown: unknown) => thrown);
  expect((damaged as HostFailed).exitCode).toBe(1);
  expect((damaged as HostFailed).errorText).toContain('Restore a backup into a new folder');
});

test('streams go through as they come, in both directions', async () => {
  const folder = makeAppFolder(resolve(__dirname, '../testing/stream-app.js'));
  folders.push(folder);
  const host = await HostUnderTest.start(folder);
  const bytes = Uint8Array.from({ length: 3_000_000 }, (_, index) => (index * 7) % 256);
  const mirrored = await host.fetch('/api/mirror/a%20b', { method: 'POST', body: bytes });
  expect(mirrored.headers.get('x-name')).toBe('a b');
  expect(Buffer.from(await mirrored.arrayBuffer()).equals(bytes)).toBe(true);
  const lines = await host.fetch('/api/lines');
  const texts: string[] = [];
  for await (const chunk of lines.body ?? []) {
    texts.push(Buffer.from(chunk as Uint8Array).toString());
  }
  expect(texts.join('')).toBe('one\ntwo\nthree\n');
  // A host that held the answer back until its end would hand it over in one piece.
  expect(texts.length).toBeGreaterThan(1);
  expect((await host.fetch('/api/fails')).status).toBe(500);
  await host.end('SIGKILL');
});

test('hundreds of requests at once are all answered', async () => {
  const { folder, environment } = sampleFolder();
  const host = await HostUnderTest.start(folder, [], environment);
  const statuses = await Promise.all(
    Array.from({ length: 400 }, async (_, n) => {
      const response = await host.fetch(`/api/echo/n/${n}`);
      const body = z.object({ params: z.object({ number: z.coerce.number() }) }).parse(await response.json());
      return response.status + body.params.number - n;
    }),
  );
  expect(new Set(statuses)).toEqual(new Set([201]));
  await host.end('SIGKILL');
});
