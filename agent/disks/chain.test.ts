import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chainImagesMax } from '../../contracts/limits';
import { describeChain, openDisk } from './chain';
import type { ImageShape, ParentLink } from './image';
import { codeOf, ids, newGuid, shapeOf, well, writeOptions } from './testing/disks';
import { MemoryFiles } from './testing/memory-files';
import { createVhdx, openVhdx } from './vhdx';
import { mib } from './vhdx/numbers';

const roots = ['/vms'];
const base = '/vms/a/base.vhdx';
const child = '/vms/a/child.vhdx';

async function makeImage(files: MemoryFiles, path: string, change: Partial<ImageShape>, fill: [number, number][] = []) {
  const image = well(await createVhdx(path, shapeOf(change), writeOptions({ files })));
  for (const [offset, value] of fill) await image.write(Buffer.alloc(4096, value), offset);
  await image.close();
}

const childOf = (parent: ParentLink, change: Partial<ImageShape> = {}): Partial<ImageShape> => ({
  kind: 'differencing',
  dataWriteId: newGuid(),
  parent,
  ...change,
});

const open = (files: MemoryFiles, path = child) => openDisk(path, { access: 'read', roots, files });

async function byteAt(files: MemoryFiles, path: string, offset: number): Promise<number | undefined> {
  const disk = well(await open(files, path));
  const bytes = Buffer.alloc(512);
  await disk.read(bytes, offset);
  await disk.close();
  return bytes[0];
}

describe('finding the parent', () => {
  it.each([
    ['at the relative path', { relativePath: 'base.vhdx' }],
    ['at the relative path as Windows writes it', { relativePath: '.\\base.vhdx' }],
    ['in another folder', { relativePath: '..\\a\\base.vhdx' }],
    ['at the absolute path', { absolutePath: base }],
    ['at the absolute path when nothing is at the relative one', { relativePath: 'gone.vhdx', absolutePath: base }],
    [
      'at the absolute path when another disk is at the relative one',
      { relativePath: 'other.vhdx', absolutePath: base },
    ],
    [
      'at the relative path when the absolute one is of another machine',
      { relativePath: 'base.vhdx', absolutePath: 'D:\\x\\base.vhdx' },
    ],
    [
      'at the relative path when the absolute one is outside',
      { relativePath: 'base.vhdx', absolutePath: '/etc/base.vhdx' },
    ],
    [
      'at the absolute path when the relative one is outside',
      { relativePath: '../../etc/base.vhdx', absolutePath: base },
    ],
  ] as const)('%s', async (_where, paths) => {
    const files = new MemoryFiles();
    await makeImage(files, base, {}, [[0, 1]]);
    await makeImage(files, '/vms/a/other.vhdx', { dataWriteId: newGuid() }, [[0, 2]]);
    await makeImage(files, child, childOf({ dataWriteId: ids.content, ...paths }));
    expect(await byteAt(files, child, 0)).toBe(1);
  });

  it('takes a parent under the second id that the child names', async () => {
    const files = new MemoryFiles();
    await makeImage(files, base, {}, [[0, 1]]);
    const link = { dataWriteId: newGuid(), secondDataWriteId: ids.content, relativePath: 'base.vhdx' };
    await makeImage(files, child, childOf(link));
    expect(await byteAt(files, child, 0)).toBe(1);
  });

  it('takes a copy of the parent that was made with the ids of the original', async () => {
    const files = new MemoryFiles();
    await makeImage(files, base, {}, [[0, 1]]);
    await makeImage(files, child, childOf({ dataWriteId: ids.content, relativePath: 'base.vhdx' }), [[mib, 2]]);
    for (const name of ['base.vhdx', 'child.vhdx']) {
      const from = well(await openVhdx(`/vms/a/${name}`, { access: 'read', files }));
      const to = well(await createVhdx(`/vms/b/${name}`, from.shape, writeOptions({ files })));
      expect(to.shape).toEqual(from.shape);
      for (const extent of from.extents()) {
        const bytes = Buffer.alloc(extent.lengthBytes);
        await from.read(bytes, extent.offsetBytes);
        await to.write(bytes, extent.offsetBytes);
      }
      await to.close();
    }
    expect([await byteAt(files, '/vms/b/child.vhdx', 0), await byteAt(files, '/vms/b/child.vhdx', mib)]).toEqual([
      1, 2,
    ]);
  });
});

describe('a broken chain is refused by name', () => {
  const expectRefused = async (files: MemoryFiles, code: string) => {
    const opened = await open(files);
    expect(codeOf(opened)).toBe(code);
    expect(codeOf(await describeChain(child, { roots, files }))).toBe(code);
    return opened.ok ? '' : opened.failure.message;
  };

  it('when the parent is missing', async () => {
    const files = new MemoryFiles();
    await makeImage(files, child, childOf({ dataWriteId: ids.content, relativePath: 'base.vhdx' }));
    expect(await expectRefused(files, 'DiskChainBroken')).toContain('/vms/a/base.vhdx is not there');
  });

  it('when the parent was written to after the child was made', async () => {
    const files = new MemoryFiles();
    await makeImage(files, base, {});
    await makeImage(files, child, childOf({ dataWriteId: ids.content, relativePath: 'base.vhdx' }));
    const guest = well(
      await openVhdx(base, writeOptions({ files, tables: 'logged', dataWriteId: 'new-at-first-write' })),
    );
    await guest.write(Buffer.alloc(512, 1), 0);
    await guest.close();
    expect(await expectRefused(files, 'DiskChainBroken')).toContain('was written to since, or is another disk');
  });

  it('when the sectors of the two differ in size', async () => {
    const files = new MemoryFiles();
    await makeImage(files, base, { logicalSectorSizeBytes: 4096 });
    await makeImage(files, child, childOf({ dataWriteId: ids.content, relativePath: 'base.vhdx' }));
    await expectRefused(files, 'DiskChainBroken');
  });

  it('when a disk is its own parent, at once or by a detour', async () => {
    const files = new MemoryFiles();
    const own = { dataWriteId: ids.content, relativePath: 'child.vhdx' };
    await makeImage(files, child, childOf(own, { dataWriteId: ids.content }));
    await expectRefused(files, 'DiskChainBroken');
    const longer = new MemoryFiles();
    const [one, two] = [newGuid(), newGuid()];
    await makeImage(longer, child, childOf({ dataWriteId: two, relativePath: 'base.vhdx' }, { dataWriteId: one }));
    await makeImage(longer, base, childOf({ dataWriteId: one, relativePath: 'child.vhdx' }, { dataWriteId: two }));
    await expectRefused(longer, 'DiskChainBroken');
  });

  it('when it has more images than any real one', async () => {
    const files = new MemoryFiles();
    const chain = Array.from({ length: chainImagesMax + 1 }, (_, level) => ({
      path: `/vms/a/${level}.vhdx`,
      id: newGuid(),
    }));
    for (const [level, { path, id }] of chain.entries()) {
      const parent = chain[level - 1];
      const link = parent && { dataWriteId: parent.id, absolutePath: parent.path };
      await makeImage(files, path, link === undefined ? { dataWriteId: id } : childOf(link, { dataWriteId: id }));
    }
    expect(codeOf(await open(files, chain[chainImagesMax - 1]!.path))).toBe('no failure');
    expect(codeOf(await open(files, chain[chainImagesMax]!.path))).toBe('DiskChainBroken');
  });

  it('by the failure of the parent when that is damaged', async () => {
    const files = new MemoryFiles();
    files.put(base, Buffer.from('vhdxfile'));
    await makeImage(files, child, childOf({ dataWriteId: ids.content, relativePath: 'base.vhdx' }));
    expect(await expectRefused(files, 'DiskTruncated')).toContain(base);
  });

  it('when it leads out of the roots', async () => {
    const files = new MemoryFiles();
    await makeImage(files, '/etc/base.vhdx', {});
    await makeImage(files, child, childOf({ dataWriteId: ids.content, relativePath: '..\\..\\etc\\base.vhdx' }));
    await expectRefused(files, 'PathOutsideRoots');
    expect(codeOf(await open(files, '/etc/base.vhdx'))).toBe('PathOutsideRoots');
    expect(codeOf(await open(files, '/vmsx/base.vhdx'))).toBe('PathOutsideRoots');
    expect(codeOf(await open(files, '/vms'))).toBe('PathOutsideRoots');
  });

  it('when a link inside the roots leads out of them', async () => {
    const folder = realpathSync(mkdtempSync(join(tmpdir(), 'hyperferry-chain-')));
    try {
      const [inside, outside] = [join(folder, 'in'), join(folder, 'out')];
      for (const one of [inside, outside]) mkdirSync(one);
      await well(await createVhdx(join(outside, 'base.vhdx'), shapeOf(), writeOptions())).close();
      symlinkSync(outside, join(inside, 'way'));
      const path = join(inside, 'way', 'base.vhdx');
      expect(codeOf(await openDisk(path, { access: 'read', roots: [inside] }))).toBe('PathOutsideRoots');
      const both = await openDisk(path, { access: 'read', roots: [inside, outside] });
      expect(both.ok && both.value.images[0]?.path).toBe(join(outside, 'base.vhdx'));
      if (both.ok) await both.value.close();
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe('reading through a chain', () => {
  it('a child larger than its parent reads zeros past the end of the parent', async () => {
    const files = new MemoryFiles();
    await makeImage(files, base, { virtualSizeBytes: 4 * mib - 512 }, [[3 * mib, 1]]);
    const link = { dataWriteId: ids.content, relativePath: 'base.vhdx' };
    await makeImage(files, child, childOf(link, { virtualSizeBytes: 8 * mib }), [[7 * mib, 2]]);
    const disk = well(await open(files));
    const bytes = Buffer.alloc(8 * mib, 9);
    await disk.read(bytes, 0);
    const wanted = Buffer.alloc(8 * mib);
    wanted.fill(1, 3 * mib, 3 * mib + 4096);
    wanted.fill(2, 7 * mib, 7 * mib + 4096);
    expect(bytes.equals(wanted)).toBe(true);
  });

  it('a child smaller than its parent ends where it ends', async () => {
    const files = new MemoryFiles();
    await makeImage(files, base, {}, [[3 * mib, 1]]);
    const link = { dataWriteId: ids.content, relativePath: 'base.vhdx' };
    await makeImage(files, child, childOf(link, { virtualSizeBytes: 3 * mib + 512 }));
    const disk = well(await open(files));
    expect(disk.virtualSizeBytes).toBe(3 * mib + 512);
    const bytes = Buffer.alloc(512);
    await disk.read(bytes, 3 * mib);
    expect(bytes[0]).toBe(1);
  });

  it('opened for writing, only the last image changes', async () => {
    const files = new MemoryFiles();
    await makeImage(files, base, {}, [[0, 1]]);
    await makeImage(files, child, childOf({ dataWriteId: ids.content, relativePath: 'base.vhdx' }));
    const before = files.bytesOf(base);
    const disk = well(await openDisk(child, { ...writeOptions({ files }), roots }));
    await disk.write(Buffer.alloc(512, 5), 512);
    await disk.flush();
    const bytes = Buffer.alloc(1536);
    await disk.read(bytes, 0);
    expect([bytes[0], bytes[512], bytes[1024]]).toEqual([1, 5, 1]);
    await disk.close();
    expect(files.bytesOf(base).equals(before)).toBe(true);
    expect(await byteAt(files, child, 512)).toBe(5);
  });

  it('opened for reading it cannot be written', async () => {
    const files = new MemoryFiles();
    await makeImage(files, base, {});
    const disk = well(await open(files, base));
    await expect(disk.write(Buffer.alloc(512), 0)).rejects.toThrow(TypeError);
  });
});

describe('describing a chain', () => {
  it('tells kind, sizes and what is allocated of each image, base first', async () => {
    const files = new MemoryFiles();
    await makeImage(files, base, { virtualSizeBytes: 32 * mib }, [
      [0, 1],
      [9 * mib, 1],
    ]);
    const link = { dataWriteId: ids.content, relativePath: 'base.vhdx' };
    await makeImage(files, child, childOf(link, { virtualSizeBytes: 40 * mib }), [[mib, 2]]);
    const facts = well(await describeChain(child, { roots, files }));
    expect(facts).toEqual({
      path: child,
      virtualSizeBytes: 40 * mib,
      images: [
        {
          index: 0,
          path: base,
          kind: 'dynamic',
          virtualSizeBytes: 32 * mib,
          fileSizeBytes: 6 * mib,
          allocatedBytes: 2 * mib,
        },
        {
          index: 1,
          path: child,
          kind: 'differencing',
          virtualSizeBytes: 40 * mib,
          fileSizeBytes: 6 * mib,
          allocatedBytes: 4096,
        },
      ],
    });
  });
});
