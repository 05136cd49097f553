import { randomUUID } from 'node:crypto';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { bandwidthHours } from '../../../contracts/bandwidth';
import type { OperationProgress } from '../../../contracts/operations';
import { valueOf } from '../failures';
import { hasQemu, run } from '../testing/foreign-tools';
import type { ImageShape } from '../image';
import { pullFile } from './pull';
import { copiedAsVhdx, routeImages } from './route-images';
import type { ByteRoute, ByteRouteOptions } from './server';
import { startCuttingProxy } from './testing/cutting-proxy';
import { fileSubject, makeHosts, mib, pullOf, startSource, watermarkIn, type Hosts } from './testing/hosts';
import { contentOf, makeImage, shapeOf, somePieces, vhdShapeOf } from './testing/images';
import { seededBytes, seededRandom } from './testing/random';

let hosts: Hosts;
let sourcePath: string;
let route: ByteRoute | undefined;
beforeEach(async () => {
  hosts = await makeHosts();
  sourcePath = join(hosts.folder, 'source.vhdx');
});
afterEach(async () => {
  await route?.close();
  route = undefined;
  await hosts.remove();
});

async function serve(changes: Partial<ByteRouteOptions> = {}): Promise<number> {
  route = await startSource(hosts, sourcePath, changes);
  return route.port;
}

const parent = { dataWriteId: randomUUID(), relativePath: '.\\base.vhdx', absolutePath: 'C:\\vms\\base.vhdx' };
const shapes: [string, Partial<ImageShape>][] = [
  ['dynamic', {}],
  ['dynamic with blocks of 8 MiB and 4096-byte sectors', { blockSizeBytes: 8 * mib, logicalSectorSizeBytes: 4096 }],
  ['fixed', { kind: 'fixed' }],
  ['differencing', { kind: 'differencing', parent }],
  ['differencing with 4096-byte sectors', { kind: 'differencing', parent, logicalSectorSizeBytes: 4096 }],
];

test.each(shapes)('a copy of a %s image is the same image', async (_, changes) => {
  const shape = shapeOf({ virtualSizeBytes: 12 * mib + 4096, ...changes });
  await makeImage(sourcePath, shape, somePieces(11, shape.logicalSectorSizeBytes, shape.virtualSizeBytes));
  const request = pullOf(hosts, await serve());
  const output = valueOf(await pullFile(request));
  const [source, copy] = [await contentOf(sourcePath), await contentOf(request.path)];
  expect(copy.shape).toEqual(source.shape);
  expect(copy.bytes.equals(source.bytes)).toBe(true);
  expect(copy.held).toEqual(source.held);
  expect(output).toMatchObject({ path: request.path, resentBytes: 0, sentBytes: output.dataBytes });
});

const vhdParent = { dataWriteId: randomUUID(), relativePath: '.\\base.vhd' };
const vhdShapes: [string, Partial<ImageShape>][] = [
  ['dynamic', {}],
  ['dynamic with blocks of 512 KiB', { blockSizeBytes: mib / 2 }],
  ['fixed', { kind: 'fixed' }],
  ['differencing', { kind: 'differencing', parent: vhdParent }],
];

test.each(vhdShapes)('a copy of a %s VHD is the same VHD', async (_, changes) => {
  sourcePath = join(hosts.folder, 'source.avhd');
  const shape = vhdShapeOf({ virtualSizeBytes: 12 * mib + 512, ...changes });
  await makeImage(sourcePath, shape, somePieces(12, 512, shape.virtualSizeBytes));
  const request = pullOf(hosts, await serve());
  const output = valueOf(await pullFile(request));
  const [source, copy] = [await contentOf(sourcePath), await contentOf(request.path, 'vhd')];
  expect(copy.shape).toEqual(source.shape);
  expect(copy.bytes.equals(source.bytes)).toBe(true);
  expect(copy.held).toEqual(source.held);
  expect(output).toMatchObject({ path: request.path, resentBytes: 0, sentBytes: output.dataBytes });
});

test.each(vhdShapes)('a %s VHD can be copied into a VHDX, which holds the same and has its ids', async (_, changes) => {
  sourcePath = join(hosts.folder, 'source.avhd');
  const shape = vhdShapeOf({ virtualSizeBytes: 12 * mib + 512, ...changes });
  await makeImage(sourcePath, shape, somePieces(13, 512, shape.virtualSizeBytes));
  const port = await serve();
  const stopping = new AbortController();
  const report = ({ watermarkBytes }: OperationProgress): void => {
    if ((watermarkBytes ?? 0) > 0) stopping.abort();
  };
  const images = copiedAsVhdx(routeImages());
  await pullFile(pullOf(hosts, port, { images, signal: stopping.signal, report }));
  const ledgerWatermarkBytes = await watermarkIn(pullOf(hosts, port).journalPath);
  const request = pullOf(hosts, port, { images, ledgerWatermarkBytes });
  valueOf(await pullFile(request));
  const [source, copy] = [await contentOf(sourcePath), await contentOf(request.path, 'vhdx')];
  const { virtualDiskId, dataWriteId, kind, parent } = source.shape;
  expect(copy.shape).toMatchObject({ virtualDiskId, dataWriteId, kind, virtualSizeBytes: shape.virtualSizeBytes });
  expect(copy.shape.parent?.dataWriteId).toBe(parent?.dataWriteId);
  expect(copy.bytes.equals(source.bytes)).toBe(true);
  expect(copy.held).toEqual(source.held);
  if (!hasQemu || kind === 'differencing') return;
  await rename(request.path, `${request.path}.vhdx`);
  expect(run('qemu-img', 'check', '-f', 'vhdx', `${request.path}.vhdx`)).toContain('No errors');
  const compared = run('qemu-img', 'compare', '-f', 'vpc', '-F', 'vhdx', sourcePath, `${request.path}.vhdx`);
  expect(compared).toContain('identical');
});

test('a copy of a differencing VHD looks for its parent beside it alone', async () => {
  sourcePath = join(hosts.folder, 'source.avhd');
  const parent = { ...vhdParent, relativePath: '..\\golden\\base.vhd', absolutePath: 'C:\\golden\\base.vhd' };
  await makeImage(sourcePath, vhdShapeOf({ kind: 'differencing', parent }), []);
  const { path } = valueOf(await pullFile(pullOf(hosts, await serve())));
  expect((await contentOf(path, 'vhd')).shape.parent).toEqual(vhdParent);
});

test('a fixed VHD whose guest made its start look like a VHDX is copied, and gone on with, as the VHD that it is', async () => {
  const [beside, disguise] = [join(hosts.folder, 'beside.vhdx'), seededBytes(8 * mib, 5)];
  await makeImage(beside, shapeOf(), [{ offsetBytes: 0, data: seededBytes(mib, 6) }]);
  (await readFile(beside)).copy(disguise);
  sourcePath = join(hosts.folder, 'source.vhd');
  const shape = vhdShapeOf({ kind: 'fixed', virtualSizeBytes: 8 * mib });
  await makeImage(sourcePath, shape, [{ offsetBytes: 0, data: disguise }]);
  const port = await serve();
  const stopping = new AbortController();
  const report = ({ watermarkBytes }: OperationProgress): void => {
    if ((watermarkBytes ?? 0) >= 3 * mib) stopping.abort();
  };
  const { signal } = stopping;
  await pullFile(pullOf(hosts, port, { signal, report, bandwidthBytesPerSecondMax: 4 * mib }));
  const request = pullOf(hosts, port, { ledgerWatermarkBytes: 3 * mib });
  valueOf(await pullFile(request));
  const copy = await contentOf(request.path, 'vhd');
  expect(copy.bytes.equals(disguise)).toBe(true);
  expect(copy.shape).toEqual(shape);
});

test('zeros do not travel', async () => {
  await makeImage(sourcePath, shapeOf(), [
    { offsetBytes: 0, data: Buffer.alloc(20 * mib) },
    { offsetBytes: 20 * mib, data: seededBytes(mib, 1) },
  ]);
  const output = valueOf(await pullFile(pullOf(hosts, await serve())));
  expect(output).toMatchObject({ sentBytes: mib, dataBytes: mib, zeroBytes: 21 * mib });
});

test.each([0, 1, mib - 1, 3 * mib + 17])('a plain file of %d bytes is copied as it is', async (sizeBytes) => {
  const content = seededBytes(sizeBytes, 4);
  await writeFile(sourcePath, content);
  const request = pullOf(hosts, await serve(), { subject: fileSubject });
  const output = valueOf(await pullFile(request));
  expect((await readFile(request.path)).equals(content)).toBe(true);
  expect(output.dataBytes).toBe(sizeBytes);
});

test('a finished pull answers again without a source', async () => {
  await makeImage(sourcePath, shapeOf(), [{ offsetBytes: 0, data: seededBytes(mib, 1) }]);
  const request = pullOf(hosts, await serve());
  const first = await pullFile(request);
  await route?.close();
  expect(await pullFile({ ...request, ledgerWatermarkBytes: 32 * mib })).toEqual(first);
});

test('progress is told from the beginning to the end, never backwards', async () => {
  await makeImage(sourcePath, shapeOf(), [{ offsetBytes: mib, data: seededBytes(6 * mib, 1) }]);
  const told: OperationProgress[] = [];
  const rate = 4 * mib;
  const report = (progress: OperationProgress): void => void told.push(progress);
  valueOf(await pullFile(pullOf(hosts, await serve(), { report, bandwidthBytesPerSecondMax: rate })));
  const done = told.map((progress) => progress.bytesDone);
  expect(done).toEqual([...done].sort((one, other) => one - other));
  expect(new Set(done).size).toBeGreaterThan(4);
  expect(told.every(({ bytesDone, bytesTotal }) => bytesDone <= bytesTotal)).toBe(true);
  expect(told.at(-1)).toMatchObject({ bytesTotal: 8 * mib, resentBytes: 0, waitingFor: null });
});

test('the bandwidth limit holds', async () => {
  await makeImage(sourcePath, shapeOf(), [{ offsetBytes: 0, data: seededBytes(4 * mib, 1) }]);
  const port = await serve();
  const beganMs = Date.now();
  valueOf(await pullFile(pullOf(hosts, port, { bandwidthBytesPerSecondMax: 4 * mib })));
  expect(Date.now() - beganMs).toBeGreaterThan(950);
});

test('a limit of the hour holds in place of that of the run', async () => {
  await makeImage(sourcePath, shapeOf(), [{ offsetBytes: 0, data: seededBytes(4 * mib, 1) }]);
  const port = await serve();
  const windows = [{ from: '00:00', to: '00:00', bytesPerSecondMax: 4 * mib }];
  const always = bandwidthHours.parse({ timeZone: 'Asia/Kolkata', windows });
  const beganMs = Date.now();
  valueOf(await pullFile(pullOf(hosts, port, { bandwidthBytesPerSecondMax: null, bandwidthHours: always })));
  expect(Date.now() - beganMs).toBeGreaterThan(950);
});

test('a line that breaks again and again costs no content and no digest, and little is sent twice', async () => {
  const windowBytes = 4 * mib;
  await makeImage(sourcePath, shapeOf(), [{ offsetBytes: 0, data: seededBytes(16 * mib, 9) }]);
  const port = await serve({ windowBytes });
  const whole = valueOf(await pullFile(pullOf(hosts, port)));
  await rm(whole.path);
  await rm(join(hosts.folder, 'copy.journal'));
  const random = seededRandom(21);
  const proxy = await startCuttingProxy(port, (connection) =>
    connection < 12 ? Math.floor(random() * 2 * mib) : undefined,
  );
  const request = pullOf(hosts, proxy.port);
  const output = valueOf(await pullFile(request));
  await proxy.close();
  expect(proxy.connections()).toBe(13);
  expect((await contentOf(request.path)).bytes.equals((await contentOf(sourcePath)).bytes)).toBe(true);
  expect(output.digest).toBe(whole.digest);
  // Everything that came whole was made durable before the next connection, so nothing of it is asked for again.
  expect(output).toMatchObject({ dataBytes: 16 * mib, resentBytes: 0 });
});

test('many pulls from one source do not disturb each other', async () => {
  await makeImage(sourcePath, shapeOf(), [{ offsetBytes: 0, data: seededBytes(3 * mib, 1) }]);
  const port = await serve();
  const pulls = Array.from({ length: 8 }, (_, index) =>
    pullFile(
      pullOf(hosts, port, {
        path: join(hosts.folder, `copy-${index}`),
        journalPath: join(hosts.folder, `copy-${index}.journal`),
      }),
    ),
  );
  const digests = (await Promise.all(pulls)).map((outcome) => valueOf(outcome).digest);
  expect(new Set(digests).size).toBe(1);
});
