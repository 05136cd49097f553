import { createServer as createHttpServer, type Server } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generate } from 'selfsigned';
import { startEmulator, type Emulator } from '../../relay/emulator';
import { generateSigningKey } from '../../relay/signing';
import { systemClock, type Clock } from '../clock';
import { parseConfig } from '../config';
import { takeStateLock } from '../state-lock';
import { examine, type DoctorReport, type Finding } from '.';

const hostId = 'host-1';
const { publicKeyBase64 } = generateSigningKey();

let relay: Emulator;
let folder = '';
const servers: Server[] = [];
beforeAll(async () => {
  const keys = [
    { name: 'agent', key: 'agent-key', rights: ['Listen' as const] },
    { name: 'app', key: 'app-key', rights: ['Send' as const] },
  ];
  relay = await startEmulator({ port: 0, namespace: 'test', hybridConnections: [hostId], keys });
});
afterAll(() => relay.close());
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hyperferry-doctor-'));
});
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
  rmSync(folder, { recursive: true, force: true });
});

async function listening(server: Server): Promise<number> {
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

// The advertised address is of no host (RFC 5737): it has to be known, not to answer.
const goodByteRoute = { listenAddress: '127.0.0.1', port: 0, advertisedAddress: '192.0.2.1' };
const goodConfig = () => ({
  hostId,
  stateFolder: 'state',
  driver: { type: 'simulated', folder: 'host' },
  relay: { endpoint: `http://127.0.0.1:${relay.port}`, sas: { keyName: 'agent', key: 'agent-key' } },
  appPublicKeys: [publicKeyBase64],
  byteRoute: goodByteRoute,
});

function examined(
  config: object,
  more: { clock?: Clock; env?: NodeJS.ProcessEnv; newGuid?: () => string } = {},
): Promise<DoctorReport> {
  const parts = { clock: systemClock, env: {}, newGuid: () => 'guid', migrationPort: 1, ...more };
  return examine(parseConfig({ ...goodConfig(), ...config }, folder), parts);
}
const found = ({ findings }: DoctorReport, id: string): Finding | undefined => findings.find((one) => one.id === id);
const wrongIn = ({ findings }: DoctorReport): string[] =>
  findings.flatMap((one) => (one.type === 'wrong' ? [one.id] : []));

test('with nothing wrong it says so, and leaves nothing behind', async () => {
  const report = await examined({});
  expect(report).toMatchObject({ ok: true, criticalCount: 0, warningCount: 0 });
  expect(report.findings.filter(({ type }) => type === 'fine').map(({ id }) => id)).toEqual([
    'configuration',
    'state-folder',
    'state-folder-own',
    'byte-route-certificate',
    'relay-reachable',
    'clock',
    'relay-rights',
    'byte-route-port',
    'advertised-address',
  ]);
  expect(readdirSync(folder)).toEqual([]);
});

test('a configuration that cannot be used is a finding that names field, value and remedy; all else is skipped', async () => {
  const report = await examined({ hostId: 'host 1' });
  expect(report).toMatchObject({ ok: false, criticalCount: 1 });
  expect(found(report, 'configuration')).toMatchObject({
    message: expect.stringContaining('hostId is host 1') as string,
  });
  expect(new Set(report.findings.slice(1).map(({ type }) => type))).toEqual(new Set(['skipped']));
});

test.each<[string, object, string, RegExp, RegExp]>([
  [
    'no folder can be made',
    { stateFolder: 'file/state' },
    'state-folder',
    /stateFolder is .*file.state, which/,
    /full control/,
  ],
  [
    'a key that the relay does not know',
    { relay: { sas: { keyName: 'agent', key: 'wrong' } } },
    'relay-rights',
    /answered 401/,
    /relay key or identity/,
  ],
  [
    'a key without the right to listen',
    { relay: { sas: { keyName: 'app', key: 'app-key' } } },
    'relay-rights',
    /answered 403/,
    /Listen right on the hybrid connection host-1/,
  ],
  ['no hybrid connection', { hostId: 'host-2' }, 'relay-rights', /answered 404/, /Create the hybrid connection host-2/],
  [
    'an address that no host has',
    { byteRoute: { ...goodByteRoute, advertisedAddress: '0.0.0.0' } },
    'advertised-address',
    /0\.0\.0\.0, which is no address/,
    /as the other Hyper-V hosts reach it/,
  ],
  [
    'an address that is not of this host',
    { byteRoute: { ...goodByteRoute, listenAddress: '192.0.2.1' } },
    'byte-route-port',
    /listenAddress is 192\.0\.2\.1, on which nothing can listen/,
    /an address of this host/,
  ],
])('%s', async (_what, config, id, message, remedy) => {
  writeFileSync(join(folder, 'file'), '');
  const given = 'relay' in config ? { relay: { ...goodConfig().relay, ...(config.relay as object) } } : config;
  const report = await examined(given);
  expect(report.ok).toBe(false);
  expect(wrongIn(report)).toEqual([id]);
  expect(found(report, id)).toMatchObject({
    severity: 'critical',
    message: expect.stringMatching(message) as string,
    remedy: expect.stringMatching(remedy) as string,
  });
  expect(readdirSync(folder)).toEqual(['file']);
});

test('a port that another program has is named, unless the agent itself runs', async () => {
  const port = await listening(createHttpServer());
  const byteRoute = { ...goodByteRoute, port };
  const report = await examined({ byteRoute });
  expect(found(report, 'byte-route-port')).toMatchObject({
    severity: 'critical',
    message: expect.stringContaining(`byteRoute.port is ${port}`) as string,
  });
  const stateFolder = join(folder, 'state');
  mkdirSync(stateFolder);
  const lock = takeStateLock(stateFolder);
  const beside = await examined({ byteRoute });
  lock?.release();
  expect(beside).toMatchObject({ ok: true, warningCount: 1 });
  expect(found(beside, 'state-folder-own')).toMatchObject({ type: 'wrong', severity: 'warning' });
  expect([found(beside, 'byte-route-port')?.type, found(beside, 'relay-rights')?.type]).toEqual(['skipped', 'skipped']);
  expect(readdirSync(stateFolder)).toEqual(['lock.db']);
});

test('an agent that starts while the doctor looks keeps all that it has put into its folder', async () => {
  const stateFolder = join(folder, 'deep', 'state');
  let lock: ReturnType<typeof takeStateLock>;
  // The doctor has just made the folder when it wants a name for the file that it tries to write.
  const newGuid = (): string => {
    lock ??= takeStateLock(stateFolder);
    return 'guid';
  };
  const report = await examined({ stateFolder }, { newGuid });
  expect(found(report, 'state-folder-own')).toMatchObject({ type: 'wrong' });
  expect(readdirSync(stateFolder)).toContain('lock.db');
  expect(takeStateLock(stateFolder)).toBeUndefined();
  lock?.release();
});

test('of a state folder that the doctor made nothing is left', async () => {
  await examined({ stateFolder: join('deep', 'state') });
  expect(existsSync(join(folder, 'deep'))).toBe(false);
});

test.each([
  [10 * 60_000, 'critical', /600 s ahead .*five minutes/],
  [-2 * 60_000, 'warning', /120 s behind/],
] as const)('a clock that is %d ms ahead is a %s finding', async (aheadMs, severity, message) => {
  const clock: Clock = { ...systemClock, now: () => Date.now() + aheadMs };
  const report = await examined({}, { clock });
  expect(found(report, 'clock')).toMatchObject({ severity, remedy: expect.stringContaining('w32tm') as string });
  expect(
    found(report, 'clock')?.message.replace(/\d+ s/, (text) => `${Math.round(Number.parseInt(text) / 30) * 30} s`),
  ).toMatch(message);
});

const identity = (certificatePath: string) => ({
  relay: {
    // Nobody is there: signing in would go out to the internet.
    endpoint: 'http://127.0.0.1:1',
    entra: { type: 'client-certificate', tenantId: 't', clientId: 'c', certificatePath },
  },
});
const pemOf = async (fromDays: number, toDays: number) => {
  const at = (days: number) => new Date(Date.now() + days * 24 * 3_600_000);
  const made = await generate([{ name: 'commonName', value: 'agent' }], {
    keyType: 'ec',
    curve: 'P-256',
    notBeforeDate: at(fromDays),
    notAfterDate: at(toDays),
  });
  return { key: made.private, cert: made.cert };
};

test.each<[string, () => Promise<string | undefined>, 'critical' | 'warning', RegExp]>([
  ['is not there', () => Promise.resolve(undefined), 'critical', /there is no such file/],
  ['holds something else', () => Promise.resolve('x'), 'critical', /agent\.pem: /],
  ['has ended', async () => Object.values(await pemOf(-20, -1)).join('\n'), 'critical', /has ended/],
  ['is for later', async () => Object.values(await pemOf(1, 20)).join('\n'), 'critical', /is valid from/],
  ['ends soon', async () => Object.values(await pemOf(-1, 5.5)).join('\n'), 'warning', /good for 5 days/],
  [
    'has the key of another',
    async () => `${(await pemOf(-1, 90)).key}\n${(await pemOf(-1, 90)).cert}`,
    'critical',
    /not the one of its certificate/,
  ],
])('a certificate for Entra ID that %s', async (_what, pem, severity, message) => {
  const text = await pem();
  if (text !== undefined) writeFileSync(join(folder, 'agent.pem'), text);
  const report = await examined(identity('agent.pem'));
  expect(found(report, 'relay-certificate')).toMatchObject({
    severity,
    message: expect.stringMatching(message) as string,
  });
});

test('a certificate of the byte route that cannot be read is found before the first start fails on it', async () => {
  mkdirSync(join(folder, 'state'));
  writeFileSync(join(folder, 'state', 'byte-route.pem'), 'x');
  const report = await examined({});
  expect(wrongIn(report)).toEqual(['byte-route-certificate']);
  expect(existsSync(join(folder, 'state', 'byte-route.pem'))).toBe(true);
});

describe('the way to the relay', () => {
  const silent = async (endpoint: string, env: NodeJS.ProcessEnv = {}) => {
    const report = await examined({ relay: { ...goodConfig().relay, endpoint } }, { env });
    expect([found(report, 'clock')?.type, found(report, 'relay-rights')?.type]).toEqual(['skipped', 'skipped']);
    return found(report, 'relay-reachable');
  };

  test('nobody listens', async () => {
    const server = createHttpServer();
    const port = await listening(server);
    await new Promise((resolve) => server.close(resolve));
    servers.length = 0;
    expect(await silent(`http://127.0.0.1:${port}`)).toMatchObject({
      severity: 'critical',
      message: expect.stringContaining('ECONNREFUSED') as string,
      remedy: expect.stringContaining('outbound TCP 443') as string,
    });
  });

  test('something on the way opens TLS', async () => {
    const { key, cert } = await pemOf(-1, 30);
    const port = await listening(createHttpsServer({ key, cert }));
    expect(await silent(`https://localhost:${port}`)).toMatchObject({
      remedy: expect.stringContaining('NODE_EXTRA_CA_CERTS') as string,
    });
  });

  test('a proxy refuses, and neither user nor password is shown', async () => {
    const asked: (string | undefined)[] = [];
    const proxy = createHttpServer();
    proxy.on('connect', (request, socket) => {
      asked.push(request.url);
      socket.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n');
    });
    const port = await listening(proxy);
    const finding = await silent('https://relay.example', { HTTPS_PROXY: `http://me:secret@127.0.0.1:${port}` });
    expect(asked).toEqual(['relay.example:443']);
    expect(finding).toMatchObject({
      message: expect.stringContaining(`through the proxy 127.0.0.1:${port}`) as string,
      remedy: expect.stringContaining('user and password in HTTPS_PROXY') as string,
    });
    expect(JSON.stringify(finding)).not.toContain('secret');
  });

  test('HTTPS_PROXY is no URL', async () => {
    expect(await silent('https://relay.example', { HTTPS_PROXY: 'proxy:80 secret' })).toMatchObject({
      message: 'HTTPS_PROXY is no URL of a proxy',
      remedy: expect.stringContaining('http://HOST:PORT') as string,
    });
  });
});
