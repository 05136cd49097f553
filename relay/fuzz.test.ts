import { connect } from 'node:net';
import { WebSocketServer, type WebSocket } from 'ws';
import { rawListener, rawSend, rawSocket, webSocketUrl } from './testing/probe';
import { jsonResponse } from './exchange';
import { seededRandom, type Random } from './random';
import {
  connected,
  recordedLog,
  testClient,
  testEmulator,
  testHost,
  testListener,
  until,
  wait,
} from './testing/support';

const seeds = [1, 2, 3];
const framesPerSeed = 400;

const pick = <T>(random: Random, choices: readonly T[]): T => choices[Math.floor(random() * choices.length)]!;
const randomBytes = (random: Random, length: number) => Buffer.from(Array.from({ length }, () => random() * 256));

/** A frame of the protocol in which something is replaced, cut or turned over. */
function mutated(random: Random, frame: Record<string, unknown>): string {
  const strange = pick<unknown>(random, [
    null,
    -1,
    1e308,
    '',
    '\u0000',
    'x'.repeat(5000),
    [],
    {},
    true,
    { body: true },
  ]);
  const [key = '', inner] = Object.entries(frame)[0] ?? [];
  const fields: Record<string, unknown> = { ...(typeof inner === 'object' ? inner : {}) };
  const field = pick(random, [...Object.keys(fields), '__proto__', 'constructor', 'later']);
  const changed = JSON.stringify({ [pick(random, [key, key, key, 'later'])]: { ...fields, [field]: strange } });
  const at = Math.floor(random() * changed.length);
  return pick(random, [
    changed,
    changed,
    changed.slice(0, at),
    changed.slice(0, at) + pick(random, ['}', '"', '\\u', '\ud800', '\n']) + changed.slice(at + 1),
    JSON.stringify({ [key]: strange }),
    `${JSON.stringify(frame)}${changed}`,
  ]);
}

function throwAt(socket: WebSocket, random: Random, frames: readonly Record<string, unknown>[]): void {
  if (socket.readyState !== socket.OPEN) return;
  const message = pick<() => string | Buffer>(random, [
    () => mutated(random, pick(random, frames)),
    () => mutated(random, pick(random, frames)),
    () => JSON.stringify(pick(random, frames)),
    () => randomBytes(random, Math.floor(random() * 300)),
    () => randomBytes(random, Math.floor(random() * 30)).toString('latin1'),
  ]);
  socket.send(message());
}

test.each(seeds)('random frames of a relay never stop a listener (seed %p)', async (seed) => {
  const random = seededRandom(seed);
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  const sockets: WebSocket[] = [];
  const answers: string[] = [];
  server.on('connection', (socket) => {
    sockets.push(socket);
    socket.on('message', (data) => answers.push(Buffer.isBuffer(data) ? data.toString('utf8') : ''));
  });
  await until('the server listens', () => server.address() !== null);
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const { log, lines } = recordedLog();
  const listener = testListener(`http://127.0.0.1:${port}`, async ({ path }) => jsonResponse(200, path), {
    log,
    limits: { drainMsMax: 100, rendezvousCountMax: 4, handshakeMsMax: 500 },
  });
  await until('the listener connects', () => sockets.length > 0);
  const rendezvous = `ws://127.0.0.1:${port}/$hc/host-1?sb-hc-action=request`;
  const whole = { id: 'i', requestTarget: '/host-1/a', method: 'PUT', requestHeaders: { a: 'b' } };
  const frames = [
    { request: { ...whole, address: rendezvous, body: true } },
    { request: { ...whole, body: false } },
    { request: { address: rendezvous } },
    { accept: { address: rendezvous, id: '1' } },
    { response: { requestId: 'i', statusCode: 200 } },
    { renewToken: { token: 'x' } },
  ];
  for (let frame = 0; frame < framesPerSeed; frame += 1) throwAt(pick(random, sockets), random, frames);
  const [control] = sockets;
  control!.send(Buffer.from('the body that may be due'));
  control!.send(JSON.stringify({ request: { ...whole, id: 'last', requestTarget: '/host-1/last', body: false } }));
  await until('the last request is answered', () => answers.some((text) => text.includes('"requestId":"last"')));
  expect(lines.length).toBeGreaterThan(50);
  await listener.close();
  sockets.forEach((socket) => socket.terminate());
  server.close();
});

test.each(seeds)(
  'bytes that are no WebSocket cost a listener the connection and nothing else (seed %p)',
  async (seed) => {
    const random = seededRandom(seed);
    const emulator = await testEmulator();
    const { log, text } = recordedLog();
    const listener = testListener(emulator.endpoint, async ({ path }) => jsonResponse(200, path), {
      log,
      limits: { drainMsMax: 100 },
    });
    await connected(listener);
    const [before] = emulator.listeners(testHost);
    emulator.injectBytes(testHost, randomBytes(random, 2000));
    await until('it noticed', () => text().includes('the control channel closed'));
    await until('another channel', () => ![before, undefined].includes(emulator.listeners(testHost)[0]));
    const outcome = await testClient(emulator.endpoint).send({ hostId: testHost, method: 'GET', path: '/a' });
    expect(outcome).toMatchObject({ ok: true, value: { body: '/a' } });
    await listener.close();
    await emulator.close();
  },
);

test.each(seeds)('random frames of listeners and bytes of senders never stop the emulator (seed %p)', async (seed) => {
  const random = seededRandom(seed);
  const emulator = await testEmulator({ limits: { responseMsMax: 300 } });
  const bad = await rawListener(emulator.endpoint);
  const sent = [0, 1, 2].map((index) =>
    rawSend(emulator.endpoint, { method: 'POST', body: 'x'.repeat(index === 2 ? 70_000 : 10) }).catch(() => 'dropped'),
  );
  const { request } = await bad.frame(0);
  const frames = [
    { response: { requestId: request!['id'], statusCode: 200, responseHeaders: { a: 'b\u00ff' }, body: true } },
    { response: { requestId: request!['id'], statusCode: 200, statusDescription: 'a\nb', body: false } },
    { response: { requestId: 'nobody', statusCode: '999' } },
    { renewToken: { token: 'x' } },
    { request: {} },
  ];
  const sockets = [bad.socket];
  for (let frame = 0; frame < framesPerSeed; frame += 1) {
    throwAt(pick(random, sockets), random, frames);
    if (frame % 40 !== 0) continue;
    const action = pick(random, ['listen', 'request', 'accept', 'x', '%', '']);
    sockets.push(
      rawSocket({ url: webSocketUrl(emulator.endpoint, testHost, `sb-hc-action=${action}&sb-hc-id=1`) }).socket,
    );
    const tcp = connect(emulator.port, '127.0.0.1', () => tcp.end(randomBytes(random, 200)));
    tcp.on('error', () => {});
    tcp.resume();
  }
  await Promise.all(sent);
  bad.socket.terminate();
  await wait(20);
  const listener = testListener(emulator.endpoint, async ({ path }) => jsonResponse(200, path));
  await connected(listener);
  await until('the bad one is gone', () => emulator.listeners(testHost).length === 1);
  const outcome = await testClient(emulator.endpoint).send({ hostId: testHost, method: 'GET', path: '/a' });
  expect(outcome).toMatchObject({ ok: true, value: { body: '/a' } });
  await listener.close();
  await emulator.close();
});
