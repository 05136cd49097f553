import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { diskId, runId } from '../../../contracts/ids';
import { systemClock } from '../../clock';
import { makeImage, shapeOf, vhdShapeOf, type Piece } from '../../disks/route/testing/images';
import { mib } from '../../disks/route/testing/hosts';
import { seededBytes } from '../../disks/route/testing/random';
import { valueOf } from '../../disks/failures';
import { digestScoped } from './digest';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hyperferry-digest-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const context = {
  runId: runId.parse('one'),
  signal: new AbortController().signal,
  report: () => undefined,
};

async function changedDigestOf(name: string, pieces: readonly Piece[]): Promise<string> {
  const path = join(folder, name);
  const shape = name.endsWith('.vhd') ? vhdShapeOf() : shapeOf();
  await makeImage(path, shape, pieces);
  const scoped = [{ diskId: diskId.parse('scsi-0-0'), path, scope: { type: 'touched-by', imagePath: path } as const }];
  const [disk] = valueOf(await digestScoped({ clock: systemClock, roots: [folder] }, context, scoped)).disks;
  return disk !== undefined && 'merkleRoot' in disk ? disk.merkleRoot : '';
}

test('a copy of a disk without a parent has the digest of its source, though it holds none of the blocks that are all zeros', async () => {
  const data = { offsetBytes: 20 * mib, data: seededBytes(mib, 1) };
  const source = await changedDigestOf('source.vhdx', [{ offsetBytes: 4 * mib, data: Buffer.alloc(4 * mib) }, data]);
  expect(source).toHaveLength(64);
  expect(await changedDigestOf('copy.vhdx', [data])).toBe(source);
  expect(await changedDigestOf('copy.vhd', [data])).toBe(source);
  expect(await changedDigestOf('other.vhdx', [{ ...data, data: seededBytes(mib, 2) }])).not.toBe(source);
});
