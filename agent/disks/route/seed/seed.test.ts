import { randomUUID } from 'node:crypto';
import { copyFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { valueOf } from '../../failures';
import { openVhdx } from '../../vhdx';
import { pullFile } from '../pull';
import { startCuttingProxy } from '../testing/cutting-proxy';
import { failureCodeOf, mib, pullOf, watermarkIn } from '../testing/hosts';
import { seededBytes } from '../testing/random';
import { changedAt, content, SeedSite, sizeBytes } from '../testing/seed-site';
import { seedPieceBytes } from './pieces';

let site: SeedSite;
beforeEach(async () => {
  site = await SeedSite.make();
});
afterEach(() => site.remove());

test('of a disk of which the destination has a seed only the pieces travel that differ', async () => {
  const offsets = Array.from({ length: 12 }, (_, at) => at * mib + 300_000);
  await site.seedOf(changedAt(offsets));
  const before = await site.seedFile();
  const proxy = await startCuttingProxy(site.route.port, () => undefined);
  const output = await site.pull({ peer: pullOf(site.hosts, proxy.port).peer });
  await proxy.close();
  await site.expectCopied(output);
  const changedBytes = offsets.length * seedPieceBytes;
  expect(output).toMatchObject({ sentBytes: changedBytes, dataBytes: changedBytes, resentBytes: 0 });
  expect(output).toMatchObject({ seedBytes: sizeBytes - changedBytes });
  expect(output.seedProblem).toBeUndefined();
  expect(proxy.passedBytes()).toBeLessThan(changedBytes + 64 * 1024);
  expect((await site.seedFile()).equals(before)).toBe(true);
});

test('the digest of a copy that was made of a seed is the digest of one that was not', async () => {
  const [path, journalPath] = [site.pathOf('plain'), site.pathOf('plain.journal')];
  const plain = await site.pull({ path, journalPath, seed: undefined });
  await site.seedOf(changedAt([5, 3 * mib]));
  const seeded = await site.pull();
  expect(plain.sentBytes).toBe(sizeBytes);
  expect(seeded.sentBytes).toBe(2 * seedPieceBytes);
  expect(seeded.digest).toBe(plain.digest);
});

test.each<[string, () => Promise<unknown>, RegExp]>([
  ['that is not there', async () => undefined, /not there/],
  ['that is no disk', () => writeFile(site.seedPath, content), /seed\.vhdx/],
])('a seed %s is a problem that is told, and everything is copied', async (_, make, problem) => {
  await make();
  const output = await site.pull();
  await site.expectCopied(output);
  expect(output).toMatchObject({ sentBytes: sizeBytes, seedProblem: expect.stringMatching(problem) });
});

test('a seed outside of the roots is refused and nothing is copied', async () => {
  await site.seedOf(content);
  const roots = [join(site.hosts.folder, 'inside')];
  const outside = await pullFile(site.requestWith({ seed: { path: site.seedPath, roots } }));
  expect(failureCodeOf(outside)).toBe('PathOutsideRoots');
  await expect(readFile(site.pathOf('copy'))).rejects.toThrow('ENOENT');
});

test('a seed that changes after it was told is found out by its digest, and what it was to give travels', async () => {
  const firstBytes = 6 * mib;
  await site.seedOf(Buffer.concat([seededBytes(firstBytes, 8), content.subarray(firstBytes)]));
  // What differs comes first and slowly; the seed was told before the first of it could be sent.
  const pulling = site.pull({ bandwidthBytesPerSecondMax: 4 * mib });
  const journalPath = site.pathOf('copy.journal');
  while ((await watermarkIn(journalPath).catch(() => 0)) === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  await overwrite(site.seedPath, 9 * mib);
  const output = await pulling;
  await site.expectCopied(output);
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
