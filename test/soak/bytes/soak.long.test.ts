import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mib } from '../../../agent/disks/route/testing/hosts';
import { seededRandom } from '../../../agent/disks/route/testing/random';
import { describeSoak } from './describe';
import { makeSoakImage } from './image';
import { judges } from './judge';
import { soakBytes } from './soak';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hyperferry-soak-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

test('copies whose ends are killed at random moments are the disks that they are of, and little is sent again', async () => {
  const result = await soakBytes({ folder, kills: 4, seed: 7, dataBytes: 48 * mib, say: () => undefined });
  expect(result.wrong).toEqual([]);
  expect(result.copies.flatMap((copy) => copy.kills)).toHaveLength(4);
  for (const { kills, sentAgainBytes, dataBytes } of result.copies) {
    const ofKills = kills.reduce((sum, kill) => sum + kill.sentAgainBytes, 0);
    expect(Math.abs(ofKills - sentAgainBytes)).toBeLessThan(0.005 * (dataBytes + sentAgainBytes) + mib / 8);
  }
  expect(describeSoak(result)).toContain('all the same');
});

test('one byte that differs is seen by every judge', async () => {
  const [one, other] = [join(folder, 'one.vhdx'), join(folder, 'other.vhdx')];
  await makeSoakImage(one, 8 * mib, seededRandom(3));
  await makeSoakImage(other, 8 * mib, seededRandom(3));
  for (const { differenceOf } of judges()) expect(await differenceOf(one, other)).toBeUndefined();
  const file = await open(other, 'r+');
  const { size } = await file.stat();
  const byte = Buffer.alloc(1);
  await file.read(byte, 0, 1, size - mib / 2);
  await file.write(Buffer.from([byte.readUInt8(0) ^ 1]), 0, 1, size - mib / 2);
  await file.close();
  for (const { differenceOf } of judges()) expect(await differenceOf(one, other)).toBeDefined();
});
