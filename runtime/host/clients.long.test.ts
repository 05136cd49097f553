import { connect, type Socket } from 'node:net';
import { HostUnderTest } from '../testing/run-host';
import { makeSampleFolder, type SampleFolder } from '../testing/sample-folder';

// Clients that are many, slow, broken or gone: each gets what it deserves, and everybody else is served meanwhile.

let sample: SampleFolder;
let host: HostUnderTest;

beforeAll(async () => {
  sample = makeSampleFolder();
  host = await HostUnderTest.start(sample.folder, [], {
    ...sample.environment,
    FUNCTIONS_REQUEST_BODY_SIZE_LIMIT: '20000000',
  });
});
afterAll(async () => {
  await host.end('SIGKILL');
  sample.folder.remove();
});

const opened = (): Promise<Socket> =>
  new Promise((resolveSocket, reject) => {
    const socket = connect(Number(new URL(host.origin).port), '127.0.0.1', () => resolveSocket(socket));
    socket.on('error', reject);
  });

/** Sends bytes as they are, and returns what comes until the other side closes. */
async function exchanged(text: string): Promise<string> {
  const socket = await opened();
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  socket.write(text);
  await new Promise<void>((done) => socket.once('close', () => done()));
  return Buffer.concat(chunks).toString('latin1');
}

const isServed = async (): Promise<void> => {
  expect((await host.ended(await host.start('Chain', 3))).output).toBe(3);
  expect((await host.fetch('/api/echo/served')).status).toBe(201);
};

test('a thousand requests at once are all answered, and a thousand starts all end', async () => {
  const echoes = Array.from({ length: 1000 }, async (_, n) => {
    const response = await host.fetch(`/api/echo/n/${n}`);
    return [response.status, ((await response.json()) as { params: { number: string } }).params.number];
  });
  expect(await Promise.all(echoes)).toEqual(Array.from({ length: 1000 }, (_, n) => [201, String(n)]));
  const ids = await Promise.all(Array.from({ length: 1000 }, (_, n) => host.start('Chain', 1, `at-once-${n}`)));
  for (const id of ids) expect((await host.ended(id, 60_000)).output).toBe(0);
});

test('clients that never finish their headers are cut off, and meanwhile others are served', async () => {
  const slow = await Promise.all(Array.from({ length: 200 }, () => opened()));
  const closed = slow.map((socket) => new Promise<void>((done) => socket.once('close', () => done())));
  for (const socket of slow) {
    socket.on('data', () => undefined);
    socket.on('error', () => undefined);
    socket.write('GET /api/echo/slow HTTP/1.1\r\nhost: localhost\r\nx-a: ');
  }
  await isServed();
  await Promise.all(closed);
  await isServed();
});

test('clients that do not read their answers, or go away within their requests, keep nobody from his', async () => {
  const large = 'x'.repeat(8_000_000);
  const idle = await Promise.all(Array.from({ length: 8 }, () => opened()));
  for (const socket of idle) {
    socket.pause();
    socket.on('error', () => undefined);
    socket.write(`POST /api/bytes HTTP/1.1\r\nhost: localhost\r\ncontent-length: ${large.length}\r\n\r\n${large}`);
  }
  const leaving = await Promise.all(Array.from({ length: 50 }, () => opened()));
  for (const socket of leaving) {
    socket.on('error', () => undefined);
    socket.write('POST /api/bytes HTTP/1.1\r\nhost: localhost\r\ncontent-length: 5000\r\n\r\nhalf');
    socket.destroy();
  }
  await isServed();
  for (const socket of idle) socket.destroy();
  await isServed();
});

test.each([
  [
    'two lengths',
    'POST /api/bytes HTTP/1.1\r\nhost: localhost\r\ncontent-length: 3\r\ncontent-length: 4\r\n\r\nabc',
    '400',
  ],
  [
    'a length and chunks',
    'POST /api/bytes HTTP/1.1\r\nhost: localhost\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n',
    '400',
  ],
  ['headers without end', `GET /api/echo/a HTTP/1.1\r\nhost: localhost\r\nx-a: ${'a'.repeat(100_000)}\r\n\r\n`, '431'],
  ['no HTTP at all', '\u0016\u0003\u0001 TLS to a port without', '400'],
  ['an address that is none', 'GET http://[ HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n', '400'],
  ['a path that cannot be decoded', 'GET /api/%ff HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n', '400'],
])('%s is refused, and the host stays', async (_name, text, status) => {
  expect((await exchanged(text)).split(' ')[1]).toBe(status);
  await isServed();
});

test('a request that names the whole address, as to a proxy, is served', async () => {
  const text = `GET ${host.origin}/api/echo/whole HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n`;
  expect(await exchanged(text)).toMatch(/^HTTP\/1.1 201[^]*x-name: whole/);
});

test('a body that grows beyond the limit without having said so is refused with 413', async () => {
  const socket = await opened();
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  socket.on('error', () => undefined);
  const closed = new Promise<void>((done) => socket.once('close', () => done()));
  socket.write('POST /api/bytes HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n');
  const mebibyte = `100000\r\n${'x'.repeat(0x100000)}\r\n`;
  for (let n = 0; n < 24 && !socket.destroyed; n += 1) socket.write(mebibyte);
  await closed;
  expect(Buffer.concat(chunks).toString('latin1')).toMatch(/^HTTP\/1.1 413/);
  await isServed();
});
