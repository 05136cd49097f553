import type { ImageShape } from '../image';
import { openImage } from '../open-image';
import { codeOf, ids, nowMs, shapeOf, well, writeOptions } from '../testing/disks';
import { MemoryFiles } from '../testing/memory-files';
import { SeededRandom } from '../testing/random';
import { soak } from '../testing/soak';
import { DiskError } from '../failures';
import { kib, mib } from '../vhdx/numbers';
import { createVhdx } from '../vhdx';
import { seal } from './checksum';
import { createVhd, openVhd } from '.';

const path = '/a.vhd';
const footerChecksumAt = 64;
const headerChecksumAt = 36;
const tableAt = 1536;
const parent = { dataWriteId: ids.disk, relativePath: 'base.vhd', absolutePath: 'C:\\base.vhd' };

async function madeDisk(change: Partial<ImageShape> = {}): Promise<MemoryFiles> {
  const files = new MemoryFiles();
  const shape = shapeOf({
    virtualDiskId: ids.content,
    physicalSectorSizeBytes: 512,
    virtualSizeBytes: 8 * mib,
    ...change,
  });
  const image = well(await createVhd(path, shape, { ...writeOptions({ files }), nowMs }));
  await image.write(Buffer.alloc(4096, 7), 0);
  await image.write(Buffer.alloc(4096, 8), 5 * mib);
  await image.close();
  return files;
}

type Change = (files: MemoryFiles) => void;
const endOf = (files: MemoryFiles) => files.bytesOf(path).length - 512;

/** Changes a structure that carries a checksum, and makes the checksum right again. */
function reseal(files: MemoryFiles, place: number, change: (bytes: Buffer) => void): void {
  const isHeader = place === 512;
  const bytes = files.bytesOf(path, place, isHeader ? 1024 : 512);
  change(bytes);
  files.patch(path, place, seal(bytes, isHeader ? headerChecksumAt : footerChecksumAt));
}
const inFooters =
  (change: (bytes: Buffer) => void): Change =>
  (files) => {
    reseal(files, endOf(files), change);
    reseal(files, 0, change);
  };
const inHeader =
  (change: (bytes: Buffer) => void): Change =>
  (files) =>
    reseal(files, 512, change);
const entry =
  (block: number, sector: number): Change =>
  (files) => {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(sector >>> 0);
    files.patch(path, tableAt + 4 * block, bytes);
  };
const torn =
  (...places: ('end' | 'start')[]): Change =>
  (files) =>
    places.forEach((place) => files.patch(path, (place === 'end' ? endOf(files) : 0) + 100, Buffer.from([1, 2, 3])));

const child: Partial<ImageShape> = { kind: 'differencing', parent };
const fixed: Partial<ImageShape> = { kind: 'fixed' };

const damages: [what: string, code: string, damage: Change, shape?: Partial<ImageShape>][] = [
  ['an empty file', 'DiskNotVhdx', (files) => files.truncate(path, 0)],
  ['a file that is no VHD', 'DiskNotVhdx', (files) => files.put(path, Buffer.alloc(mib, 1))],
  ['both footers torn', 'DiskDamaged', torn('end', 'start')],
  ['the only footer of a fixed disk torn', 'DiskDamaged', torn('end'), fixed],
  ['a fixed disk cut off', 'DiskNotVhdx', (files) => files.truncate(path, 4 * mib), fixed],
  [
    'a fixed disk larger than its file',
    'DiskTruncated',
    (files) => reseal(files, endOf(files), (bytes) => bytes.writeUInt32BE(9 * mib, 52)),
    fixed,
  ],
  ['another version', 'DiskDamaged', inFooters((bytes) => bytes.writeUInt32BE(0x00020000, 12))],
  ['another type', 'DiskDamaged', inFooters((bytes) => bytes.writeUInt32BE(6, 60))],
  ['a disk of no length', 'DiskDamaged', inFooters((bytes) => bytes.fill(0, 48, 56))],
  ['a disk of broken sectors', 'DiskDamaged', inFooters((bytes) => bytes.writeUInt32BE(1000, 52))],
  ['a disk above 2040 GiB', 'DiskDamaged', inFooters((bytes) => bytes.writeUInt32BE(600, 48))],
  ['a disk of 2^64 bytes', 'DiskDamaged', inFooters((bytes) => bytes.fill(0xff, 48, 56))],
  ['a header behind the end', 'DiskTruncated', inFooters((bytes) => bytes.writeUInt32BE(9, 16))],
  ['a header at an odd place', 'DiskDamaged', inFooters((bytes) => bytes.writeUInt32BE(700, 20))],
  ['a header over the footer', 'DiskDamaged', inFooters((bytes) => bytes.writeUInt32BE(0, 20))],
  ['a torn header', 'DiskDamaged', (files) => files.patch(path, 512 + 70, Buffer.from([1]))],
  ['a header without its signature', 'DiskDamaged', inHeader((bytes) => bytes.write('cxsparsE', 0, 'latin1'))],
  ['a header of another version', 'DiskDamaged', inHeader((bytes) => bytes.writeUInt32BE(2, 24))],
  ['blocks of no length', 'DiskDamaged', inHeader((bytes) => bytes.writeUInt32BE(0, 32))],
  ['blocks of 2 GiB', 'DiskDamaged', inHeader((bytes) => bytes.writeUInt32BE(2 ** 31, 32))],
  ['a table for too few blocks', 'DiskDamaged', inHeader((bytes) => bytes.writeUInt32BE(7, 28))],
  ['a table at an odd place', 'DiskDamaged', inHeader((bytes) => bytes.writeUInt32BE(1537, 20))],
  ['a table over the header', 'DiskDamaged', inHeader((bytes) => bytes.writeUInt32BE(1024, 20))],
  ['a table behind the end', 'DiskTruncated', inHeader((bytes) => bytes.writeUInt32BE(9, 16))],
  ['a parent locator behind the end', 'DiskTruncated', inHeader((bytes) => bytes.writeUInt32BE(9, 576 + 16)), child],
  ['a parent locator over the table', 'DiskDamaged', inHeader((bytes) => bytes.writeUInt32BE(1536, 576 + 20)), child],
  ['a parent locator of 4 GiB', 'DiskDamaged', inHeader((bytes) => bytes.writeUInt32BE(0xffffffff, 576 + 8)), child],
  [
    'a parent locator with half a character',
    'DiskDamaged',
    inHeader((bytes) => bytes.writeUInt32BE(3, 576 + 8)),
    child,
  ],
  ['two parent locators of one kind', 'DiskDamaged', inHeader((bytes) => bytes.write('W2ru', 600, 'latin1')), child],
  ['a block in the footer', 'DiskDamaged', entry(0, 0)],
  ['a block over the table', 'DiskDamaged', entry(0, 3)],
  ['a block behind the end', 'DiskTruncated', entry(0, 0x10000)],
  [
    'two blocks in one place',
    'DiskDamaged',
    (files) => entry(0, files.bytesOf(path, tableAt + 20, 4).readUInt32BE(0))(files),
  ],
  ['an end inside a block', 'DiskTruncated', (files) => files.truncate(path, mib + 300 * kib)],
];

describe('a damaged VHD is refused by name', () => {
  const rows = damages.map(([what, code, damage, shape = {}]) => ({ what, code, damage, shape }));
  it.each(rows)('$what: $code', async ({ code, damage, shape }) => {
    const files = await madeDisk(shape);
    well(await openVhd(path, { access: 'read', files }));
    damage(files);
    const before = files.bytesOf(path);
    const opened = await openVhd(path, { access: 'read', files });
    expect(codeOf(opened)).toBe(code);
    expect(opened.ok ? '' : opened.failure.message).toContain(path);
    expect(codeOf(await openVhd(path, writeOptions({ files })))).toBe(code);
    expect(files.bytesOf(path).equals(before)).toBe(true);
  });
});

describe('what has a second copy survives', () => {
  it.each([
    ['the footer at the end', torn('end')],
    ['the end of the file', (files) => files.truncate(path, endOf(files))],
    ['the copy of the footer', torn('start')],
  ])('the image opens without %s, and opening it for writing mends it', async (_what, damage) => {
    const files = await madeDisk();
    const was = files.bytesOf(path);
    damage(files);
    const bytes = Buffer.alloc(4096);
    await well(await openVhd(path, { access: 'read', files })).read(bytes, 5 * mib);
    expect(bytes.equals(Buffer.alloc(4096, 8))).toBe(true);
    await well(await openVhd(path, writeOptions({ files }))).close();
    expect(files.bytesOf(path, 0, 512).equals(was.subarray(0, 512))).toBe(true);
    expect(files.bytesOf(path).subarray(-512).equals(was.subarray(0, 512))).toBe(true);
  });
});

describe('the name of a file decides what it is', () => {
  it('a guest cannot make its fixed VHD a VHDX by what it writes to its first sector', async () => {
    const files = await madeDisk(fixed);
    files.patch(path, 0, Buffer.from('vhdxfile'));
    expect(well(await openImage(path, { access: 'read', files })).shape.kind).toBe('fixed');
    files.put('/nameless', files.bytesOf(path));
    const opened = await openImage('/nameless', { access: 'read', files });
    expect(codeOf(opened)).toBe('DiskNotVhdx');
    expect(opened.ok ? '' : opened.failure.remedy).toContain('.vhd');
  });

  it('without an extension that says it, the content does', async () => {
    const files = await madeDisk();
    files.put('/nameless', files.bytesOf(path));
    expect(well(await openImage('/nameless', { access: 'read', files })).shape.virtualSizeBytes).toBe(8 * mib);
    await well(await createVhdx('/other', shapeOf(), writeOptions({ files }))).close();
    expect(well(await openImage('/other', { access: 'read', files })).shape.blockSizeBytes).toBe(mib);
    files.put('/text', Buffer.from('no disk'));
    expect(codeOf(await openImage('/text', { access: 'read', files }))).toBe('DiskNotVhdx');
  });
});

describe('random damage', () => {
  it('ends in an image or a named failure, whatever is changed in the tables', async () => {
    const random = new SeededRandom(43);
    const outcomes = new Set<string>();
    const original = [await madeDisk(), await madeDisk(child), await madeDisk(fixed)];
    for (let round = 0; round < 400 * soak; round++) {
      const files = random.pick(original).copy();
      const places = [0, 48, 512, 512 + 576, tableAt, endOf(files), endOf(files) + 48];
      for (let change = 0; change <= random.below(3); change++) {
        const place = random.pick(places) + random.below(random.pick([8, 64, 300]));
        const length = Math.min(1 + random.below(8), endOf(files) + 512 - place);
        if (length <= 0) continue;
        files.patch(path, place, Buffer.from(Array.from({ length }, () => random.pick([0, 1, 2, 6, 0x80, 0xff]))));
      }
      if (random.next() < 0.8) for (const place of [0, 512, endOf(files)]) reseal(files, place, () => undefined);
      const opened =
        random.next() < 0.5
          ? await openVhd(path, { access: 'read', files })
          : await openVhd(path, writeOptions({ files }));
      outcomes.add(codeOf(opened));
      if (!opened.ok) continue;
      const piece = Buffer.alloc(64 * kib);
      for (const extent of opened.value.extents())
        await opened.value
          .read(piece.subarray(0, Math.min(piece.length, extent.lengthBytes)), extent.offsetBytes)
          .catch((thrown: unknown) => expect(thrown).toBeInstanceOf(DiskError));
    }
    expect([...outcomes].sort()).toEqual(['DiskDamaged', 'DiskNotVhdx', 'DiskTruncated', 'no failure']);
  });
});
