import { openDisk } from '../chain';
import { ids, newGuid, shapeOf, well, writeOptions } from '../testing/disks';
import { MemoryFiles, PowerLoss } from '../testing/memory-files';
import { SeededRandom } from '../testing/random';
import { createVhdx, openVhdx } from './index';
import { kib, mib } from './numbers';
import { relinkParent } from './relink-parent';

const child = '/vms/child.avhdx';
const link = { dataWriteId: ids.content, relativePath: 'old-name.vhdx', absolutePath: '/elsewhere/old-name.vhdx' };

/** A child whose parent is not where it says, but beside it under another name. */
async function setup(): Promise<MemoryFiles> {
  const files = new MemoryFiles();
  const base = well(
    await createVhdx('/vms/new-name.vhdx', shapeOf({ virtualSizeBytes: 4 * mib }), writeOptions({ files })),
  );
  await base.write(Buffer.alloc(4 * kib, 7), 0);
  await base.close();
  const shape = shapeOf({ kind: 'differencing', virtualSizeBytes: 4 * mib, dataWriteId: newGuid(), parent: link });
  await well(await createVhdx(child, shape, writeOptions({ files }))).close();
  return files;
}

const parentOf = async (files: MemoryFiles) => {
  const image = well(await openVhdx(child, { access: 'read', files }));
  await image.close();
  return image.shape.parent;
};

const relinked = { dataWriteId: ids.content, relativePath: '.\\new-name.vhdx' };

it('a differencing disk finds the parent that it was told of, and no other place is named any more', async () => {
  const files = await setup();
  expect((await openDisk(child, { access: 'read', roots: ['/vms'], files })).ok).toBe(false);
  well(await relinkParent(child, 'new-name.vhdx', { newGuid, files }));
  expect(await parentOf(files)).toEqual(relinked);
  const disk = well(await openDisk(child, { access: 'read', roots: ['/vms'], files }));
  const content = Buffer.alloc(4 * kib);
  await disk.read(content, 0);
  expect(content.every((byte) => byte === 7)).toBe(true);
  await disk.close();
});

it('asked again, it changes nothing', async () => {
  const files = await setup();
  well(await relinkParent(child, 'new-name.vhdx', { newGuid, files }));
  const bytes = files.bytesOf(child);
  well(await relinkParent(child, 'new-name.vhdx', { newGuid, files }));
  expect(files.bytesOf(child).equals(bytes)).toBe(true);
});

it('an image without a parent is DiskChainBroken', async () => {
  const files = await setup();
  const outcome = await relinkParent('/vms/new-name.vhdx', 'other.vhdx', { newGuid, files });
  expect(outcome).toMatchObject({ ok: false, failure: { code: 'DiskChainBroken' } });
});

it('after a power loss at any operation the old locator or the new one is there, whole', async () => {
  const before = await setup();
  const counted = before.copy();
  well(await relinkParent(child, 'new-name.vhdx', { newGuid, files: counted }));
  const seen = new Set<string | undefined>();
  for (let operation = 1; operation <= counted.operations; operation++) {
    for (const keep of [0, 0.5, 1]) {
      const files = before.copy();
      files.powerLossAt = operation;
      await expect(relinkParent(child, 'new-name.vhdx', { newGuid, files })).rejects.toThrow(PowerLoss);
      files.losePower(new SeededRandom(operation * 10 + keep * 2), keep);
      const parent = await parentOf(files);
      expect([link.relativePath, relinked.relativePath]).toContain(parent?.relativePath?.replace(/^\.\\old/, 'old'));
      seen.add(parent?.relativePath);
      well(await relinkParent(child, 'new-name.vhdx', { newGuid, files }));
      expect(await parentOf(files)).toEqual(relinked);
    }
  }
  expect(seen.size).toBe(2);
});
