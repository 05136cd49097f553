import { rm } from 'node:fs/promises';
import { connect as connectPlain, type Socket } from 'node:net';
import { join } from 'node:path';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { systemClock } from '../../clock';
import { valueOf } from '../failures';
import { Carrier } from './carrier';
import { contentKeys } from './content-keys';
import { FrameReader } from './frame-reader';
import { contentFromSource, encodeFrame, fromSource, type Frame, type PlainFrame } from './frames';
import { IncomingContent } from './incoming-content';
import { windowBytesMax, windowBytesOver } from './limits';
import { pullFile } from './pull';
import type { ByteRoute, ByteRouteOptions } from './server';
import {
  fileSubject,
  imageSubject,
  makeHosts,
  mib,
  pullOf,
  quickPace,
  run,
  startSource,
  ticketFor,
  type Hosts,
} from './testing/hosts';
import { makeImage, shapeOf } from './testing/images';
import { startLine } from './testing/line';
import { seededBytes } from './testing/random';
import { recordHead } from './records';
import { Opener } from './sealing';
import { routeTls } from './tls';

let hosts: Hosts;
let route: ByteRoute;
let sourcePath: string;
const sockets: { destroy: () => unknown }[] = [];
/** Does not wait long for what does not come. */
const impatient = { ...quickPace, helloMsMax: 300, silenceMsMax: 300, aliveMs: 60 };

beforeAll(async () => {
  hosts = await makeHosts();
  sourcePath = join(hosts.folder, 'source.vhdx');
  await makeImage(sourcePath, shapeOf(), [{ offsetBytes: 0, data: seededBytes(12 * mib, 5) }]);
});
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await route.close();
  await rm(join(hosts.folder, 'copy'), { force: true });
  await rm(join(hosts.folder, 'copy.journal'), { force: true });
});
afterAll(() => hosts.remove());

const serve = async (changes: Partial<ByteRouteOptions> = {}): Promise<void> => {
  route = await startSource(hosts, sourcePath, changes);
};

type Peer = {
  readonly socket: TLSSocket;
  /** What is below TLS. */
  readonly tcp: Socket;
  readonly frames: Frame[];
  readonly say: (frame: PlainFrame) => void;
  readonly closed: Promise<void>;
  readonly next: (kind: Frame['kind']) => Promise<Frame>;
};

/** A destination that does what the test tells it. */
async function peer(
  certificate: Partial<Hosts['destination']> = hosts.destination,
  port: number = route.port,
): Promise<Peer> {
  const tcp = connectPlain(port, '127.0.0.1');
  const carrier = new Carrier(() => tcp);
  tcp.on('data', (chunk) => carrier.push(chunk));
  const socket = connectTls({ ...routeTls, ...certificate, socket: carrier.tunnel, rejectUnauthorized: false });
  sockets.push(socket, tcp);
  socket.on('error', () => undefined);
  const closed = new Promise<void>((resolve) => tcp.once('close', () => resolve()));
  const frames: Frame[] = [];
  const sink = {
    takeBuffer: (bytes: number) => Buffer.alloc(bytes),
    releaseBuffer: () => undefined,
    onFrame: (frame: Frame) => frames.push(frame),
  };
  const said = new FrameReader(fromSource, sink);
  const content = new FrameReader(contentFromSource, sink);
  socket.on('data', (chunk: Buffer) => void said.push(chunk));
  carrier.listen({ onBytes: () => undefined, onBroken: () => undefined });
  const secured = new Promise<void>((resolve) => socket.once('secureConnect', () => resolve()));
  // On a slow machine an impatient source may leave before.
  await Promise.race([secured, closed]);
  if (!tcp.destroyed) {
    const opener = new Opener(contentKeys(socket));
    const incoming = new IncomingContent(opener, systemClock, (pieces) =>
      pieces.forEach((piece) => void content.push(piece)),
    );
    carrier.takeSealed(incoming.stream());
  }
  const next = async (kind: Frame['kind']): Promise<Frame> => {
    for (;;) {
      const found = frames.find((frame) => frame.kind === kind);
      if (found) return found;
      if (socket.destroyed) throw new Error(`closed before "${kind}"`);
      await systemClock.sleep(5);
    }
  };
  return { socket, tcp, frames, closed, next, say: (frame) => void socket.write(encodeFrame(frame)) };
}

const open = (): PlainFrame => ({
  kind: 'open',
  message: { contract: 1, runId: run, ticket: ticketFor(hosts, imageSubject) },
});
const plainly = { bandwidthBytesPerSecondMax: null, bandwidthHours: null, hasSeed: false, unpacks: [] };
const startAt = (fromBytes: number): PlainFrame => ({
  kind: 'start',
  message: { fromBytes, digest: '0'.repeat(64), ...plainly },
});

/** The window that a source says to a destination which it is so far from. */
async function windowAcross(delayMs: number): Promise<number> {
  const line = await startLine(route.port, ({ source, destination }) => {
    source.on('data', (chunk: Buffer) => void setTimeout(() => destination.write(chunk), delayMs));
  });
  try {
    const { say, next } = await peer(hosts.destination, line.port);
    say(open());
    const facts = await next('facts');
    return facts.kind === 'facts' ? facts.message.windowBytes : Number.NaN;
  } finally {
    await line.close();
  }
}

test('a line that is long has a wider window, as its handshake shows, and none costs more than may be sent again', async () => {
  const windows = [0, 10, 15, 25, 100, 60_000].map((delayMs) => windowBytesOver(delayMs) / mib);
  expect(windows).toEqual([48, 48, 53, 63, 63, 63]);
  await serve();
  expect(await windowAcross(18)).toBeGreaterThanOrEqual(windowBytesOver(18));
  expect(await windowAcross(60)).toBe(windowBytesMax);
  await route.close();
  await serve({ windowBytes: 4 * mib });
  expect(await windowAcross(60)).toBe(4 * mib);
});

const told: PlainFrame = { kind: 'told', toBytes: 1024 * 1024, digests: Buffer.alloc(0) };

async function expectStillServes(): Promise<void> {
  expect((await pullFile(pullOf(hosts, route.port))).ok).toBe(true);
}

/** What a peer sends, and how. */
const misbehaviours: [string, (peer: Peer) => void][] = [
  ['garbage', ({ socket }) => socket.write(seededBytes(50_000, 8))],
  ['a frame that is too long', ({ socket }) => socket.write(Buffer.from([0xff, 0xff, 0xff, 0xff, 1]))],
  ['a frame that only a source sends', ({ say }) => say({ kind: 'skip', toBytes: 1, passedBytes: 1 })],
  ['a sealed record', ({ tcp }) => tcp.write(Buffer.concat([recordHead('sealed', 100), Buffer.alloc(100)]))],
  ['a record that is too long', ({ tcp }) => tcp.write(Buffer.from([1, 0xff, 0xff, 0xff, 0xff]))],
  ['half a record and then nothing', ({ tcp }) => tcp.write(recordHead('tls', 1000))],
  ['garbage below TLS', ({ tcp }) => tcp.write(seededBytes(50_000, 9))],
  ['digests of a seed that nobody asked for', ({ say }) => [open(), startAt(0), told].forEach(say)],
  ['two opens', ({ say }) => [open(), open(), open()].forEach(say)],
  ['a start before its ticket, and then nothing', ({ say }) => say(startAt(0))],
  ['nothing at all', () => undefined],
  ['a ticket and then nothing', ({ say }) => say(open())],
  ['half a frame and then nothing', ({ socket }) => socket.write(encodeFrame(open()).subarray(0, 50))],
  ['a start and then nothing', ({ say }) => [open(), startAt(0)].forEach(say)],
];

// Side by side, since some of them take the whole time that a silent peer has.
test('peers that do not keep to the route are left, and the next one is served', async () => {
  await serve({ pace: impatient });
  const left = misbehaviours.map(async ([, misbehave]) => {
    const bad = await peer();
    misbehave(bad);
    await bad.closed;
  });
  await expectStillServes();
  await Promise.all(left);
  await rm(join(hosts.folder, 'copy'));
  await rm(join(hosts.folder, 'copy.journal'));
  await expectStillServes();
});

test('a peer without a certificate is told why, and gets nothing', async () => {
  await serve();
  const nobody = await peer({});
  nobody.say(open());
  expect(await nobody.next('refusal')).toMatchObject({
    failure: { code: 'TicketInvalid', message: expect.stringContaining('no certificate') },
  });
  await nobody.closed;
  expect(nobody.frames.map(({ kind }) => kind)).toEqual(['refusal']);
});

test.each([
  ['HTTP', 'GET / HTTP/1.1\r\n\r\n'],
  ['TLS without records', '\x16\x03\x01\x00\x05hello'],
  ['half a handshake', '\x01\x0a\x00\x00\x00\x16\x03\x01\x00\x05hello'],
  ['a record of TLS that is no TLS', '\x01\x05\x00\x00\x00hello'],
  ['the beginning of a record', '\x01'],
  ['sealed content', '\x02\x20\x00\x00\x00'],
  ['nothing', ''],
])('a peer that speaks %s and not TLS is left', async (_, text) => {
  await serve({ pace: impatient });
  const socket = connectPlain(route.port, '127.0.0.1');
  sockets.push(socket);
  socket.on('error', () => undefined);
  socket.resume();
  socket.write(text);
  await new Promise((resolve) => socket.once('close', resolve));
  await expectStillServes();
});

test('a destination that makes nothing durable gets no more than the window', async () => {
  await serve({ windowBytes: 4 * mib });
  const slow = await peer();
  slow.say(open());
  await slow.next('facts');
  slow.say(startAt(0));
  const dataBytes = (): number =>
    slow.frames.reduce((sum, frame) => sum + (frame.kind === 'data' ? frame.bytes.length : 0), 0);
  while (dataBytes() < 4 * mib) await systemClock.sleep(10);
  await systemClock.sleep(200);
  expect(dataBytes()).toBe(4 * mib);
  slow.say({ kind: 'watermark', atBytes: 2 * mib });
  while (dataBytes() < 6 * mib) await systemClock.sleep(10);
  await systemClock.sleep(100);
  expect(dataBytes()).toBe(6 * mib);
});

test.each([100, 512 * mib])('a start at %d, where the content has no offset, is refused', async (fromBytes) => {
  await serve();
  const bad = await peer();
  bad.say(open());
  await bad.next('facts');
  bad.say(startAt(fromBytes));
  expect(await bad.next('refusal')).toMatchObject({ failure: { code: 'RequestInvalid' } });
});

test('who comes beyond the number of transfers waits for a seat, and then gets it', async () => {
  await serve({ transfersMax: 1 });
  const first = await peer();
  first.say(open());
  await first.next('facts');
  const waits = new Set<string | null>();
  const pulling = pullFile(pullOf(hosts, route.port, { report: ({ waitingFor }) => waits.add(waitingFor) }));
  await systemClock.sleep(200);
  first.socket.destroy();
  valueOf(await pulling);
  expect([...waits].some((wait) => wait?.includes('as many transfers as it may') === true)).toBe(true);
});

test('a bug in what locates the file ends that connection only', async () => {
  let calls = 0;
  await serve({
    locate: async () => {
      if (++calls === 1) throw new Error('a bug');
      return { ok: true, value: { path: sourcePath } };
    },
  });
  const unlucky = await peer();
  unlucky.say(open());
  await unlucky.closed;
  await expectStillServes();
});

test('the subject of the ticket is what is located', async () => {
  const located: unknown[] = [];
  await serve({
    locate: async (claims) => {
      located.push([claims.runId, claims.subject]);
      return { ok: true, value: { path: sourcePath } };
    },
  });
  valueOf(await pullFile(pullOf(hosts, route.port, { subject: fileSubject })));
  expect(located).toEqual([[run, fileSubject]]);
});

test('closing breaks off transfers and handshakes at once', async () => {
  await serve();
  const busy = await peer();
  busy.say(open());
  await busy.next('facts');
  sockets.push(connectPlain(route.port, '127.0.0.1').on('error', () => undefined));
  const beganMs = Date.now();
  await route.close();
  await busy.closed;
  expect(Date.now() - beganMs).toBeLessThan(500);
});

test('a port that is taken is said by the error of the system', async () => {
  await serve();
  await expect(startSource(hosts, sourcePath, { port: route.port })).rejects.toMatchObject({ code: 'EADDRINUSE' });
});
