import { failureOf } from '../../../contracts/failure';
import { DiskError } from '../failures';
import type { ImageShape } from '../image';
import { codeOf, ids, newGuid, shapeOf, well, writeOptions } from '../testing/disks';
import { MemoryFiles, PowerLoss } from '../testing/memory-files';
import { SeededRandom } from '../testing/random';
import { createVhdx, defaultBlockSizeBytes, openVhdx } from '.';
import { sealStructure } from './crc32c';
import { isGuid, writeGuid, zeroGuid } from './guid';
import { encodeHeader } from './header';
import { kib, mib, tib } from './numbers';

const path = '/a.vhdx';
const parent = { dataWriteId: ids.content, relativePath: '.\\base.vhdx', absolutePath: 'C:\\VMs\\base.vhdx' };
const differencing: Partial<ImageShape> = { kind: 'differencing', parent };

const make = async (change: Partial<ImageShape> = {}, files = new MemoryFiles()) => ({
  files,
  image: well(await createVhdx(path, shapeOf(change), writeOptions({ files }))),
});
const read = async (files: MemoryFiles) => well(await openVhdx(path, { access: 'read', files }));

describe('creating', () => {
  it.each([
    { kind: 'dynamic', blockSizeBytes: defaultBlockSizeBytes, virtualSizeBytes: 127 * 1024 * mib },
    { kind: 'dynamic', blockSizeBytes: 256 * mib, logicalSectorSizeBytes: 4096, virtualSizeBytes: 64 * tib },
    { kind: 'fixed', virtualSizeBytes: 10 * mib + 512, physicalSectorSizeBytes: 512 },
    { ...differencing, blockSizeBytes: 2 * mib },
  ] as Partial<ImageShape>[])('makes an image of just the shape that was asked for: %j', async (change) => {
    const { files, image } = await make(change);
    await image.close();
    expect((await read(files)).shape).toEqual(shapeOf(change));
  });

  it('has nothing in a dynamic image, everything in a fixed one', async () => {
    const dynamic = await make();
    expect([...dynamic.image.extents()]).toEqual([]);
    const fixed = await make({ kind: 'fixed', virtualSizeBytes: 10 * mib + 512 });
    expect([...fixed.image.extents()]).toEqual([{ offsetBytes: 0, lengthBytes: 10 * mib + 512, kind: 'data' }]);
    expect([...fixed.image.extents(mib, 3 * mib)]).toEqual([{ offsetBytes: mib, lengthBytes: 2 * mib, kind: 'data' }]);
  });

  const badShapes: [string, Partial<ImageShape>][] = [
    ['no size', { virtualSizeBytes: 0 }],
    ['half a sector', { virtualSizeBytes: mib + 1 }],
    ['a size that is no number', { virtualSizeBytes: Number.NaN }],
    ['more than 64 TiB', { virtualSizeBytes: 64 * tib + 512 }],
    ['blocks of 3 MiB', { blockSizeBytes: 3 * mib }],
    ['blocks of 512 KiB', { blockSizeBytes: 512 * kib }],
    ['blocks of 512 MiB', { blockSizeBytes: 512 * mib }],
    ['a disk id that is none', { virtualDiskId: 'none' }],
    ['a content id in capitals', { dataWriteId: ids.content.toUpperCase() }],
    ['a child without a parent', { kind: 'differencing' }],
    ['a parent without a child', { parent }],
    ['a parent id that is none', { kind: 'differencing', parent: { dataWriteId: 'x', relativePath: 'a' } }],
    ['no path to the parent', { kind: 'differencing', parent: { dataWriteId: ids.content } }],
    ['an empty path', { kind: 'differencing', parent: { dataWriteId: ids.content, relativePath: '' } }],
    ['an endless path', { kind: 'differencing', parent: { ...parent, relativePath: 'a'.repeat(40_000) } }],
  ];
  it.each(badShapes.map(([what, change]) => ({ what, change })))(
    'refuses a shape that no VHDX has, and makes no file: $what',
    async ({ change }) => {
      const files = new MemoryFiles();
      expect(codeOf(await createVhdx(path, shapeOf(change), writeOptions({ files })))).toBe('RequestInvalid');
      expect(codeOf(await openVhdx(path, { access: 'read', files }))).toBe('IoFailed');
    },
  );

  it('does not touch a file that is there', async () => {
    const files = new MemoryFiles();
    files.put(path, Buffer.from('precious'));
    expect(codeOf(await createVhdx(path, shapeOf(), writeOptions({ files })))).toBe('DestinationOccupied');
    expect(files.bytesOf(path).toString()).toBe('precious');
  });

  it('takes back what it made when the volume is full', async () => {
    const files = new MemoryFiles();
    files.bytesLeft = 100 * kib;
    expect(codeOf(await createVhdx(path, shapeOf(), writeOptions({ files })))).toBe('DiskFull');
    files.bytesLeft = Number.POSITIVE_INFINITY;
    expect(codeOf(await createVhdx(path, shapeOf(), writeOptions({ files })))).toBe('no failure');
  });

  it('leaves no VHDX before it leaves a whole one, whenever the power goes', async () => {
    const codes = new Set<string>();
    for (let loss = 1; loss < 30; loss++) {
      const files = new MemoryFiles();
      files.powerLossAt = loss;
      const result = await make({ kind: 'fixed' }, files).catch((thrown: unknown) => thrown);
      if (!(result instanceof PowerLoss)) break;
      files.losePower(new SeededRandom(loss), loss % 3 === 0 ? 1 : 0.5);
      codes.add(codeOf(await openVhdx(path, { access: 'read', files })));
    }
    expect([...codes].sort()).toEqual(['DiskNotVhdx', 'no failure']);
  });
});

describe('the ids of an image', () => {
  it('stay while it is only opened, in either way', async () => {
    const { files, image } = await make();
    await image.close();
    const before = files.bytesOf(path);
    await (await read(files)).close();
    await well(
      await openVhdx(path, writeOptions({ files, tables: 'logged', dataWriteId: 'new-at-first-write' })),
    ).close();
    expect(files.bytesOf(path).equals(before)).toBe(true);
  });

  it('a guest that writes makes its content another one, once for each opening', async () => {
    const { files, image } = await make();
    await image.close();
    const options = writeOptions({ files, tables: 'logged', dataWriteId: 'new-at-first-write' });
    const seen = new Set<string>([ids.content]);
    for (let opening = 0; opening < 3; opening++) {
      const guest = well(await openVhdx(path, options));
      await guest.write(Buffer.alloc(512, 1), 0);
      const { dataWriteId } = guest.shape;
      expect(isGuid(dataWriteId)).toBe(true);
      seen.add(dataWriteId);
      await guest.writeZeros(0, 512);
      expect(guest.shape.dataWriteId).toBe(dataWriteId);
      await guest.close();
      expect((await read(files)).shape.dataWriteId).toBe(dataWriteId);
    }
    expect(seen.size).toBe(4);
  });

  it('change on disk before the content does', async () => {
    const { files, image } = await make();
    await image.write(Buffer.alloc(512, 1), 0);
    await image.close();
    const guest = well(await openVhdx(path, writeOptions({ files, dataWriteId: 'new-at-first-write' })));
    await guest.write(Buffer.alloc(512, 2), 0);
    files.losePower(new SeededRandom(1), 1);
    const after = await read(files);
    expect(after.shape.dataWriteId).not.toBe(ids.content);
  });

  it('a transfer that writes keeps the id it was told', async () => {
    const { files, image } = await make();
    await image.write(Buffer.alloc(512, 1), 0);
    expect(image.shape.dataWriteId).toBe(ids.content);
    await image.close();
    expect((await read(files)).shape.dataWriteId).toBe(ids.content);
  });
});

describe('blocks', () => {
  it('a write of one sector leaves the rest of its block zero, also where another block was before', async () => {
    const { files, image } = await make();
    await image.write(Buffer.alloc(mib, 0xee), 0);
    await image.flush();
    await image.writeZeros(0, mib);
    await image.flush();
    const sizeBefore = image.fileSizeBytes;
    await image.write(Buffer.alloc(512, 1), 7 * mib + 1024);
    expect(image.fileSizeBytes).toBe(sizeBefore);
    await image.close();
    const block = Buffer.alloc(mib);
    await (await read(files)).read(block, 7 * mib);
    const wanted = Buffer.alloc(mib);
    wanted.fill(1, 1024, 1536);
    expect(block.equals(wanted)).toBe(true);
  });

  it('the place of a block is not given away before the table that lets go of it is durable', async () => {
    const { image } = await make();
    await image.write(Buffer.alloc(mib, 1), 0);
    await image.flush();
    const size = image.fileSizeBytes;
    await image.writeZeros(0, mib);
    await image.write(Buffer.alloc(mib, 2), 5 * mib);
    expect(image.fileSizeBytes).toBe(size + mib);
    await image.flush();
    await image.write(Buffer.alloc(mib, 3), 6 * mib);
    expect(image.fileSizeBytes).toBe(size + mib);
  });

  it('a region that is not known is left alone', async () => {
    const { files, image } = await make();
    await image.close();
    files.truncate(path, 9 * mib);
    files.patch(path, 5 * mib, Buffer.alloc(4 * mib, 0x77));
    for (const place of [192 * kib, 256 * kib]) {
      const table = files.bytesOf(path, place, 64 * kib);
      table.writeUInt32LE(3, 8);
      writeGuid(table, 80, newGuid());
      table.writeUInt32LE(5 * mib, 96);
      table.writeUInt32LE(4 * mib, 104);
      sealStructure(table);
      files.patch(path, place, table);
    }
    const again = well(await openVhdx(path, writeOptions({ files })));
    await again.write(Buffer.alloc(8 * mib, 1), 0);
    await again.close();
    expect(files.bytesOf(path, 5 * mib, 4 * mib).equals(Buffer.alloc(4 * mib, 0x77))).toBe(true);
  });

  it('what an interrupted writer left behind is used again', async () => {
    const { files, image } = await make();
    await image.write(Buffer.alloc(mib, 0xee), 0);
    files.losePower(new SeededRandom(1), 1);
    const size = files.bytesOf(path).length;
    expect(size).toBe(5 * mib);
    const again = well(await openVhdx(path, writeOptions({ files })));
    await again.write(Buffer.alloc(512, 1), 3 * mib);
    await again.close();
    expect(files.bytesOf(path).length).toBe(size);
    const block = Buffer.alloc(mib);
    await (await read(files)).read(block, 3 * mib);
    expect(block.subarray(512).every((byte) => byte === 0)).toBe(true);
  });

  it('zeros free whole blocks of a dynamic image, are remembered by a differencing one, and are written in a fixed one', async () => {
    const dynamic = await make();
    await dynamic.image.write(Buffer.alloc(3 * mib, 1), 0);
    await dynamic.image.writeZeros(512, 2 * mib);
    expect([...dynamic.image.extents()]).toEqual([
      { offsetBytes: 0, lengthBytes: mib, kind: 'data' },
      { offsetBytes: 2 * mib, lengthBytes: mib, kind: 'data' },
    ]);
    const child = await make(differencing);
    await child.image.writeZeros(mib - 1024, mib + 1024);
    expect([...child.image.extents()]).toEqual([
      { offsetBytes: mib - 1024, lengthBytes: 1024, kind: 'data' },
      { offsetBytes: mib, lengthBytes: mib, kind: 'zero' },
    ]);
    const fixed = await make({ kind: 'fixed' });
    await fixed.image.write(Buffer.alloc(mib, 1), 0);
    await fixed.image.writeZeros(0, mib);
    expect([...fixed.image.extents()]).toEqual([{ offsetBytes: 0, lengthBytes: 64 * mib, kind: 'data' }]);
    const bytes = Buffer.alloc(mib, 1);
    await fixed.image.read(bytes, 0);
    expect(bytes.every((byte) => byte === 0)).toBe(true);
  });

  it('the last block of a disk counts as whole when it is zeroed to the end of the disk', async () => {
    const { image } = await make({ ...differencing, virtualSizeBytes: 2 * mib + 512 });
    await image.writeZeros(2 * mib, 512);
    expect([...image.extents()]).toEqual([{ offsetBytes: 2 * mib, lengthBytes: 512, kind: 'zero' }]);
  });

  it('sectors of a differencing image are data one by one, neighbours joined across blocks', async () => {
    const { files, image } = await make(differencing);
    await image.write(Buffer.alloc(1024, 1), 4096);
    await image.write(Buffer.alloc(512, 1), 5120);
    await image.write(Buffer.alloc(1024, 1), mib - 512);
    await image.close();
    const reopened = await read(files);
    expect([...reopened.extents()]).toEqual([
      { offsetBytes: 4096, lengthBytes: 1536, kind: 'data' },
      { offsetBytes: mib - 512, lengthBytes: 1024, kind: 'data' },
    ]);
    expect([...reopened.extents(4608, mib)]).toEqual([
      { offsetBytes: 4608, lengthBytes: 1024, kind: 'data' },
      { offsetBytes: mib - 512, lengthBytes: 512, kind: 'data' },
    ]);
    const bytes = Buffer.alloc(8192, 9);
    await reopened.read(bytes, 0);
    expect(bytes.subarray(0, 4096).every((byte) => byte === 0)).toBe(true);
    expect(bytes.subarray(4096, 5632).every((byte) => byte === 1)).toBe(true);
  });
});

describe('how much the file is asked for', () => {
  it('a write into blocks in their place is one write, a read of them one read', async () => {
    const { files, image } = await make({ kind: 'fixed' });
    await image.write(Buffer.alloc(512), 0);
    files.calls.length = 0;
    await image.write(Buffer.alloc(mib, 1), 3 * mib);
    await image.write(Buffer.alloc(mib, 1), 5 * mib + 4096);
    await image.read(Buffer.alloc(16 * mib), 3 * mib + 512);
    expect(files.calls).toEqual([
      { kind: 'write', lengthBytes: mib },
      { kind: 'write', lengthBytes: mib },
      { kind: 'read', lengthBytes: 16 * mib },
    ]);
  });

  it('a first write into a block is one write and room for it', async () => {
    const { files, image } = await make({ blockSizeBytes: 2 * mib });
    await image.write(Buffer.alloc(512), 0);
    files.calls.length = 0;
    await image.write(Buffer.alloc(mib, 1), 4 * mib);
    expect(files.calls).toEqual([
      { kind: 'resize', lengthBytes: 8 * mib },
      { kind: 'write', lengthBytes: mib },
    ]);
  });

  it('a flush of many new blocks writes their part of the table once', async () => {
    const { files, image } = await make();
    for (let block = 0; block < 60; block++) await image.write(Buffer.alloc(512, 1), block * mib);
    files.calls.length = 0;
    await image.flush();
    expect(files.calls.map((call) => call.kind)).toEqual(['sync', 'write', 'sync']);
    files.calls.length = 0;
    await image.flush();
    expect(files.calls).toEqual([]);
  });
});

describe('trouble below', () => {
  it('a full volume fails the write by name; with room again the same image goes on', async () => {
    const { files, image } = await make();
    await image.write(Buffer.alloc(512, 1), 0);
    files.bytesLeft = 100;
    await expect(image.write(Buffer.alloc(mib, 2), mib)).rejects.toMatchObject({ failure: { code: 'DiskFull' } });
    files.bytesLeft = Number.POSITIVE_INFINITY;
    await image.write(Buffer.alloc(mib, 3), mib);
    await image.close();
    const bytes = Buffer.alloc(2 * mib);
    await (await read(files)).read(bytes, 0);
    expect([bytes[0], bytes[512], bytes[mib], bytes[2 * mib - 1]]).toEqual([1, 0, 3, 3]);
  });

  it('a volume that is too full for a flush leaves what was flushed before, to go on from', async () => {
    const { files, image } = await make();
    await image.write(Buffer.alloc(512, 1), 0);
    await image.flush();
    await image.write(Buffer.alloc(512, 2), mib);
    files.bytesLeft = 100;
    await expect(image.flush()).rejects.toMatchObject({ failure: { code: 'DiskFull' } });
    files.bytesLeft = Number.POSITIVE_INFINITY;
    await image.close();
    const again = well(await openVhdx(path, writeOptions({ files })));
    expect([...again.extents()]).toEqual([{ offsetBytes: 0, lengthBytes: mib, kind: 'data' }]);
    await again.write(Buffer.alloc(512, 2), mib);
    await again.close();
    expect([...(await read(files)).extents()]).toEqual([{ offsetBytes: 0, lengthBytes: 2 * mib, kind: 'data' }]);
  });

  it('in a differencing image a write that failed leaves what the parent shows', async () => {
    const { files, image } = await make(differencing);
    await image.write(Buffer.alloc(512, 1), 0);
    files.bytesLeft = 100;
    await expect(image.write(Buffer.alloc(mib, 2), mib)).rejects.toBeInstanceOf(DiskError);
    await expect(image.write(Buffer.alloc(512, 2), 2 * mib)).rejects.toBeInstanceOf(DiskError);
    expect([...image.extents()]).toEqual([{ offsetBytes: 0, lengthBytes: 512, kind: 'data' }]);
    files.bytesLeft = Number.POSITIVE_INFINITY;
    await image.close();
    expect([...(await read(files)).extents()]).toEqual([{ offsetBytes: 0, lengthBytes: 512, kind: 'data' }]);
  });

  it('after a flush that the disk failed nothing is promised any more', async () => {
    const { files, image } = await make();
    await image.write(Buffer.alloc(512, 1), 0);
    files.isDying = true;
    await expect(image.flush()).rejects.toMatchObject({ failure: { code: 'IoFailed' } });
    files.isDying = false;
    await expect(image.flush()).rejects.toMatchObject({ failure: { code: 'IoFailed' } });
    await expect(image.write(Buffer.alloc(512, 1), 0)).rejects.toMatchObject({ failure: { code: 'IoFailed' } });
  });
});

describe('a log', () => {
  it('is given to an image that has none when a guest shall write to it', async () => {
    const { files, image } = await make();
    await image.write(Buffer.alloc(512, 1), 0);
    await image.close();
    const header = {
      sequence: 9n,
      fileWriteId: newGuid(),
      dataWriteId: ids.content,
      logId: zeroGuid,
      logOffsetBytes: 0,
      logLengthBytes: 0,
    };
    files.patch(path, 64 * kib, encodeHeader(header));
    expect((await read(files)).fileSizeBytes).toBe(5 * mib);
    const guest = well(await openVhdx(path, writeOptions({ files, tables: 'logged' })));
    await guest.write(Buffer.alloc(512, 2), 9 * mib);
    await guest.flush();
    files.losePower(new SeededRandom(1), 0);
    const bytes = Buffer.alloc(512);
    await (await read(files)).read(bytes, 9 * mib);
    expect(bytes[0]).toBe(2);
  });
});

describe('a range that is none of this disk', () => {
  it('is a bug of the caller and thrown as one', async () => {
    const { image } = await make();
    await expect(image.read(Buffer.alloc(0), 64 * mib)).resolves.toBeUndefined();
    await expect(image.read(Buffer.alloc(512), 64 * mib)).rejects.toThrow(RangeError);
    await expect(image.read(Buffer.alloc(512), -512)).rejects.toThrow(RangeError);
    await expect(image.write(Buffer.alloc(512), 64 * mib)).rejects.toThrow(RangeError);
    await expect(image.write(Buffer.alloc(512), 100)).rejects.toThrow(RangeError);
    await expect(image.write(Buffer.alloc(100), 512)).rejects.toThrow(RangeError);
    await expect(image.writeZeros(0, 65 * mib)).rejects.toThrow(RangeError);
  });
});

it('a failure says which file, and carries the remedy of its code', async () => {
  const opened = await openVhdx('/nowhere.vhdx', { access: 'read' });
  expect(opened).toMatchObject({ ok: false, failure: { code: 'IoFailed', effect: 'none' } });
  expect(opened.ok ? '' : opened.failure.message).toContain('/nowhere.vhdx: opening failed with ENOENT');
  expect(opened.ok ? '' : opened.failure.remedy).toBe(failureOf('IoFailed', { message: '' }).remedy);
});
