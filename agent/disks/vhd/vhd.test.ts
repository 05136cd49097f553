import { codeOf, ids, newGuid, nowMs, shapeOf, well, writeOptions } from '../testing/disks';
import type { ImageShape } from '../image';
import { MemoryFiles, PowerLoss } from '../testing/memory-files';
import { gib, kib, mib } from '../vhdx/numbers';
import { chsOf } from './geometry';
import { changeUniqueId, createVhd, openVhd } from '.';

const path = '/a.vhd';
const vhd = (change: Partial<ImageShape> = {}): ImageShape =>
  shapeOf({ virtualDiskId: ids.content, physicalSectorSizeBytes: 512, blockSizeBytes: 2 * mib, ...change });
const create = (files: MemoryFiles, change: Partial<ImageShape> = {}, at = path) =>
  createVhd(at, vhd(change), { ...writeOptions({ files }), nowMs });

describe('the geometry of the specification', () => {
  // From Windows and QEMU; 127 GiB is where it ends.
  it.each([
    [3 * mib, 90, 4, 17],
    [64 * mib, 963, 8, 17],
    [gib, 2080, 16, 63],
    [40 * gib, 20_560, 16, 255],
    [2040 * gib, 65_535, 16, 255],
  ])('%i bytes: %i cylinders, %i heads, %i sectors', (bytes, cylinders, heads, sectorsPerTrack) => {
    expect(chsOf(bytes)).toEqual({ cylinders, heads, sectorsPerTrack });
  });
});

describe('a new VHD', () => {
  it.each([{ kind: 'dynamic' }, { kind: 'fixed' }] as const)(
    'has the shape that was asked for: $kind',
    async (change) => {
      const files = new MemoryFiles();
      const image = well(await create(files, { ...change, virtualSizeBytes: 5 * mib }));
      expect(image.shape).toEqual(vhd({ ...change, virtualSizeBytes: 5 * mib }));
      await image.close();
      expect(well(await openVhd(path, { access: 'read', files })).shape).toEqual(image.shape);
    },
  );

  it('names its parent in both ways, and by its name alone', async () => {
    const files = new MemoryFiles();
    const parent = { dataWriteId: newGuid(), relativePath: '..\\base\\ä.vhd', absolutePath: 'C:\\vms\\base\\ä.vhd' };
    await well(await create(files, { kind: 'differencing', parent })).close();
    expect(well(await openVhd(path, { access: 'read', files })).shape.parent).toEqual(parent);
    expect(
      files
        .bytesOf(path, 512 + 64, 12)
        .swap16()
        .toString('utf16le'),
    ).toBe('ä.vhd\0');
  });

  it.each([
    ['above 2040 GiB', { virtualSizeBytes: 2040 * gib + 512 }],
    ['of broken sectors', { virtualSizeBytes: mib + 100 }],
    ['with sectors of 4 KiB', { logicalSectorSizeBytes: 4096 }],
    ['with two ids', { virtualDiskId: newGuid() }],
    ['with blocks of 3 MiB', { blockSizeBytes: 3 * mib }],
    ['with blocks of 256 KiB', { blockSizeBytes: 256 * kib }],
    ['differencing without a parent', { kind: 'differencing' }],
    ['with a parent that has no path', { kind: 'differencing', parent: { dataWriteId: newGuid() } }],
  ] as [string, Partial<ImageShape>][])('is not made %s', async (_what, change) => {
    const files = new MemoryFiles();
    expect(codeOf(await create(files, change))).toBe('RequestInvalid');
    expect(files.operations).toBe(0);
  });

  it('is no VHD before it is a whole one, whenever the power goes', async () => {
    for (const kind of ['dynamic', 'fixed'] as const) {
      for (let loss = 1; ; loss++) {
        const files = new MemoryFiles();
        files.powerLossAt = loss;
        const made = await create(files, { kind, virtualSizeBytes: 3 * mib }).catch((thrown: unknown) => thrown);
        if (!(made instanceof PowerLoss)) break;
        files.powerLossAt = Number.POSITIVE_INFINITY;
        const opened = await openVhd(path, { access: 'read', files });
        if (opened.ok) expect(opened.value.shape.virtualSizeBytes).toBe(3 * mib);
        else expect(opened.failure.code).toBe('DiskNotVhdx');
      }
    }
  });
});

describe('ids', () => {
  it('stay while it is only opened, and a guest that writes makes its content another one', async () => {
    for (const kind of ['dynamic', 'fixed'] as const) {
      const files = new MemoryFiles();
      await well(await create(files, { kind, virtualSizeBytes: 4 * mib })).close();
      const before = files.bytesOf(path);
      await well(await openVhd(path, writeOptions({ files, dataWriteId: 'new-at-first-write' }))).close();
      expect(files.bytesOf(path).equals(before)).toBe(true);
      const image = well(await openVhd(path, writeOptions({ files, dataWriteId: 'new-at-first-write' })));
      await image.write(Buffer.alloc(512, 1), 0);
      await image.close();
      const { shape } = well(await openVhd(path, { access: 'read', files }));
      expect(shape.dataWriteId).not.toBe(ids.content);
      expect(shape.dataWriteId).toBe(image.shape.dataWriteId);
    }
  });

  it('of the content can be set, at both ends of the file', async () => {
    const files = new MemoryFiles();
    await well(await create(files)).close();
    const id = newGuid();
    well(await changeUniqueId(path, id, { files }));
    expect(well(await openVhd(path, { access: 'read', files })).shape.dataWriteId).toBe(id);
    const end = files.bytesOf(path).subarray(-512);
    expect(files.bytesOf(path, 0, 512).equals(end)).toBe(true);
  });
});

describe('writing', () => {
  it('ends the file behind the last block, and blocks that read zero are given back', async () => {
    const files = new MemoryFiles();
    const image = well(await create(files));
    await image.close();
    const empty = files.bytesOf(path).length;
    const again = well(await openVhd(path, writeOptions({ files })));
    for (let block = 0; block < 5; block++) await again.write(Buffer.alloc(512, 7), block * 2 * mib);
    await again.flush();
    await again.close();
    const full = files.bytesOf(path).length;
    expect(full - empty).toBeLessThan(5 * (2 * mib + 8 * kib));
    const last = well(await openVhd(path, writeOptions({ files })));
    await last.writeZeros(2 * mib, 62 * mib);
    await last.close();
    expect(files.bytesOf(path).length - empty).toBeLessThan(2 * mib + 8 * kib);
    const read = well(await openVhd(path, { access: 'read', files }));
    expect([...read.extents()]).toEqual([{ offsetBytes: 0, lengthBytes: 2 * mib, kind: 'data' }]);
  });

  it('a place that a block left reads zero in the next, but for what is written there', async () => {
    const files = new MemoryFiles();
    const image = well(await create(files));
    await image.write(Buffer.alloc(2 * mib, 0xaa), 0);
    await image.flush();
    await image.writeZeros(0, 2 * mib);
    await image.flush();
    await image.write(Buffer.alloc(512, 1), 6 * mib + 512);
    await image.close();
    const bytes = Buffer.alloc(2 * mib);
    const read = well(await openVhd(path, { access: 'read', files }));
    await read.read(bytes, 6 * mib);
    const wanted = Buffer.alloc(2 * mib);
    wanted.fill(1, 512, 1024);
    expect(bytes.equals(wanted)).toBe(true);
  });

  it('data of new blocks begins at a multiple of 4 KiB', async () => {
    const files = new MemoryFiles();
    const image = well(await create(files, { virtualSizeBytes: 8 * mib }));
    await image.write(Buffer.alloc(8 * mib, 9), 0);
    await image.close();
    for (let block = 0; block < 4; block++)
      expect((files.bytesOf(path, 1536 + 4 * block, 4).readUInt32BE(0) * 512 + 512) % 4096).toBe(0);
  });

  it('a full volume fails the write by name; with room again the same image goes on', async () => {
    const files = new MemoryFiles();
    const image = well(await create(files));
    await image.write(Buffer.alloc(4096, 1), 0);
    files.bytesLeft = 100;
    await expect(image.write(Buffer.alloc(4096, 2), 4 * mib)).rejects.toMatchObject({ failure: { code: 'DiskFull' } });
    files.bytesLeft = Number.POSITIVE_INFINITY;
    await image.write(Buffer.alloc(4096, 3), 4 * mib);
    await image.close();
    const bytes = Buffer.alloc(4096);
    await well(await openVhd(path, { access: 'read', files })).read(bytes, 4 * mib);
    expect(bytes.equals(Buffer.alloc(4096, 3))).toBe(true);
  });

  it('after a flush that the disk failed nothing is promised any more', async () => {
    const files = new MemoryFiles();
    const image = well(await create(files));
    await image.write(Buffer.alloc(4096, 1), 0);
    files.isDying = true;
    await expect(image.flush()).rejects.toMatchObject({ failure: { code: 'IoFailed' } });
    files.isDying = false;
    await expect(image.flush()).rejects.toMatchObject({ failure: { code: 'IoFailed' } });
    await expect(image.write(Buffer.alloc(512), 0)).rejects.toMatchObject({ failure: { code: 'IoFailed' } });
  });

  it('many writes at once into new blocks all arrive', async () => {
    const files = new MemoryFiles();
    const parent = { dataWriteId: ids.disk, relativePath: 'base.vhd' };
    for (const change of [{}, { kind: 'differencing', parent }] as Partial<ImageShape>[]) {
      const at = change.kind === undefined ? path : '/b.vhd';
      const image = well(await create(files, { ...change, blockSizeBytes: 512 * kib }, at));
      const pieces = Array.from({ length: 128 }, (_, index) => index);
      await Promise.all(pieces.map((index) => image.write(Buffer.alloc(1024, index + 1), index * 300 * kib)));
      await image.close();
      const read = well(await openVhd(at, { access: 'read', files }));
      for (const index of pieces) {
        const bytes = Buffer.alloc(1024);
        await read.read(bytes, index * 300 * kib);
        expect(bytes.equals(Buffer.alloc(1024, index + 1))).toBe(true);
      }
    }
  });
});
