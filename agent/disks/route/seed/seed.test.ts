import { randomUUID } from 'node:crypto';
import { copyFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { OperationOutput } from '../../../../contracts/operations';
import { valueOf } from '../../failures';
import { createVhd } from '../../vhd';
import { openVhdx } from '../../vhdx';
import { pullFile, type PullFileRequest } from '../pull';
import type { ByteRoute } from '../server';
import { startCuttingProxy } from '../testing/cutting-proxy';
import { failureCodeOf, makeHosts, mib, pullOf, startSource, watermarkIn, type Hosts } from '../testing/hosts';
import { contentOf, makeImage, shapeOf } from '../testing/images';
import { seededBytes, seededRandom } from '../testing/random';
import { seedPieceBytes } from './pieces';

const sizeBytes = 12 * mib;
const shape = shapeOf({ virtualSizeBytes: sizeBytes });
const content = seededBytes(sizeBytes, 5);

let hosts: Hosts;
let sourcePath: string;
let seedPath: string;
let route: ByteRoute;
beforeEach(async () => {
  hosts = await makeHosts();
  sourcePath = join(hosts.folder, 'source.vhdx');
  seedPath = join(hosts.folder, 'seed.vhdx');
  await makeImage(sourcePath, shape, [{ offsetBytes: 0, data: content }]);
  route = await startSource(hosts, sourcePath);
});
afterEach(async () => {
  await route.close();
  await hosts.remove();
});

const seedAt = (path: string) => ({ path, roots: [hosts.folder] });

function pullWith(changes: Partial<PullFileRequest> = {}): Promise<OperationOutput<'pull'>> {
  return pullFile(pullOf(hosts, route.port, { seed: seedAt(seedPath), ...changes })).then(valueOf);
}

async function expectCopied(output: OperationOutput<'pull'>): Promise<void> {
  const [source, copy] = [await contentOf(sourcePath), await contentOf(output.path)];
  expect(copy.bytes.equals(source.bytes)).toBe(true);
  expect(copy.shape).toEqual(source.shape);
}

/** The content with every piece of 64 KiB changed that a number falls into. */
function changedAt(offsets: readonly number[]): Buffer {
  const changed = Buffer.from(content);
  for (const at of offsets) changed.fill(changed.readUInt8(at) ^ 0xff, at, at + 1);
  return changed;
}

test('of a disk of which the destination has a seed only the pieces travel that differ', async () => {
  const offsets = Array.from({ length: 12 }, (_, at) => at * mib + 300_000);
  await makeImage(seedPath, shapeOf({ virtualSizeBytes: sizeBytes }), [{ offsetBytes: 0, data: changedAt(offsets) }]);
  const proxy = await startCuttingProxy(route.port, () => undefined);
  const before = await readFile(seedPath);
  const output = await pullWith({ peer: { ...pullOf(hosts, proxy.port).peer } });
  await proxy.close();
  await expectCopied(output);
  const changedBytes = offsets.length * seedPieceBytes;
  expect(output).toMatchObject({ sentBytes: changedBytes, dataBytes: changedBytes, resentBytes: 0 });
  expect(output).toMatchObject({ seedBytes: sizeBytes - changedBytes });
  expect(output.seedProblem).toBeUndefined();
  expect(proxy.passedBytes()).toBeLessThan(changedBytes + 64 * 1024);
  expect((await readFile(seedPath)).equals(before)).toBe(true);
});

test('the digest of a copy that was made of a seed is the digest of one that was not', async () => {
  const plain = valueOf(
    await pullFile(
      pullOf(hosts, route.port, {
        path: join(hosts.folder, 'plain'),
        journalPath: join(hosts.folder, 'plain.journal'),
      }),
    ),
  );
  await makeImage(seedPath, shapeOf({ virtualSizeBytes: sizeBytes }), [
    { offsetBytes: 0, data: changedAt([5, 3 * mib]) },
  ]);
  expect((await pullWith()).digest).toBe(plain.digest);
});

type SeedMaker = () => Promise<unknown>;
const vhdSeed = async (): Promise<void> => {
  seedPath = join(hosts.folder, 'seed.vhd');
  const id = randomUUID();
  const ids = { virtualDiskId: id, dataWriteId: id };
  const vhdShape = shapeOf({ virtualSizeBytes: sizeBytes, physicalSectorSizeBytes: 512, ...ids });
  const options = { tables: 'ordered', dataWriteId: 'kept', newGuid: randomUUID, nowMs: () => Date.now() } as const;
  const image = valueOf(await createVhd(seedPath, vhdShape, options));
  await image.write(content, 0);
  await image.close();
};
const childSeed = async (): Promise<void> => {
  const basePath = join(hosts.folder, 'base.vhdx');
  const base = shapeOf({ virtualSizeBytes: sizeBytes });
  await makeImage(basePath, base, [{ offsetBytes: 0, data: changedAt([7 * mib]) }]);
  const parent = { dataWriteId: base.dataWriteId, relativePath: '.\\base.vhdx', absolutePath: basePath };
  const child = shapeOf({ virtualSizeBytes: sizeBytes, kind: 'differencing', parent });
  await makeImage(seedPath, child, [{ offsetBytes: 7 * mib, data: content.subarray(7 * mib, 7 * mib + 4096) }]);
};
const ofSize = (bytes: number, changes: Parameters<typeof shapeOf>[0] = {}): SeedMaker => {
  const data = Buffer.concat([content, seededBytes(Math.max(0, bytes - sizeBytes), 9)]).subarray(0, bytes);
  return () => makeImage(seedPath, shapeOf({ virtualSizeBytes: bytes, ...changes }), [{ offsetBytes: 0, data }]);
};

test.each<[string, SeedMaker, number]>([
  ['another format', vhdSeed, sizeBytes],
  ['a chain of differencing disks', childSeed, sizeBytes],
  ['other blocks and sectors', ofSize(sizeBytes, { blockSizeBytes: 8 * mib, logicalSectorSizeBytes: 4096 }), sizeBytes],
  ['more than the disk', ofSize(15 * mib), sizeBytes],
  ['less than the disk', ofSize(5 * mib + 512 * 100), 5 * mib],
])('a seed with %s is of use as far as its bytes are those of the disk', async (_, make, atLeastBytes) => {
  await make();
  const output = await pullWith();
  await expectCopied(output);
  expect(output.seedBytes).toBeGreaterThanOrEqual(atLeastBytes);
  expect(output.sentBytes).toBe(sizeBytes - (output.seedBytes ?? 0));
});

test('an image of which little stands in the disk asks for that of the seed alone, and finds it', async () => {
  const sparse = shapeOf({ virtualSizeBytes: 40 * 1024 * mib });
  const far = 39 * 1024 * mib;
  const sparsePath = join(hosts.folder, 'sparse.vhdx');
  await makeImage(sparsePath, sparse, [
    { offsetBytes: mib, data: seededBytes(mib, 1) },
    { offsetBytes: far, data: seededBytes(2 * mib, 2) },
  ]);
  await makeImage(seedPath, shapeOf({ virtualSizeBytes: 40 * 1024 * mib }), [
    { offsetBytes: 0, data: content },
    { offsetBytes: far, data: seededBytes(2 * mib, 2) },
  ]);
  await route.close();
  route = await startSource(hosts, sparsePath);
  expect(await pullWith()).toMatchObject({ sentBytes: mib, seedBytes: 2 * mib });
});

test('what an image of a chain holds in small extents is found in a seed too', async () => {
  const parent = { dataWriteId: randomUUID(), relativePath: '.\\base.vhdx' };
  const child = shapeOf({ virtualSizeBytes: sizeBytes, kind: 'differencing', parent });
  const childPath = join(hosts.folder, 'child.vhdx');
  const piece = (at: number, lengthBytes: number) => ({
    offsetBytes: at,
    data: content.subarray(at, at + lengthBytes),
  });
  // Both begin and end within pieces, which travel; between are nine whole ones, and three.
  await makeImage(childPath, child, [
    piece(mib + 4096, 10 * seedPieceBytes),
    piece(5 * mib - 4096, 4 * seedPieceBytes),
  ]);
  await makeImage(seedPath, shapeOf({ virtualSizeBytes: sizeBytes }), [{ offsetBytes: 0, data: content }]);
  await route.close();
  route = await startSource(hosts, childPath);
  const output = await pullWith();
  expect(output).toMatchObject({ seedBytes: 12 * seedPieceBytes, sentBytes: 2 * seedPieceBytes });
  expect((await contentOf(output.path)).held).toEqual((await contentOf(childPath)).held);
});

test.each<[string, SeedMaker, RegExp]>([
  ['that is not there', async () => undefined, /not there/],
  ['that is no disk', () => writeFile(seedPath, content), /seed\.vhdx/],
  ['that is cut short', async () => writeFile(seedPath, (await readFile(sourcePath)).subarray(0, 4 * mib)), /seed/],
])('a seed %s is a problem that is told, and everything is copied', async (_, make, problem) => {
  await make();
  const output = await pullWith();
  await expectCopied(output);
  expect(output).toMatchObject({ sentBytes: sizeBytes, seedProblem: expect.stringMatching(problem) });
});

test('a seed outside of the roots, or with a parent there, is refused and nothing is copied', async () => {
  await childSeed();
  const roots = [join(hosts.folder, 'inside')];
  const outside = await pullFile(pullOf(hosts, route.port, { seed: { path: seedPath, roots } }));
  expect(failureCodeOf(outside)).toBe('PathOutsideRoots');
  await expect(readFile(join(hosts.folder, 'copy'))).rejects.toThrow('ENOENT');
});

test('a line that breaks again and again costs nothing of what was taken from the seed', async () => {
  await makeImage(seedPath, shapeOf({ virtualSizeBytes: sizeBytes }), [
    { offsetBytes: 0, data: Buffer.concat([content.subarray(0, 8 * mib), seededBytes(4 * mib, 8)]) },
  ]);
  const random = seededRandom(4);
  const proxy = await startCuttingProxy(route.port, (connection) =>
    connection < 8 ? 6_000 + Math.floor(random() * mib) : undefined,
  );
  const output = await pullWith({ peer: pullOf(hosts, proxy.port).peer });
  await proxy.close();
  expect(proxy.connections()).toBe(9);
  await expectCopied(output);
  expect(output).toMatchObject({ sentBytes: 4 * mib, seedBytes: 8 * mib, resentBytes: 0 });
});

test('a seed that changes after it was told is found out by its digest, and what it was to give travels', async () => {
  const firstBytes = 6 * mib;
  const seedContent = Buffer.concat([seededBytes(firstBytes, 8), content.subarray(firstBytes)]);
  await makeImage(seedPath, shapeOf({ virtualSizeBytes: sizeBytes }), [{ offsetBytes: 0, data: seedContent }]);
  const journalPath = join(hosts.folder, 'copy.journal');
  // What differs comes first and slowly; the seed was told before the first of it could be sent.
  const pulling = pullWith({ bandwidthBytesPerSecondMax: 4 * mib });
  while ((await watermarkIn(journalPath).catch(() => 0)) === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  await overwrite(seedPath, 9 * mib);
  const output = await pulling;
  await expectCopied(output);
  expect(output.seedProblem).toMatch(/changed while it was used/);
});

/** Writes another content into the file, past everybody who has it open. */
async function overwrite(path: string, offsetBytes: number): Promise<void> {
  const beside = `${path}.beside`;
  await copyFile(path, beside);
  const options = { tables: 'ordered', dataWriteId: 'kept', newGuid: randomUUID } as const;
  const image = valueOf(await openVhdx(beside, { ...options, access: 'write' }));
  await image.write(seededBytes(mib, 99), offsetBytes);
  await image.close();
  await writeFile(path, await readFile(beside), { flag: 'r+' });
}
