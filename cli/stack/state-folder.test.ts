import { BlobServiceClient, StorageSharedKeyCredential } from '@azure/storage-blob';
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { publicKeyFrom, signingKeyFrom } from '../../relay/signing';
import { resolveAddress } from '../api/address';
import { systemClock } from '../../agent/clock';
import { awaitFormer, rememberProcesses } from './former';
import { launch } from './child';
import { takeLock } from './lock';
import { choosePorts, portIsFree, type PortNeed } from './ports';
import { readRunningStack, removeRunningStack, writeRunningStack } from './running';
import { ensureSecrets } from './secrets';

let home: string;
beforeEach(() => (home = mkdtempSync(join(tmpdir(), 'hyperferry-home-'))));
afterEach(() => rmSync(home, { recursive: true, force: true }));

const processes: ChildProcess[] = [];
afterEach(() => processes.splice(0).forEach((one) => one.kill('SIGKILL')));

describe('the lock', () => {
  const holder = `const { takeLock } = require(${JSON.stringify(join(__dirname, 'lock.js'))});
    if (takeLock(process.argv[1]) === undefined) process.exit(9);
    console.log('held'); setInterval(() => undefined, 1000);`;

  test('is held by one process at a time, and ends with it however it ends', async () => {
    const first = spawn(process.execPath, ['-e', holder, home], { stdio: ['ignore', 'pipe', 'inherit'] });
    processes.push(first);
    await new Promise((resolve) => first.stdout.once('data', resolve));
    expect(takeLock(home)).toBeUndefined();
    expect(spawnSync(process.execPath, ['-e', holder, home]).status).toBe(9);
    first.kill('SIGKILL');
    await new Promise((resolve) => first.once('exit', resolve));
    const lock = takeLock(home);
    expect(lock).toBeDefined();
    lock?.release();
    takeLock(home)?.release();
  });

  test('of a folder that is not there is an error, not a lock', () => {
    expect(() => takeLock(join(home, 'absent'))).toThrow();
  });
});

describe('ports', () => {
  const listening: Server[] = [];
  afterEach(() => {
    listening.splice(0).forEach((server) => server.close());
  });
  const listenOn = (port: number): Promise<number> =>
    new Promise((resolve, reject) => {
      const server = createServer();
      listening.push(server);
      server.once('error', reject);
      server.listen(port, '127.0.0.1', () => {
        const address = server.address();
        resolve(typeof address === 'object' && address !== null ? address.port : 0);
      });
    });
  const need = (name: string, preferred: number): PortNeed => ({ name, what: `the ${name}`, preferred });

  test('a taken one is replaced by the next free one, which is said and remembered', async () => {
    const taken = await listenOn(0);
    const said: string[] = [];
    const chosen = await choosePorts(home, [need('api', taken), need('relay', taken)], (line) => said.push(line));
    if (!chosen.ok) throw new Error(chosen.failure.title);
    const { api, relay } = chosen.value;
    expect(api).toBeGreaterThan(taken);
    expect(relay).toBeGreaterThan(api!);
    expect(said).toContain(`port ${taken} for the api is taken; using ${api} instead`);
    const again: string[] = [];
    expect(await choosePorts(home, [need('api', taken), need('relay', taken)], (line) => again.push(line))).toEqual(
      chosen,
    );
    expect(again).toEqual([]);
    listening.splice(0).forEach((server) => server.close());
    expect(await choosePorts(home, [need('api', taken)], () => undefined)).toMatchObject({ value: { api } });
  });

  test('a damaged memory of ports costs new ones and nothing else', async () => {
    writeFileSync(join(home, 'ports.json'), '{"api": "x"');
    const free = await listenOn(0);
    listening.splice(0).forEach((server) => server.close());
    expect(await choosePorts(home, [need('api', free)], () => undefined)).toMatchObject({ value: { api: free } });
    expect(await portIsFree(free)).toBe(true);
  });
});

describe('secrets', () => {
  test('are made once, for the owner alone, and the signing key is a pair', () => {
    const first = ensureSecrets(home, randomBytes);
    const second = ensureSecrets(home, randomBytes);
    if (!first.ok) throw new Error(first.failure.title);
    expect(second).toEqual(first);
    expect(statSync(join(home, 'secrets.json')).mode & 0o777).toBe(0o600);
    const { signing, blobAccountKey, relaySendKey, relayListenKey } = first.value;
    const pair = signingKeyFrom(signing.privateKeyBase64);
    expect(pair.publicKey.equals(publicKeyFrom(signing.publicKeyBase64))).toBe(true);
    expect(Buffer.from(blobAccountKey, 'base64')).toHaveLength(64);
    expect(relaySendKey).not.toBe(relayListenKey);
  });

  test('that cannot be read are not replaced behind the back of the agents', () => {
    writeFileSync(join(home, 'secrets.json'), '{}');
    expect(ensureSecrets(home, randomBytes)).toMatchObject({ ok: false, failure: { exit: 'localStack' } });
    expect(readFileSync(join(home, 'secrets.json'), 'utf8')).toBe('{}');
  });
});

describe('what a running stack leaves for the other commands', () => {
  const running = {
    schema: 1,
    pid: process.pid,
    apiUrl: 'http://127.0.0.1:7071/api',
    startedAt: '2026-08-01T00:00:00Z',
  } as const;

  test('is the address that they use', () => {
    writeRunningStack(home, running);
    expect(resolveAddress({}, { HYPERFERRY_HOME: home })).toMatchObject({
      baseUrl: running.apiUrl,
      source: 'local-stack',
    });
    removeRunningStack(home);
    expect(readRunningStack(home)).toBeUndefined();
    expect(resolveAddress({}, { HYPERFERRY_HOME: home })).toMatchObject({ reason: 'none-known' });
  });

  test('counts for nothing when its process is gone', () => {
    const gone = spawnSync(process.execPath, ['-e', '']).pid;
    writeRunningStack(home, { ...running, pid: gone });
    expect(resolveAddress({}, { HYPERFERRY_HOME: home })).toMatchObject({ reason: 'none-known' });
  });
});

describe('processes of a stack that was killed', () => {
  test('are waited for until they are gone', async () => {
    const script = join(__dirname, '..', 'testing', 'dummy-service.js');
    const child = launch({ script, args: ['dies=400'], env: {} }, join(home, 'former.log'));
    rememberProcesses(home, { former: child.pid });
    const said: string[] = [];
    expect(await awaitFormer(home, systemClock, (line) => said.push(line))).toBeUndefined();
    expect(said).toEqual(['waiting for former of a stack that was killed to end']);
    await child.ended;
  });

  test('whose ids other programs have by now are not waited for', async () => {
    rememberProcesses(home, { former: process.pid });
    const said: string[] = [];
    expect(await awaitFormer(home, systemClock, (line) => said.push(line))).toBeUndefined();
    expect(said).toEqual([]);
  });
});

describe('the blob service', () => {
  const account = 'hyperferry';
  const key = createHash('sha512').update('a key for this test').digest('base64');

  async function startBlobs(port: number): Promise<ReturnType<typeof launch>> {
    const args = [
      '--blobHost',
      '127.0.0.1',
      '--blobPort',
      String(port),
      '--location',
      home,
      '--skipApiVersionCheck',
      '--silent',
    ];
    const child = launch(
      {
        script: join(__dirname, 'azurite-main.js'),
        args: [...args, '--disableTelemetry'],
        env: { AZURITE_ACCOUNTS: `${account}:${key}` },
      },
      join(home, 'blobs.log'),
    );
    await Promise.race([
      new Promise<void>((resolve) => child.onLine((line) => line.includes('successfully listens') && resolve())),
      child.ended.then(() => Promise.reject(new Error(readFileSync(join(home, 'blobs.log'), 'utf8')))),
    ]);
    return child;
  }

  test('keeps what it acknowledged when it is killed right afterwards', async () => {
    const probe = createServer();
    const port = await new Promise<number>((resolve) => {
      probe.listen(0, '127.0.0.1', () => {
        const address = probe.address();
        probe.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
      });
    });
    const service = new BlobServiceClient(
      `http://127.0.0.1:${port}/${account}`,
      new StorageSharedKeyCredential(account, key),
    );
    const container = service.getContainerClient('ledger');
    const first = await startBlobs(port);
    await container.create();
    const written = await container.getBlockBlobClient('run-1').upload('a ledger', 8);
    first.signal('SIGKILL');
    await first.ended;
    const blobs = await startBlobs(port);
    const blob = container.getBlockBlobClient('run-1');
    expect((await blob.downloadToBuffer()).toString()).toBe('a ledger');
    expect((await blob.getProperties()).etag).toBe(written.etag);
    blobs.signal('SIGTERM');
    await blobs.ended;
  });
});
