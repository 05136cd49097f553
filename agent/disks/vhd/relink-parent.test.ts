import { openDisk } from '../chain';
import { ids, newGuid, nowMs, shapeOf, well, writeOptions } from '../testing/disks';
import { MemoryFiles, PowerLoss } from '../testing/memory-files';
import { SeededRandom } from '../testing/random';
import { kib, mib } from '../vhdx/numbers';
import { createVhd, openVhd } from '.';
import { inspectVhd } from './inspect';
import { relinkVhdParent } from './relink-parent';

const child = '/vms/child.avhd';
const link = { dataWriteId: ids.content, relativePath: '.\\old-name.vhd', absolutePath: '/elsewhere/old-name.vhd' };
const parentModifiedAtMs = Date.UTC(2026, 10, 26, 1, 2, 3);
const sizes = { virtualSizeBytes: 4 * mib, blockSizeBytes: mib, physicalSectorSizeBytes: 512 } as const;

/** A child with data whose parent is not where it says, but beside it under another name. */
async function setup(): Promise<MemoryFiles> {
  const files = new MemoryFiles();
  const options = { ...writeOptions({ files }), nowMs };
  const base = well(await createVhd('/vms/new-name.vhd', shapeOf({ ...sizes, virtualDiskId: ids.content }), options));
  await base.write(Buffer.alloc(4 * kib, 7), 0);
  await base.close();
  const id = newGuid();
  const shape = shapeOf({ ...sizes, kind: 'differencing', virtualDiskId: id, dataWriteId: id, parent: link });
  const image = well(await createVhd(child, shape, options));
  await image.write(Buffer.alloc(4 * kib, 9), 8 * kib);
  await image.write(Buffer.alloc(4 * kib, 9), 3 * mib);
  await image.close();
  return files;
}

const relink = (files: MemoryFiles, name = 'new-name.vhd', atMs = parentModifiedAtMs) =>
  relinkVhdParent(child, name, { files, parentModifiedAtMs: atMs });

const parentOf = async (files: MemoryFiles) => {
  const image = well(await openVhd(child, { access: 'read', files }));
  await image.close();
  return image.shape.parent;
};

/** What a guest would read of the first bytes of three places: the parent's, the child's, the child's in another block. */
async function readThree(files: MemoryFiles): Promise<number[]> {
  const disk = well(await openDisk(child, { access: 'read', roots: ['/vms'], files }));
  const bytes = Buffer.alloc(4 * mib);
  await disk.read(bytes, 0);
  await disk.close();
  return [bytes[0], bytes[8 * kib], bytes[3 * mib]].map((byte) => byte ?? -1);
}

const relinked = { dataWriteId: ids.content, relativePath: '.\\new-name.vhd' };

it('a differencing disk finds the parent that it was told of, no other place is named, and its blocks stay', async () => {
  const files = await setup();
  expect((await openDisk(child, { access: 'read', roots: ['/vms'], files })).ok).toBe(false);
  well(await relink(files));
  expect(await parentOf(files)).toEqual(relinked);
  expect(well(await inspectVhd(child, files))).toMatchObject({
    parentModifiedAtMs,
    footers: { end: 'intact', copy: 'intact' },
  });
  expect(await readThree(files)).toEqual([7, 9, 9]);
});

it('what is written afterwards goes over nothing that the new paths stand in', async () => {
  const files = await setup();
  well(await relink(files));
  const image = well(await openVhd(child, writeOptions({ files })));
  for (const at of [0, 1, 2]) await image.write(Buffer.alloc(mib, 20 + at), at * mib);
  await image.close();
  expect(await parentOf(files)).toEqual(relinked);
  expect(await readThree(files)).toEqual([20, 20, 9]);
});

it('asked again, it changes nothing', async () => {
  const files = await setup();
  well(await relink(files));
  const bytes = files.bytesOf(child);
  well(await relink(files));
  expect(files.bytesOf(child).equals(bytes)).toBe(true);
});

it('where the path is right already, the time of the parent alone is changed, inside of one sector', async () => {
  const files = await setup();
  well(await relink(files));
  const before = files.bytesOf(child);
  well(await relink(files, 'new-name.vhd', parentModifiedAtMs + 60_000));
  const after = files.bytesOf(child);
  expect(after.length).toBe(before.length);
  const changed = [...after.keys()].filter((at) => after[at] !== before[at]).map((at) => Math.floor(at / 512));
  expect(new Set(changed).size).toBe(1);
  expect(well(await inspectVhd(child, files)).parentModifiedAtMs).toBe(parentModifiedAtMs + 60_000);
});

it('an image without a parent is DiskChainBroken', async () => {
  const files = await setup();
  const outcome = await relinkVhdParent('/vms/new-name.vhd', 'other.vhd', { files, parentModifiedAtMs });
  expect(outcome).toMatchObject({ ok: false, failure: { code: 'DiskChainBroken' } });
});

it('after a power loss at any operation the old paths or the new ones are there, whole, and the content is', async () => {
  const before = await setup();
  const counted = before.copy();
  well(await relink(counted));
  const seen = new Set<string | undefined>();
  for (let operation = 1; operation <= counted.operations; operation++) {
    for (const keep of [0, 0.5, 1]) {
      const files = before.copy();
      files.powerLossAt = operation;
      await expect(relink(files)).rejects.toThrow(PowerLoss);
      files.losePower(new SeededRandom(operation * 10 + keep * 2), keep);
      const parent = await parentOf(files);
      expect([link, relinked]).toContainEqual(parent);
      seen.add(parent?.relativePath);
      well(await relink(files));
      expect(await parentOf(files)).toEqual(relinked);
      expect(await readThree(files)).toEqual([7, 9, 9]);
    }
  }
  expect(seen.size).toBe(2);
});
