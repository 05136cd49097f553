import { randomUUID } from 'node:crypto';
import { copyFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock } from '../../../clock';
import { valueOf } from '../../failures';
import { openVhdx } from '../../vhdx';
import { pullFile } from '../pull';
import { blockDigest, chainFrom } from '../digest';
import { compactHead } from '../frames';
import { startCuttingProxy } from '../testing/cutting-proxy';
import { failureCodeOf, mib, pullOf } from '../testing/hosts';
import { dataFrame, startFakeSource } from '../testing/fake-source';
import { seededBytes } from '../testing/random';
import { changedAt, content, SeedSite, shape, sizeBytes } from '../testing/seed-site';
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

test('a pull tells what came while the line was what it waited for, where it took from a seed', async () => {
  let nowMs = Date.now();
  // Each look at it takes long enough for two blocks to fill a part of the time.
  const clock = { ...systemClock, now: () => (nowMs += 60) };
  await site.seedOf(Buffer.concat([seededBytes(6 * mib, 9), content.subarray(6 * mib)]));
  const output = await site.pull({ clock });
  await site.expectCopied(output);
  expect(output).toMatchObject({ dataBytes: 6 * mib, seedBytes: 6 * mib });
  expect(output.ofLine?.bytes).toBeGreaterThanOrEqual(mib);
  expect(output.ofLine?.bytes).toBeLessThan(6 * mib);
  expect(output.ofLine?.ms).toBeGreaterThanOrEqual(100);
  const [path, journalPath] = [site.pathOf('plain'), site.pathOf('plain.journal')];
  expect(await site.pull({ path, journalPath, seed: undefined, clock })).not.toHaveProperty('ofLine');
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
  await site.seedOf(content);
  const starts: { fromBytes: number; hasSeed: boolean }[] = [];
  const blockAt = (at: number): Buffer => content.subarray(at, at + mib);
  let sendAll = (): void => undefined;
  // Its first block comes as data, the others as blocks of the seed as it was; where there is no seed, everything comes as data.
  const source = await startFakeSource(site.hosts, (frame, { say, send }) => {
    const facts = { type: 'image', shape, fileSizeBytes: sizeBytes } as const;
    if (frame.kind === 'open')
      say({ kind: 'facts', message: { facts, extentBytes: sizeBytes, windowBytes: 48 * mib, streamsMax: 1 } });
    if (frame.kind === 'told') void overwrite(site.seedPath, 9 * mib).then(() => sendAll());
    if (frame.kind !== 'start') return;
    const { fromBytes, hasSeed, digest: soFar } = frame.message;
    starts.push({ fromBytes, hasSeed });
    sendAll = () => {
      const frames = chainFrom(soFar);
      for (let at = fromBytes; at < sizeBytes; at += mib) {
        const digest = blockDigest(blockAt(at));
        frames.add('data', at, mib, digest);
        const head = { offsetBytes: at, lengthBytes: mib, digest, taken: 0xffff, isPacked: false };
        send(hasSeed && at > 0 ? compactHead(head, 0) : dataFrame(at, blockAt(at)));
      }
      say({ kind: 'end', message: { digest: frames.digest } });
    };
    if (hasSeed) say({ kind: 'ask', fromBytes });
    else sendAll();
  });
  const output = await site.pull({ peer: pullOf(site.hosts, source.port).peer });
  await source.close();
  await site.expectCopied(output);
  expect(output.seedProblem).toMatch(/changed while it was used, at offset 9437184/);
  expect(starts).toEqual([
    { fromBytes: 0, hasSeed: true },
    { fromBytes: expect.any(Number), hasSeed: false },
  ]);
  // What was durable when the block was found out stays; it is never past that block.
  expect(starts[1]?.fromBytes).toBeLessThanOrEqual(9 * mib);
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
