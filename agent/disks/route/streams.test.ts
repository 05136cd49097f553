import { rm } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { valueOf } from '../failures';
import { pullFile } from './pull';
import { recordHead } from './records';
import type { ByteRoute } from './server';
import { startCuttingProxy } from './testing/cutting-proxy';
import { startHoldingLine } from './testing/holding-line';
import { makeHosts, mib, pullOf, quickPace, startSource, type Hosts } from './testing/hosts';
import { contentOf, makeImage, shapeOf } from './testing/images';
import { seededBytes } from './testing/random';
import { streamTokenBytes } from './stream-tokens';

/** Enough that eight streams are worth it, and several windows. */
const content = seededBytes(48 * mib, 31);
const bytesEachMin = content.length / 8;
const windowBytes = 16 * mib;
/** Does not wait long for what does not come. */
const pace = { ...quickPace, silenceMsMax: 500, aliveMs: 100 };
let hosts: Hosts;
let route: ByteRoute;
const smallPath = (): string => join(hosts.folder, 'small.vhdx');
beforeAll(async () => {
  hosts = await makeHosts();
  const path = join(hosts.folder, 'source.vhdx');
  await makeImage(smallPath(), shapeOf({ virtualSizeBytes: 8 * mib }), [{ offsetBytes: 0, data: seededBytes(mib, 4) }]);
  await makeImage(path, shapeOf({ virtualSizeBytes: 50 * mib }), [{ offsetBytes: mib, data: content }]);
  route = await startSource(hosts, path, { pace, windowBytes });
});
afterAll(async () => {
  await route.close();
  await hosts.remove();
});
afterEach(async () => {
  await rm(join(hosts.folder, 'copy'), { force: true });
  await rm(join(hosts.folder, 'copy.journal'), { force: true });
});

/** Pulls over a line; answers what was sent more than once, in bytes. */
async function pullsWhole(port: number, max = 4): Promise<number> {
  const request = pullOf(hosts, port, { pace, streams: { max, bytesEachMin } });
  const { dataBytes, resentBytes } = valueOf(await pullFile(request));
  expect(dataBytes).toBe(content.length);
  const copy = await contentOf(request.path);
  expect(copy.bytes.subarray(mib, mib + content.length).equals(content)).toBe(true);
  return resentBytes;
}

test.each([1, 2, 8])('content comes over as many connections as the destination wants: %d', async (streams) => {
  const line = await startCuttingProxy(route.port, () => undefined);
  try {
    expect(await pullsWhole(line.port, streams)).toBe(0);
    expect(line.connections()).toBe(streams);
    expect(line.passedBytes()).toBeLessThan(1.001 * content.length);
  } finally {
    await line.close();
  }
});

test('little content comes over one connection', async () => {
  const small = await startSource(hosts, smallPath());
  const line = await startCuttingProxy(small.port, () => undefined);
  try {
    valueOf(await pullFile(pullOf(hosts, line.port)));
    expect(line.connections()).toBe(1);
  } finally {
    await line.close();
    await small.close();
  }
});

test('when a further stream breaks, the pull goes on, and no more than a window comes again', async () => {
  const line = await startCuttingProxy(route.port, (connection) => (connection === 2 ? 4 * mib : undefined));
  try {
    expect(await pullsWhole(line.port, 4)).toBeLessThanOrEqual(windowBytes);
  } finally {
    await line.close();
  }
});

test('a line that breaks all but the first connection is soon left alone with further ones', async () => {
  // Each attempt begins with one of those that may live.
  const line = await startCuttingProxy(route.port, (connection) => (connection % 4 === 0 ? undefined : 2 * mib));
  try {
    await pullsWhole(line.port, 4);
    expect(line.connections()).toBeLessThanOrEqual(3 * 4 + 1);
  } finally {
    await line.close();
  }
});

test('when a further stream falls silent, the pull goes on over one connection', async () => {
  const line = await startHoldingLine(route.port, (connection) =>
    connection === 1 ? { silentAfterBytes: 2 * mib } : 'carried',
  );
  try {
    expect(await pullsWhole(line.port, 2)).toBeLessThanOrEqual(windowBytes);
    expect(line.connections()).toBe(3);
  } finally {
    await line.close();
  }
});

test('where further streams are ended at once, the pull goes on over one connection', async () => {
  const line = await startHoldingLine(route.port, (connection) =>
    [1, 2].includes(connection) ? 'refused' : 'carried',
  );
  try {
    await pullsWhole(line.port, 3);
  } finally {
    await line.close();
  }
});

const tokenless: [string, (socket: Socket) => void][] = [
  [
    'a token that nobody awaits',
    (socket) => void socket.write(Buffer.concat([joinHead(), seededBytes(streamTokenBytes, 1)])),
  ],
  ['half a token and then nothing', (socket) => void socket.write(Buffer.concat([joinHead(), seededBytes(9, 2)]))],
  ['a token that is too long', (socket) => void socket.write(recordHead('join', 100_000))],
  ['more than a token', (socket) => void socket.write(Buffer.concat([joinHead(), seededBytes(90_000, 3)]))],
  ['nothing', () => undefined],
];
const joinHead = (): Buffer => recordHead('join', streamTokenBytes);

test.each(tokenless)('a stranger with %s is left, and the next pull is served', async (_, misbehave) => {
  const impatient = await startSource(hosts, smallPath(), { pace: { ...pace, helloMsMax: 200 } });
  const socket = connect(impatient.port, '127.0.0.1');
  try {
    socket.on('error', () => undefined);
    misbehave(socket);
    await new Promise((resolve) => socket.once('close', resolve));
    const request = pullOf(hosts, impatient.port, { streams: { max: 4, bytesEachMin: mib / 4 } });
    expect(valueOf(await pullFile(request)).dataBytes).toBe(mib);
  } finally {
    socket.destroy();
    await impatient.close();
  }
});
