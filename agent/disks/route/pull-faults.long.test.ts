import { appendFile, readFile, rm, truncate, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { failed, failureOf, type Outcome } from '../../../contracts/failure';
import { runId } from '../../../contracts/ids';
import { systemClock } from '../../clock';
import { DiskError, valueOf } from '../failures';
import { startFakeSource, dataFrame, type FakeConnection } from './testing/fake-source';
import { chainFrom, blockDigest } from './digest';
import type { Frame } from './frames';
import { pullFile } from './pull';
import type { ByteRoute } from './server';
import {
  failureCodeOf,
  fileSubject,
  imageSubject,
  makeHosts,
  mib,
  pullOf,
  quickPace,
  startSource,
  ticketFor,
  watermarkIn,
  type Hosts,
} from './testing/hosts';
import { contentOf, makeImage, shapeOf } from './testing/images';
import { seededBytes } from './testing/random';
import { tampered } from './testing/tampered-images';
import { routeImages } from './route-images';

let hosts: Hosts;
let sourcePath: string;
let journalPath: string;
const closing: (() => Promise<void>)[] = [];
beforeEach(async () => {
  hosts = await makeHosts();
  sourcePath = join(hosts.folder, 'source.vhdx');
  journalPath = join(hosts.folder, 'copy.journal');
});
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
  await hosts.remove();
});

async function serve(options: Parameters<typeof startSource>[2] = {}): Promise<ByteRoute> {
  const route = await startSource(hosts, sourcePath, options);
  closing.push(route.close);
  return route;
}

const shape = shapeOf({ virtualSizeBytes: 16 * mib });
const content = seededBytes(16 * mib, 77);
const makeSource = (): Promise<void> => makeImage(sourcePath, shape, [{ offsetBytes: 0, data: content }]);

const impatient = { ...quickPace, silenceMsMax: 300, aliveMs: 60, unreachableMsMax: 1500 };
const start = '0'.repeat(64);
const isCopied = async (path: string): Promise<boolean> => (await contentOf(path)).bytes.equals(content);

/** A source that serves the content in blocks of 1 MiB and lets a test change what it says. */
async function fakeSource(
  onStart: (fromBytes: number, connection: FakeConnection, digest: string) => void,
): Promise<{ port: number; connections: () => number }> {
  const onFrame = (frame: Frame, connection: FakeConnection): void => {
    const facts = { type: 'image', shape, fileSizeBytes: 17 * mib } as const;
    if (frame.kind === 'open')
      connection.say({
        kind: 'facts',
        message: { facts, extentBytes: 16 * mib, windowBytes: 32 * mib, streamsMax: 1 },
      });
    if (frame.kind === 'start') onStart(frame.message.fromBytes, connection, frame.message.digest);
  };
  const source = await startFakeSource(hosts, onFrame);
  closing.push(source.close);
  return source;
}

function sendBlocks(
  { send, say }: FakeConnection,
  fromBytes: number,
  digest: string,
  isFlipped: (at: number) => boolean,
): void {
  const chain = chainFrom(digest);
  for (let at = fromBytes; at < content.length; at += mib) {
    const bytes = Buffer.from(content.subarray(at, at + mib));
    const good = blockDigest(bytes);
    chain.add('data', at, mib, good);
    if (isFlipped(at)) bytes[12_345] = bytes.readUInt8(12_345) ^ 0x10;
    send(dataFrame(at, bytes, good));
  }
  say({ kind: 'end', message: { digest: chain.digest } });
}

describe('a block that is damaged on its way', () => {
  test('is asked for again once, and is never written', async () => {
    const written: number[] = [];
    const images = tampered(routeImages(), {
      onWrite: (at, data) => {
        if (!Buffer.from(data).equals(content.subarray(at, at + data.length))) written.push(at);
      },
    });
    let starts = 0;
    const source = await fakeSource((fromBytes, connection, digest) => {
      starts += 1;
      sendBlocks(connection, fromBytes, digest, (at) => starts === 1 && at === 5 * mib);
    });
    const request = pullOf(hosts, source.port, { images });
    const output = valueOf(await pullFile(request));
    expect(output).toMatchObject({ dataBytes: 16 * mib, sentBytes: 17 * mib, resentBytes: mib });
    expect({ starts, written }).toEqual({ starts: 2, written: [] });
    expect(await isCopied(request.path)).toBe(true);
  });

  test('ends the pull when it comes damaged again, even in a later attempt, and is named', async () => {
    const isFlipped = (at: number): boolean => at === 5 * mib;
    const source = await fakeSource((fromBytes, connection, digest) =>
      sendBlocks(connection, fromBytes, digest, isFlipped),
    );
    const request = pullOf(hosts, source.port);
    for (const connections of [2, 3]) {
      const outcome = await pullFile({ ...request, ledgerWatermarkBytes: connections === 2 ? null : 5 * mib });
      expect(outcome).toMatchObject({
        ok: false,
        failure: {
          code: 'DigestMismatch',
          effect: 'applied',
          message: expect.stringContaining(`${request.path}: the block at offset 5242880`),
        },
      });
      expect(source.connections()).toBe(connections);
    }
    expect(await watermarkIn(journalPath)).toBe(5 * mib);
  });

  test('is found at the end when the source itself has another sequence', async () => {
    const source = await fakeSource((_, { say, send }) => {
      send(dataFrame(0, content.subarray(0, mib)));
      say({ kind: 'end', message: { digest: start } });
    });
    expect(failureCodeOf(await pullFile(pullOf(hosts, source.port)))).toBe('DigestMismatch');
  });
});

describe('a source that does not keep to the route', () => {
  const misbehaviours: [string, (connection: FakeConnection) => void][] = [
    ['sends garbage', ({ send }) => send(seededBytes(100_000, 3))],
    ['says garbage', ({ tls }) => tls.write(seededBytes(100_000, 3))],
    ['sends garbage that nobody sealed', ({ tcp }) => tcp.write(seededBytes(100_000, 3))],
    ['sends a frame that is too long', ({ send }) => send(Buffer.from([0xff, 0xff, 0xff, 0x7f, 4]))],
    ['sends a record that is too long', ({ tcp }) => tcp.write(Buffer.from([2, 0xff, 0xff, 0xff, 0x7f]))],
    ['sends content over TLS', ({ tls }) => tls.write(dataFrame(0, content.subarray(0, 512)))],
    [
      'sends data out of order',
      ({ send }) => [2, 1].forEach((at) => send(dataFrame(at * mib, content.subarray(0, 512)))),
    ],
    ['sends data past the end', ({ send }) => send(dataFrame(17 * mib, content.subarray(0, 512)))],
    [
      'sends facts twice',
      ({ say }) => {
        const facts = { type: 'file', fileSizeBytes: 1, modifiedAtNs: '1' } as const;
        for (let time = 0; time < 2; time++)
          say({ kind: 'facts', message: { facts, extentBytes: 1, windowBytes: 4 * mib, streamsMax: 1 } });
      },
    ],
    ['falls silent', () => undefined],
    ['ends the connection', ({ tls }) => tls.end()],
  ];
  // Side by side, since each of them takes the whole time. Long enough for two connections of each on a machine that is busy.
  const patient = { ...impatient, unreachableMsMax: 6_000 };
  test('is asked again and again, and given up after the time without progress', async () => {
    const pulls = misbehaviours.map(async ([what, misbehave]) => {
      const source = await fakeSource((_from, connection) => misbehave(connection));
      const waits = new Set<string | null>();
      const request = pullOf(hosts, source.port, {
        pace: patient,
        path: join(hosts.folder, `copy of one that ${what}`),
        journalPath: join(hosts.folder, `journal of one that ${what}`),
        report: ({ waitingFor }) => waits.add(waitingFor),
      });
      const outcome = await pullFile(request);
      const saidSo = [...waits].some((wait) => wait?.startsWith('the source host at 127.0.0.1') === true);
      return { what, outcome, saidSo, again: source.connections() > 1 };
    });
    for (const { what, ...found } of await Promise.all(pulls)) {
      const failure = expect.objectContaining({ code: 'PeerUnreachable', retry: 'transient', effect: 'applied' });
      const expected = { outcome: { ok: false, failure }, saidSo: true, again: true };
      expect({ [what]: found }).toEqual({ [what]: expected });
    }
  });

  test('one that sends content before it was asked is left', async () => {
    const source = await startFakeSource(
      hosts,
      () => undefined,
      ({ send }) => send(dataFrame(0, content.subarray(0, 512))),
    );
    closing.push(source.close);
    expect(failureCodeOf(await pullFile(pullOf(hosts, source.port, { pace: impatient })))).toBe('PeerUnreachable');
    await expect(readFile(join(hosts.folder, 'copy'))).rejects.toThrow('ENOENT');
  });

  test('one with another certificate hears nothing, not even the ticket', async () => {
    const heard: Frame[] = [];
    const stranger = await makeHosts();
    const source = await startFakeSource(stranger, (frame) => heard.push(frame));
    closing.push(source.close, stranger.remove);
    const outcome = await pullFile(pullOf(hosts, source.port));
    expect(outcome).toMatchObject({
      ok: false,
      failure: { code: 'PeerUnreachable', message: expect.stringContaining(stranger.source.sha256) },
    });
    expect(heard).toEqual([]);
  });

  test('nobody at all is PeerUnreachable', async () => {
    const route = await serve();
    await route.close();
    expect(failureCodeOf(await pullFile(pullOf(hosts, route.port, { pace: impatient })))).toBe('PeerUnreachable');
  });
});

describe('a ticket', () => {
  const tickets: [string, (of: Hosts) => Partial<Parameters<typeof pullOf>[2]>, string][] = [
    [
      'that expired',
      (of) => ({ ticket: ticketFor(of, imageSubject, { expiresAtMs: Date.now() - 1 }) }),
      'TicketExpired',
    ],
    [
      'for another run',
      (of) => ({ ticket: ticketFor(of, imageSubject, { runId: runId.parse('move-9-r1') }) }),
      'TicketInvalid',
    ],
    [
      'for another destination',
      (of) => ({ ticket: ticketFor(of, imageSubject, { destinationCertificateSha256: of.source.sha256 }) }),
      'TicketInvalid',
    ],
    ['that was forged', (of) => ({ ticket: `${ticketFor(of, imageSubject)}A` }), 'TicketInvalid'],
  ];
  test.each(tickets)('%s gets nothing, and one that is good gets everything afterwards', async (_, change, code) => {
    await makeSource();
    const { port } = await serve();
    expect(await pullFile(pullOf(hosts, port, change(hosts)))).toMatchObject({
      ok: false,
      failure: { code, effect: 'applied' },
    });
    const request = pullOf(hosts, port);
    expect((await pullFile(request)).ok).toBe(true);
    expect(await isCopied(request.path)).toBe(true);
  });

  test('that expires during the transfer is good to its end', async () => {
    await makeSource();
    const { port } = await serve();
    const ticket = ticketFor(hosts, imageSubject, { expiresAtMs: Date.now() + 900 });
    const outcome = await pullFile(pullOf(hosts, port, { ticket, bandwidthBytesPerSecondMax: 12 * mib }));
    expect(outcome.ok).toBe(true);
  });

  test('for what the source host does not give is refused with its reason', async () => {
    const locate = async (): Promise<Outcome<never>> =>
      failed(failureOf('VmStateWrong', { message: 'the VM still writes it' }));
    const { port } = await serve({ locate });
    expect(await pullFile(pullOf(hosts, port))).toMatchObject({
      ok: false,
      failure: { code: 'VmStateWrong', message: 'the VM still writes it' },
    });
  });
});

/** A pull that stops after some megabytes, as if the destination host had gone down after its last watermark. */
async function pullSome(port: number, changes: Parameters<typeof pullOf>[2] = {}): Promise<number> {
  const canceling = new AbortController();
  let written = 0;
  const onWrite = (_: number, data: Uint8Array): void => {
    written += data.length;
    if (written > 9 * mib) canceling.abort();
  };
  const request = pullOf(hosts, port, {
    ...changes,
    images: tampered(routeImages(), { onWrite }),
    signal: canceling.signal,
  });
  expect(failureCodeOf(await pullFile(request))).toBe('CanceledByOperator');
  return watermarkIn(journalPath);
}

describe('a source that changed between two attempts', () => {
  test.each(['virtualDiskId', 'dataWriteId'] as const)(
    'by its %s is refused, and the copy is left as it was',
    async (id) => {
      await makeSource();
      const { port } = await serve({ windowBytes: 4 * mib });
      const watermark = await pullSome(port);
      expect(watermark).toBeGreaterThan(0);
      await rm(sourcePath);
      await makeImage(sourcePath, { ...shape, [id]: shapeOf()[id] }, [{ offsetBytes: 0, data: content }]);
      const outcome = await pullFile(pullOf(hosts, port, { ledgerWatermarkBytes: watermark }));
      expect(outcome).toMatchObject({
        ok: false,
        failure: { code: 'SourceChanged', retry: 'permanent', effect: 'applied' },
      });
      expect(await watermarkIn(journalPath)).toBe(watermark);
    },
  );

  test('by its length is refused', async () => {
    await makeSource();
    const { port } = await serve({ windowBytes: 4 * mib });
    await pullSome(port);
    await appendFile(sourcePath, Buffer.alloc(mib));
    expect(failureCodeOf(await pullFile(pullOf(hosts, port)))).toBe('SourceChanged');
  });

  test('by its time, as a plain file, is refused', async () => {
    await writeFile(sourcePath, content);
    const { port } = await serve({ windowBytes: 4 * mib });
    const canceling = new AbortController();
    const report = ({ watermarkBytes }: { watermarkBytes?: number | undefined }): void => {
      if ((watermarkBytes ?? 0) > 0) canceling.abort();
    };
    const request = pullOf(hosts, port, { subject: fileSubject, bandwidthBytesPerSecondMax: 20 * mib });
    await pullFile({ ...request, report, signal: canceling.signal });
    await utimes(sourcePath, 1, 1);
    expect(failureCodeOf(await pullFile(request))).toBe('SourceChanged');
  });

  test('while it was read is refused at the end', async () => {
    await writeFile(sourcePath, content);
    const { port } = await serve();
    const request = pullOf(hosts, port, { subject: fileSubject, bandwidthBytesPerSecondMax: 16 * mib });
    const pulling = pullFile(request);
    await systemClock.sleep(300);
    await utimes(sourcePath, 2, 2);
    expect(failureCodeOf(await pulling)).toBe('SourceChanged');
  });

  test('to something shorter while it was read is a failure of the source, and not a copy', async () => {
    await writeFile(sourcePath, content);
    const { port } = await serve();
    const pulling = pullFile(pullOf(hosts, port, { subject: fileSubject, bandwidthBytesPerSecondMax: 16 * mib }));
    await systemClock.sleep(300);
    await truncate(sourcePath, 5000);
    const outcome = await pulling;
    expect(['DiskTruncated', 'SourceChanged']).toContain(failureCodeOf(outcome));
  });
});

test('an interrupted pull goes on from its watermark and ends with the digest of one that was not', async () => {
  await makeSource();
  const { port } = await serve({ windowBytes: 4 * mib });
  const watermark = await pullSome(port);
  const request = pullOf(hosts, port, { ledgerWatermarkBytes: watermark });
  const output = valueOf(await pullFile(request));
  const straight = valueOf(
    await pullFile(pullOf(hosts, port, { path: join(hosts.folder, 'b'), journalPath: join(hosts.folder, 'b.j') })),
  );
  expect(await isCopied(request.path)).toBe(true);
  expect(output.digest).toBe(straight.digest);
  expect(output.dataBytes).toBe(16 * mib);
  expect(output.resentBytes).toBeLessThanOrEqual(4 * mib);
  expect(output.sentBytes).toBe(output.dataBytes + output.resentBytes);
});

test('a full disk is DiskFull with the watermark kept, and with room again the pull goes on from there', async () => {
  await makeSource();
  const { port } = await serve({ windowBytes: 4 * mib });
  const full = new DiskError(failureOf('DiskFull', { message: 'no room on the volume', effect: 'unknown' }));
  const images = tampered(routeImages(), {
    onWrite: (at) => {
      if (at >= 10 * mib) throw full;
    },
  });
  const request = pullOf(hosts, port);
  expect(await pullFile({ ...request, images })).toMatchObject({
    ok: false,
    failure: { code: 'DiskFull', retry: 'transient', effect: 'applied' },
  });
  const watermark = await watermarkIn(journalPath);
  expect(watermark).toBeLessThanOrEqual(10 * mib);
  expect(watermark).toBeGreaterThanOrEqual(6 * mib);
  const output = valueOf(await pullFile({ ...request, ledgerWatermarkBytes: watermark }));
  expect(await isCopied(request.path)).toBe(true);
  expect(output.resentBytes).toBeLessThanOrEqual(4 * mib);
});

test('a file that stands where the copy belongs is left alone', async () => {
  await makeSource();
  const { port } = await serve();
  const request = pullOf(hosts, port);
  await writeFile(request.path, 'of somebody else');
  for (let attempt = 0; attempt < 3; attempt++)
    expect(failureCodeOf(await pullFile(request))).toBe('DestinationOccupied');
  expect(await readFile(request.path, 'utf8')).toBe('of somebody else');
});

describe('a cancel', () => {
  test.each([0, 30, 200])('after %d ms ends the pull within a second', async (afterMs) => {
    await makeSource();
    const { port } = await serve();
    const canceling = new AbortController();
    const pulling = pullFile(pullOf(hosts, port, { signal: canceling.signal, bandwidthBytesPerSecondMax: mib }));
    await systemClock.sleep(afterMs);
    const beganMs = Date.now();
    canceling.abort();
    expect(failureCodeOf(await pulling)).toBe('CanceledByOperator');
    expect(Date.now() - beganMs).toBeLessThan(1000);
  });

  test('while nobody answers ends the pull within a second', async () => {
    const source = await fakeSource(() => undefined);
    const canceling = new AbortController();
    const pulling = pullFile(pullOf(hosts, source.port, { signal: canceling.signal }));
    await systemClock.sleep(100);
    const beganMs = Date.now();
    canceling.abort();
    expect(failureCodeOf(await pulling)).toBe('CanceledByOperator');
    expect(Date.now() - beganMs).toBeLessThan(1000);
  });
});
