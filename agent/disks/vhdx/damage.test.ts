import { DiskError } from '../failures';
import type { ImageShape, ReadableImage } from '../image';
import { codeOf, ids, newGuid, shapeOf, well, writeOptions } from '../testing/disks';
import { MemoryFiles } from '../testing/memory-files';
import { SeededRandom } from '../testing/random';
import { soak } from '../testing/soak';
import { createVhdx, openVhdx } from '.';
import { sealStructure } from './crc32c';
import { writeGuid } from './guid';
import { kib, mib, tib } from './numbers';

const path = '/a.vhdx';
/** Where `createVhdx` puts things; the tests below change them there. */
const at = {
  headers: [64 * kib, 128 * kib],
  regionTables: [192 * kib, 256 * kib],
  log: mib,
  metadata: 2 * mib,
  metadataItems: 2 * mib + 64 * kib,
  bat: 3 * mib,
  firstBlock: 4 * mib,
} as const;

async function madeDisk(change: Partial<ImageShape> = {}): Promise<MemoryFiles> {
  const files = new MemoryFiles();
  const image = well(await createVhdx(path, shapeOf(change), writeOptions({ files, tables: 'logged' })));
  await image.write(Buffer.alloc(4096, 7), 0);
  await image.write(Buffer.alloc(4096, 8), 5 * mib);
  await image.close();
  return files;
}

const child: Partial<ImageShape> = {
  kind: 'differencing',
  parent: { dataWriteId: ids.content, relativePath: 'base.vhdx' },
};

/** Changes a structure that carries a checksum, and makes the checksum right again. */
function reseal(files: MemoryFiles, places: readonly number[], length: number, change: (bytes: Buffer) => void): void {
  for (const place of places) {
    const bytes = files.bytesOf(path, place, length);
    change(bytes);
    sealStructure(bytes);
    files.patch(path, place, bytes);
  }
}

const inHeaders = (change: (bytes: Buffer) => void) => (files: MemoryFiles) =>
  reseal(files, at.headers, 4 * kib, change);
const inRegions = (change: (bytes: Buffer) => void) => (files: MemoryFiles) =>
  reseal(files, at.regionTables, 64 * kib, change);
const overwrite = (place: number, bytes: Uint8Array) => (files: MemoryFiles) => files.patch(path, place, bytes);
const u32 = (...values: number[]) => Buffer.from(new Uint32Array(values).buffer);
const entry = (state: number, offsetMib: number) => u32((offsetMib << 20) | state, offsetMib >>> 12);
/** The nth entry of the metadata table: file parameters, virtual size, logical and physical sector, disk id, parent locator. */
const inMetadataEntry = (nth: number, field: number, value: number) =>
  overwrite(at.metadata + 32 + nth * 32 + field, u32(value));
const locator = at.metadataItems + 8 + 8 + 4 + 4 + 16;

type Damage = readonly [what: string, code: string, damage: (files: MemoryFiles) => void, shape?: Partial<ImageShape>];

const damages: Damage[] = [
  ['an empty file', 'DiskNotVhdx', (files) => files.truncate(path, 0)],
  ['other bytes at the start', 'DiskNotVhdx', overwrite(0, Buffer.from('QFI\xfb'))],
  ['a VHD of the older format', 'DiskNotVhdx', overwrite(0, Buffer.from('conectix'))],
  ['nothing after the signature', 'DiskTruncated', (files) => files.truncate(path, 4 * kib)],
  ['an end inside the log', 'DiskTruncated', (files) => files.truncate(path, at.log + 4 * kib)],
  ['an end inside the metadata', 'DiskTruncated', (files) => files.truncate(path, at.metadata + 4 * kib)],
  ['an end inside the table', 'DiskTruncated', (files) => files.truncate(path, at.bat + 4 * kib)],
  ['an end inside a block', 'DiskTruncated', (files) => files.truncate(path, at.firstBlock + mib + 4 * kib)],
  ['both headers torn', 'DiskDamaged', (files) => at.headers.forEach((place) => files.patch(path, place + 9, u32(99)))],
  [
    'two different headers of one age',
    'DiskDamaged',
    (files) => {
      inHeaders((bytes) => bytes.writeBigUInt64LE(9n, 8))(files);
      reseal(files, [at.headers[0]], 4 * kib, (bytes) => bytes.writeUInt8(1, 20));
    },
  ],
  [
    'a number of its headers after which none is left',
    'DiskDamaged',
    inHeaders((b) => b.writeBigUInt64LE(2n ** 64n - 1n, 8)),
  ],
  ['a newer version', 'DiskNotVhdx', inHeaders((bytes) => bytes.writeUInt16LE(2, 66))],
  ['a log with an odd length', 'DiskDamaged', inHeaders((bytes) => bytes.writeUInt32LE(mib + 512, 68))],
  ['a log of nearly 4 GiB', 'DiskDamaged', inHeaders((bytes) => bytes.writeUInt32LE(4095 * mib, 68))],
  ['a log behind the end', 'DiskTruncated', inHeaders((bytes) => bytes.writeBigUInt64LE(2n ** 50n, 72))],
  [
    'a log at a place beyond all numbers',
    'DiskTruncated',
    inHeaders((bytes) => bytes.writeBigUInt64LE(2n ** 64n - 2n ** 20n, 72)),
  ],
  ['a log over the metadata', 'DiskDamaged', inHeaders((bytes) => bytes.writeBigUInt64LE(BigInt(2 * mib), 72))],
  ['a log in use that is empty', 'DiskDamaged', inHeaders((bytes) => writeGuid(bytes, 48, newGuid()))],
  [
    'a log in use of no length',
    'DiskDamaged',
    inHeaders((bytes) => {
      writeGuid(bytes, 48, newGuid());
      bytes.writeUInt32LE(0, 68);
    }),
  ],
  [
    'a log of another version in use',
    'DiskNotVhdx',
    inHeaders((bytes) => {
      writeGuid(bytes, 48, newGuid());
      bytes.writeUInt16LE(1, 64);
    }),
  ],
  [
    'both region tables torn',
    'DiskDamaged',
    (files) => at.regionTables.forEach((place) => files.patch(path, place + 40, u32(1))),
  ],
  ['too many regions', 'DiskDamaged', inRegions((bytes) => bytes.writeUInt32LE(2 ** 31, 8))],
  ['no regions', 'DiskDamaged', inRegions((bytes) => bytes.writeUInt32LE(0, 8))],
  ['an unknown region that is required', 'DiskNotVhdx', inRegions((bytes) => writeGuid(bytes, 16, newGuid()))],
  ['the same region twice', 'DiskDamaged', inRegions((bytes) => bytes.copy(bytes, 48, 16, 32))],
  ['two regions in one place', 'DiskDamaged', inRegions((bytes) => bytes.writeUInt32LE(2 * mib, 32))],
  ['a region in the header', 'DiskDamaged', inRegions((bytes) => bytes.writeUInt32LE(0, 32))],
  ['a region at an odd place', 'DiskDamaged', inRegions((bytes) => bytes.writeUInt32LE(3 * mib + 512, 32))],
  ['a region behind the end', 'DiskTruncated', inRegions((bytes) => bytes.writeUInt32LE(2 ** 20, 36))],
  ['an empty metadata region', 'DiskDamaged', inRegions((bytes) => bytes.writeUInt32LE(0, 48 + 24))],
  ['a metadata region without its signature', 'DiskDamaged', overwrite(at.metadata, Buffer.from('metadatA'))],
  ['too many metadata items', 'DiskDamaged', overwrite(at.metadata + 10, Buffer.from([0xff, 0xff]))],
  ['a metadata item outside', 'DiskDamaged', inMetadataEntry(0, 16, mib)],
  ['a metadata item of 4 GiB', 'DiskDamaged', inMetadataEntry(0, 20, 0xffffffff)],
  ['a metadata item inside the table of items', 'DiskDamaged', inMetadataEntry(0, 16, 512)],
  ['two metadata items in one place', 'DiskDamaged', inMetadataEntry(1, 16, 64 * kib)],
  ['an unknown metadata item that is required', 'DiskNotVhdx', inMetadataEntry(0, 0, 1)],
  [
    'a metadata item twice',
    'DiskDamaged',
    (files) => files.patch(path, at.metadata + 64, files.bytesOf(path, at.metadata + 32, 16)),
  ],
  ['a metadata item too short', 'DiskDamaged', inMetadataEntry(1, 20, 4)],
  ['a metadata item missing', 'DiskDamaged', overwrite(at.metadata + 10, Buffer.from([4, 0]))],
  [
    'a mark of a file never finished',
    'DiskDamaged',
    (files) => {
      const id = Buffer.alloc(16);
      writeGuid(id, 0, '71cc85f0-1b69-4e28-9558-c3bf83ae75d3');
      files.patch(path, at.metadata + 32 + 5 * 32, id);
      files.patch(path, at.metadata + 10, Buffer.from([6, 0]));
    },
  ],
  ['blocks of 3 MiB', 'DiskDamaged', overwrite(at.metadataItems, u32(3 * mib))],
  ['blocks of 512 bytes', 'DiskDamaged', overwrite(at.metadataItems, u32(512))],
  ['blocks of no length', 'DiskDamaged', overwrite(at.metadataItems, u32(0))],
  ['blocks of 2 GiB', 'DiskDamaged', overwrite(at.metadataItems, u32(2 ** 31))],
  ['a disk of no length', 'DiskDamaged', overwrite(at.metadataItems + 8, u32(0, 0))],
  ['a disk of broken sectors', 'DiskDamaged', overwrite(at.metadataItems + 8, u32(mib + 100, 0))],
  ['a disk above 64 TiB', 'DiskDamaged', overwrite(at.metadataItems + 8, u32(512, 2 ** 14))],
  ['a disk of 2^64 bytes', 'DiskDamaged', overwrite(at.metadataItems + 8, u32(0xfffffe00, 0xffffffff))],
  ['a disk larger than its table', 'DiskDamaged', overwrite(at.metadataItems + 8, u32(0, 2 ** 13))],
  ['sectors of 1000 bytes', 'DiskDamaged', overwrite(at.metadataItems + 16, u32(1000))],
  ['a parent that nothing names', 'DiskDamaged', overwrite(at.metadataItems + 4, u32(2))],
  ['a parent locator of another type', 'DiskDamaged', overwrite(locator, Buffer.alloc(16)), child],
  ['a parent locator without entries', 'DiskDamaged', overwrite(locator + 18, Buffer.from([0, 0])), child],
  ['a parent locator with too many entries', 'DiskDamaged', overwrite(locator + 18, Buffer.from([0xff, 0xff])), child],
  ['a parent locator with a text outside', 'DiskDamaged', overwrite(locator + 20, u32(0xfffffffe)), child],
  ['a parent locator with half a character', 'DiskDamaged', overwrite(locator + 20 + 8, Buffer.from([3, 0])), child],
  ['a parent locator without an id', 'DiskDamaged', overwrite(locator + 20 + 8, Buffer.from([2, 0])), child],
  ['a block in state 4', 'DiskDamaged', overwrite(at.bat + 8, entry(4, 9))],
  ['a block in state 5', 'DiskDamaged', overwrite(at.bat + 8, entry(5, 9))],
  ['a partially present block without a parent', 'DiskDamaged', overwrite(at.bat + 8, entry(7, 4))],
  ['a partially present block without a bitmap', 'DiskDamaged', overwrite(at.bat + 4096 * 8, entry(0, 0)), child],
  ['a sector bitmap in another state', 'DiskDamaged', overwrite(at.bat + 4096 * 8, entry(7, 4)), child],
  ['a block in the header', 'DiskDamaged', overwrite(at.bat + 8, entry(6, 0))],
  ['a block behind the end', 'DiskTruncated', overwrite(at.bat + 8, entry(6, 6))],
  ['a block at 2^63', 'DiskTruncated', overwrite(at.bat + 8, u32(6, 2 ** 31))],
  ['two blocks in one place', 'DiskDamaged', overwrite(at.bat + 8, entry(6, 4))],
  ['a block over the log', 'DiskDamaged', overwrite(at.bat + 8, entry(6, 1))],
  ['a block over the table', 'DiskDamaged', overwrite(at.bat + 8, entry(6, 3))],
];

describe('a damaged VHDX is refused by name', () => {
  const rows = damages.map(([what, code, damage, shape = {}]) => ({ what, code, damage, shape }));
  it.each(rows)('$what: $code', async ({ code, damage, shape }) => {
    const files = await madeDisk(shape);
    well(await openVhdx(path, { access: 'read', files }));
    damage(files);
    const before = files.bytesOf(path);
    const opened = await openVhdx(path, { access: 'read', files });
    expect(codeOf(opened)).toBe(code);
    expect(opened.ok ? '' : opened.failure.message).toContain(path);
    expect(codeOf(await openVhdx(path, writeOptions({ files })))).toBe(code);
    expect(files.bytesOf(path).equals(before)).toBe(true);
  });
});

describe('what has a second copy survives', () => {
  it.each([
    ['the first header', (files: MemoryFiles) => files.patch(path, at.headers[0], Buffer.alloc(4096, 0xaa))],
    ['the second header', (files: MemoryFiles) => files.patch(path, at.headers[1], Buffer.alloc(4096, 0xaa))],
    ['the first region table', (files: MemoryFiles) => files.patch(path, at.regionTables[0], Buffer.alloc(512, 0xaa))],
    ['the second region table', (files: MemoryFiles) => files.patch(path, at.regionTables[1], Buffer.alloc(512, 0xaa))],
    [
      'an unknown region that is not required',
      inRegions((bytes) => {
        bytes.writeUInt32LE(3, 8);
        writeGuid(bytes, 80, newGuid());
        bytes.writeUInt32LE(6 * mib, 96);
      }),
    ],
  ])('the image opens without %s', async (_what, damage) => {
    const files = await madeDisk();
    damage(files);
    const image = well(await openVhdx(path, { access: 'read', files }));
    const bytes = Buffer.alloc(4096);
    await image.read(bytes, 5 * mib);
    expect(bytes.equals(Buffer.alloc(4096, 8))).toBe(true);
  });
});

describe('random damage', () => {
  it('ends in an image or a named failure, whatever is changed in the tables', async () => {
    const random = new SeededRandom(42);
    const areas = [
      0,
      ...at.headers,
      ...at.regionTables,
      at.log,
      at.metadata,
      at.metadataItems,
      at.bat,
      at.bat + 4096 * 8,
    ];
    const outcomes = new Set<string>();
    const original = [await madeDisk(), await madeDisk(child)];
    for (let round = 0; round < 300 * soak; round++) {
      const files = random.pick(original).copy();
      for (let change = 0; change <= random.below(3); change++) {
        const place = random.pick(areas) + random.below(random.pick([16, 128, 600]));
        const bytes = Buffer.from(
          Array.from({ length: 1 + random.below(8) }, () => random.pick([0, 1, 6, 7, 0x80, 0xff])),
        );
        files.patch(path, place, bytes);
      }
      if (random.next() < 0.7) for (const place of at.headers) reseal(files, [place], 4 * kib, () => undefined);
      if (random.next() < 0.7) for (const place of at.regionTables) reseal(files, [place], 64 * kib, () => undefined);
      const opened =
        random.next() < 0.5
          ? await openVhdx(path, { access: 'read', files })
          : await openVhdx(path, writeOptions({ files }));
      outcomes.add(codeOf(opened));
      if (opened.ok) await readAll(opened.value).catch(expectDiskError);
    }
    expect([...outcomes].sort()).toEqual(['DiskDamaged', 'DiskNotVhdx', 'DiskTruncated', 'no failure']);
  });
});

async function readAll(image: ReadableImage): Promise<void> {
  const piece = Buffer.alloc(64 * kib);
  for (const extent of image.extents())
    await image.read(piece.subarray(0, Math.min(piece.length, extent.lengthBytes)), extent.offsetBytes);
}

function expectDiskError(thrown: unknown): void {
  expect(thrown).toBeInstanceOf(DiskError);
}

describe('an image larger than its file', () => {
  it('costs no memory by what it claims: 64 TiB in blocks of 1 MiB', async () => {
    const files = new MemoryFiles();
    await well(await createVhdx(path, shapeOf({ virtualSizeBytes: 64 * tib }), writeOptions({ files }))).close();
    const before = process.memoryUsage();
    const image = well(await openVhdx(path, { access: 'read', files }));
    expect([...image.extents(0, 5 * tib)]).toEqual([]);
    const after = process.memoryUsage();
    expect(after.arrayBuffers + after.external - before.arrayBuffers - before.external).toBeLessThan(100 * mib);
    await image.close();
  });
});
