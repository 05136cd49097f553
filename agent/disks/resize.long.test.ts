import type { ImageShape } from './image';
import { createImage, openImage, resizeImage, type ImageFormat } from './open-image';
import { codeOf, ids, newGuid, nowMs, shapeOf, well, writeOptions } from './testing/disks';
import { MemoryFiles, PowerLoss } from './testing/memory-files';
import { NaiveVhd } from './testing/naive-vhd';
import { NaiveVhdx } from './testing/naive-vhdx';
import { SeededRandom } from './testing/random';
import { gib, kib, mib, tib } from './vhdx/numbers';

const pathOf = (format: ImageFormat) => `/a.${format}`;

async function made(format: ImageFormat, change: Partial<ImageShape>): Promise<MemoryFiles> {
  const files = new MemoryFiles();
  const shape = shapeOf({ virtualDiskId: ids.content, ...change });
  const image = well(await createImage(format, pathOf(format), shape, { ...writeOptions({ files }), nowMs }));
  await image.write(Buffer.alloc(4096, 7), 0);
  await image.write(Buffer.alloc(512, 8), shape.virtualSizeBytes - 512);
  await image.close();
  return files;
}

/** Everything below the old end is as it was, everything above reads zero, by our reader and by one that shares no code with it. */
async function expectGrown(format: ImageFormat, files: MemoryFiles, before: number, after: number): Promise<void> {
  const path = pathOf(format);
  const image = well(await openImage(path, { access: 'read', files }));
  expect(image.shape.virtualSizeBytes).toBe(after);
  expect(image.shape.dataWriteId).not.toBe(ids.content);
  const wanted = Buffer.alloc(2 * mib);
  wanted.fill(8, mib - 512, mib);
  const shown = Buffer.alloc(2 * mib);
  await image.read(shown, before - mib);
  expect(shown.equals(wanted.subarray(0, shown.length))).toBe(true);
  for (const extent of image.extents(before + mib)) {
    const piece = Buffer.alloc(extent.lengthBytes);
    await image.read(piece, extent.offsetBytes);
    expect(piece.equals(Buffer.alloc(piece.length))).toBe(true);
  }
  if (after < gib) {
    const naive = format === 'vhd' ? new NaiveVhd(files.bytesOf(path)) : new NaiveVhdx(files.bytesOf(path));
    expect(naive.virtualSize).toBe(after);
    expect(naive.sector(after / 512 - 1)).toEqual(Buffer.alloc(512));
    expect(naive.sector(before / 512 - 1)).toEqual(Buffer.alloc(512, 8));
  }
  await image.close();
}

const cases: [format: ImageFormat, change: Partial<ImageShape>, afterBytes: number][] = [
  ['vhd', { virtualSizeBytes: 5 * mib + 512, blockSizeBytes: 512 * kib }, 9 * mib],
  ['vhd', { virtualSizeBytes: 5 * mib, blockSizeBytes: 2 * mib }, 700 * mib],
  ['vhd', { kind: 'fixed', virtualSizeBytes: 5 * mib }, 9 * mib + 512],
  ['vhdx', { virtualSizeBytes: 5 * mib + 512 }, 9 * mib],
  ['vhdx', { kind: 'fixed', virtualSizeBytes: 5 * mib + 512 }, 9 * mib],
  ['vhdx', { virtualSizeBytes: 5 * mib }, 200 * gib],
];

describe.each(cases)('%s %j to %i bytes', (format, change, afterBytes) => {
  const beforeBytes = change.virtualSizeBytes ?? 0;
  const resize = (files: MemoryFiles) => resizeImage(pathOf(format), afterBytes, { newGuid, files });

  it('what is added reads zero, and can be written', async () => {
    const files = await made(format, change);
    well(await resize(files));
    await expectGrown(format, files, beforeBytes, afterBytes);
    const image = well(await openImage(pathOf(format), writeOptions({ files })));
    await image.write(Buffer.alloc(512, 9), afterBytes - 512);
    await image.close();
    const last = Buffer.alloc(512);
    await well(await openImage(pathOf(format), { access: 'read', files })).read(last, afterBytes - 512);
    expect(last.equals(Buffer.alloc(512, 9))).toBe(true);
  });

  it('interrupted by a power loss at any moment it has the old size or the new one, and a repeat ends well', async () => {
    const prepared = await made(format, change);
    const random = new SeededRandom(4);
    for (let loss = 1; ; loss++) {
      const files = prepared.copy();
      files.powerLossAt = loss;
      const ended = await resize(files).catch((thrown: unknown) => thrown);
      if (!(ended instanceof PowerLoss)) break;
      files.losePower(random, random.pick([0, 0.5, 1]));
      const image = well(await openImage(pathOf(format), { access: 'read', files }));
      expect([beforeBytes, afterBytes]).toContain(image.shape.virtualSizeBytes);
      well(await resize(files));
      await expectGrown(format, files, beforeBytes, afterBytes);
    }
  });
});

describe('a resize is refused, and nothing is written,', () => {
  it.each([
    ['to fewer bytes', 'vhd', {}, 4 * mib],
    ['to fewer bytes', 'vhdx', {}, 4 * mib],
    ['to half a sector', 'vhdx', {}, 80 * mib + 100],
    ['above 2040 GiB of a VHD', 'vhd', {}, 2041 * gib],
    ['above 64 TiB', 'vhdx', {}, 65 * tib],
    [
      'of a differencing disk',
      'vhd',
      { kind: 'differencing', parent: { dataWriteId: ids.disk, relativePath: 'p' } },
      gib,
    ],
    [
      'of a differencing disk',
      'vhdx',
      { kind: 'differencing', parent: { dataWriteId: ids.disk, relativePath: 'p' } },
      gib,
    ],
  ] as [string, ImageFormat, Partial<ImageShape>, number][])('%s (%s)', async (_what, format, change, size) => {
    const files = await made(format, change);
    const before = files.bytesOf(pathOf(format));
    expect(codeOf(await resizeImage(pathOf(format), size, { newGuid, files }))).toBe('RequestInvalid');
    expect(files.bytesOf(pathOf(format)).equals(before)).toBe(true);
  });
});
