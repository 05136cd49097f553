import { randomUUID } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { valueOf } from '../../failures';
import { createVhd } from '../../vhd';
import { pullFile } from '../pull';
import { startCuttingProxy } from '../testing/cutting-proxy';
import { failureCodeOf, mib, pullOf, watermarkIn } from '../testing/hosts';
import { contentOf, makeImage, shapeOf } from '../testing/images';
import { seededBytes, seededRandom } from '../testing/random';
import { changedAt, content, SeedSite, sizeBytes } from '../testing/seed-site';
import { seedPieceBytes } from './pieces';

let site: SeedSite;
beforeEach(async () => {
  site = await SeedSite.make();
});
afterEach(() => site.remove());

async function vhdSeed(): Promise<void> {
  site.seedPath = site.pathOf('seed.vhd');
  const id = randomUUID();
  const ids = { virtualDiskId: id, dataWriteId: id, physicalSectorSizeBytes: 512 } as const;
  const options = { tables: 'ordered', dataWriteId: 'kept', newGuid: randomUUID, nowMs: () => Date.now() } as const;
  const image = valueOf(await createVhd(site.seedPath, shapeOf({ virtualSizeBytes: sizeBytes, ...ids }), options));
  await image.write(content, 0);
  await image.close();
}

async function childSeed(): Promise<void> {
  const basePath = site.pathOf('base.vhdx');
  const base = shapeOf({ virtualSizeBytes: sizeBytes });
  await makeImage(basePath, base, [{ offsetBytes: 0, data: changedAt([7 * mib]) }]);
  const parent = { dataWriteId: base.dataWriteId, relativePath: '.\\base.vhdx', absolutePath: basePath };
  const child = shapeOf({ virtualSizeBytes: sizeBytes, kind: 'differencing', parent });
  await makeImage(site.seedPath, child, [{ offsetBytes: 7 * mib, data: content.subarray(7 * mib, 7 * mib + 4096) }]);
}

const ofSize = (bytes: number, changes: Parameters<typeof shapeOf>[0] = {}) => {
  const data = Buffer.concat([content, seededBytes(Math.max(0, bytes - sizeBytes), 9)]).subarray(0, bytes);
  return () => site.seedOf(data, changes);
};

test.each<[string, () => Promise<void>, number]>([
  ['another format', vhdSeed, sizeBytes],
  ['a chain of differencing disks', childSeed, sizeBytes],
  ['other blocks and sectors', ofSize(sizeBytes, { blockSizeBytes: 8 * mib, logicalSectorSizeBytes: 4096 }), sizeBytes],
  ['more than the disk', ofSize(15 * mib), sizeBytes],
  ['less than the disk', ofSize(5 * mib + 512 * 100), 5 * mib],
])('a seed with %s is of use as far as its bytes are those of the disk', async (_, make, atLeastBytes) => {
  await make();
  const output = await site.pull();
  await site.expectCopied(output);
  expect(output.seedBytes).toBeGreaterThanOrEqual(atLeastBytes);
  expect(output.sentBytes).toBe(sizeBytes - (output.seedBytes ?? 0));
});

test('of a large seed a sparse image asks for its own places alone, and finds them', async () => {
  const virtualSizeBytes = 40 * 1024 * mib;
  const far = 39 * 1024 * mib;
  const sparsePath = site.pathOf('sparse.vhdx');
  await makeImage(sparsePath, shapeOf({ virtualSizeBytes }), [
    { offsetBytes: mib, data: seededBytes(mib, 1) },
    { offsetBytes: far, data: seededBytes(2 * mib, 2) },
  ]);
  await makeImage(site.seedPath, shapeOf({ virtualSizeBytes }), [
    { offsetBytes: 0, data: content },
    { offsetBytes: far, data: seededBytes(2 * mib, 2) },
  ]);
  await site.serve(sparsePath);
  expect(await site.pull()).toMatchObject({ sentBytes: mib, seedBytes: 2 * mib });
});

test('what an image of a chain holds in small extents is found in a seed too', async () => {
  const parent = { dataWriteId: randomUUID(), relativePath: '.\\base.vhdx' };
  const child = shapeOf({ virtualSizeBytes: sizeBytes, kind: 'differencing', parent });
  const childPath = site.pathOf('child.vhdx');
  const piece = (at: number, lengthBytes: number) => ({
    offsetBytes: at,
    data: content.subarray(at, at + lengthBytes),
  });
  // Both begin and end within pieces, which travel; between are nine whole ones, and three.
  await makeImage(childPath, child, [
    piece(mib + 4096, 10 * seedPieceBytes),
    piece(5 * mib - 4096, 4 * seedPieceBytes),
  ]);
  await site.seedOf(content);
  await site.serve(childPath);
  const output = await site.pull();
  expect(output).toMatchObject({ seedBytes: 12 * seedPieceBytes, sentBytes: 2 * seedPieceBytes });
  expect((await contentOf(output.path)).held).toEqual((await contentOf(childPath)).held);
});

test('a seed that is cut short is a problem that is told, and everything is copied', async () => {
  await writeFile(site.seedPath, (await readFile(site.sourcePath)).subarray(0, 4 * mib));
  const output = await site.pull();
  await site.expectCopied(output);
  expect(output).toMatchObject({ sentBytes: sizeBytes, seedProblem: expect.stringContaining('seed.vhdx') });
});

test('a seed with a parent outside of the roots is refused', async () => {
  const parent = { dataWriteId: randomUUID(), absolutePath: '/etc/base.vhdx' };
  const child = shapeOf({ virtualSizeBytes: sizeBytes, kind: 'differencing', parent });
  await makeImage(site.seedPath, child, []);
  expect(failureCodeOf(await pullFile(site.requestWith()))).toBe('PathOutsideRoots');
});

test('a line that breaks again and again costs nothing of what was taken from the seed', async () => {
  await site.seedOf(Buffer.concat([content.subarray(0, 8 * mib), seededBytes(4 * mib, 8)]));
  const random = seededRandom(4);
  const proxy = await startCuttingProxy(site.route.port, (connection) =>
    connection < 8 ? 6_000 + Math.floor(random() * mib) : undefined,
  );
  const output = await site.pull({ peer: pullOf(site.hosts, proxy.port).peer });
  await proxy.close();
  expect(proxy.connections()).toBeGreaterThan(4);
  await site.expectCopied(output);
  expect(output).toMatchObject({ sentBytes: 4 * mib, seedBytes: 8 * mib, resentBytes: 0 });
});

test('a copy that was begun and is named as its own seed is none', async () => {
  const canceled = new AbortController();
  const slow = { seed: undefined, bandwidthBytesPerSecondMax: 4 * mib, signal: canceled.signal };
  const first = pullFile(site.requestWith(slow));
  const journalPath = site.pathOf('copy.journal');
  while ((await watermarkIn(journalPath).catch(() => 0)) === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  canceled.abort();
  expect(failureCodeOf(await first)).toBe('CanceledByOperator');
  const output = await site.pull({ seed: { path: site.pathOf('copy'), roots: [site.hosts.folder] } });
  await site.expectCopied(output);
  expect(output).toMatchObject({ dataBytes: sizeBytes, seedProblem: expect.stringContaining('the copy itself') });
});
