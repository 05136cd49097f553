import { BlobServiceClient } from '@azure/storage-blob';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo, Server } from 'node:net';
import { generate } from 'selfsigned';
import { BlobStagingContainers } from '../../activities/staging/containers';
import { systemClock } from '../../agent/clock';
import { lookAtStorage } from '../../agent/disks/staged/look-at-storage';
import { storageInspection } from '../../contracts/inspection/storage';
import type { StagingAccess } from '../../contracts/operations';
import { startAzurite, type Azurite } from '../azurite';

const servers: (Server & { closeAllConnections: () => void })[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  }
});

async function listening(server: (typeof servers)[number]): Promise<number> {
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

const signature = 'c2VjcmV0';
const accessAt = (origin: string): StagingAccess => ({
  containerUrl: `${origin}/account/container`,
  sas: `sv=2024-11-04&sr=c&sp=r&sig=${signature}`,
  expiresAtMs: 1,
});
const lookAt = (origin: string, msMax?: number) => lookAtStorage(accessAt(origin), systemClock, msMax);

const answering = async (answer: RequestListener): Promise<string> =>
  `http://127.0.0.1:${await listening(createServer(answer))}`;
const saying = (status: number, headers: Record<string, string>): Promise<string> =>
  answering((_request, response) => response.writeHead(status, headers).end());
const ofStorage = (code: string) => ({ 'x-ms-request-id': 'a-1', 'x-ms-error-code': code });

describe('with Azurite', () => {
  let azurite: Azurite;
  beforeAll(async () => {
    azurite = await startAzurite();
  });
  afterAll(() => azurite.stop());

  async function accessTo(connectionString: string, now: Date): Promise<StagingAccess> {
    const service = BlobServiceClient.fromConnectionString(connectionString);
    const access = await new BlobStagingContainers(service).accessTo('hyperferry-staged-look', 'destination', now);
    if (!access.ok) throw new Error(access.failure.message);
    return access.value;
  }

  test('access to a container that is not there is enough to be admitted, and nothing is there afterwards', async () => {
    const met = await lookAtStorage(await accessTo(azurite.connectionString, new Date()), systemClock);
    expect(met).toMatchObject({ meets: 'admitted', told: '404 ContainerNotFound' });
    expect(storageInspection.parse(met)).toEqual(met);
    expect(new URL(met.endpoint).origin).toBe(met.endpoint);
    const containers: string[] = [];
    for await (const { name } of BlobServiceClient.fromConnectionString(azurite.connectionString).listContainers())
      containers.push(name);
    expect(containers).toEqual([]);
  });

  test('access of another time or another key is refused, and the clock of storage is told', async () => {
    const hours = (count: number) => new Date(Date.now() + count * 3_600_000);
    const strangersKey = azurite.connectionString.replace(
      /AccountKey=[^;]+/,
      `AccountKey=${randomBytes(32).toString('base64')}`,
    );
    for (const access of [
      await accessTo(azurite.connectionString, hours(-2)),
      await accessTo(azurite.connectionString, hours(2)),
      await accessTo(strangersKey, hours(0)),
    ]) {
      const met = await lookAtStorage(access, { now: () => Date.now() + 7_200_000 });
      // Azurite answers with the code that storage has for its firewall.
      expect(met).toMatchObject({ meets: 'network-refused', told: '403 AuthorizationFailure' });
      expect(Math.abs((met.aheadMs ?? 0) - 7_200_000)).toBeLessThan(600_000);
    }
  });
});

test.each([
  [200, {}, 'answered-on-the-way'],
  [403, { server: 'proxy' }, 'answered-on-the-way'],
  [403, ofStorage('AuthorizationFailure'), 'network-refused'],
  [403, ofStorage('AuthenticationFailed'), 'access-refused'],
  [403, ofStorage('AuthorizationPermissionMismatch'), 'access-refused'],
  [404, ofStorage('BlobNotFound'), 'admitted'],
  [503, ofStorage('ServerBusy'), 'storage-failing'],
] as const)('an answer of %d with %p is met as %s', async (status, headers, meets) => {
  const met = await lookAt(await saying(status, { ...headers }));
  expect(met).toMatchObject({ meets, told: expect.stringContaining(`${status}`) as string });
});

test('an end that says nothing is given up when its time is over', async () => {
  const origin = await answering((request) => request.resume());
  expect(await lookAt(origin, 200)).toMatchObject({ meets: 'silent', told: 'no answer in 0.2 s', aheadMs: null });
});

test('a port that nobody listens on, and a name that nobody knows, are told apart', async () => {
  expect(await lookAt('http://127.0.0.1:1')).toMatchObject({ meets: 'not-connected' });
  // No name has a part of 64 characters, so no server is asked for it.
  expect(await lookAt(`https://${'a'.repeat(64)}.invalid`)).toMatchObject({ meets: 'name-not-resolved' });
});

test('an end with a certificate of its own making is none that this host trusts', async () => {
  const { private: key, cert } = await generate([{ name: 'commonName', value: 'localhost' }], { keyType: 'ec' });
  const port = await listening(createSecureServer({ key, cert }, (_request, response) => response.end()));
  expect(await lookAt(`https://localhost:${port}`)).toMatchObject({ meets: 'certificate-refused' });
});

test('a proxy that lets nobody through to storage answers in its place', async () => {
  const proxy = createServer();
  proxy.on('connect', (_request, socket) => socket.end('HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n'));
  const port = await listening(proxy);
  const before = process.env['HTTPS_PROXY'];
  process.env['HTTPS_PROXY'] = `http://127.0.0.1:${port}`;
  try {
    const met = await lookAt('https://account.blob.example');
    expect(met).toMatchObject({ meets: 'answered-on-the-way', told: expect.stringContaining('403') as string });
  } finally {
    if (before === undefined) delete process.env['HTTPS_PROXY'];
    else process.env['HTTPS_PROXY'] = before;
  }
});

test('what is told never holds the signature', async () => {
  const origins = [await saying(403, ofStorage('AuthenticationFailed')), 'http://127.0.0.1:1', 'http://[::1]:1'];
  for (const origin of origins) expect(JSON.stringify(await lookAt(origin))).not.toContain(signature);
});
