import { codeOf, newGuid, shapeOf, well, writeOptions } from '../testing/disks';
import { MemoryFiles } from '../testing/memory-files';
import { NaiveVhdx } from '../testing/naive-vhdx';
import { SeededRandom } from '../testing/random';
import { createVhdx, openVhdx } from '.';
import { sealStructure } from './crc32c';
import { writeGuid } from './guid';
import { encodeLogEntry } from './log-entry';
import { kib, mib } from './numbers';

const path = '/a.vhdx';
const at = { headers: [64 * kib, 128 * kib], log: mib, bat: 3 * mib, firstBlock: 4 * mib } as const;
const logLength = mib;
const sector = 4 * kib;

type Entry = Parameters<typeof encodeLogEntry>[0];

/** A disk whose header says that its log is in use under an id, with these bytes in the log. */
class DirtyDisk {
  readonly files: MemoryFiles;
  readonly logId = newGuid();

  private constructor(files: MemoryFiles) {
    this.files = files;
  }

  static async make(): Promise<DirtyDisk> {
    const files = new MemoryFiles();
    const image = well(await createVhdx(path, shapeOf(), writeOptions({ files })));
    for (const block of [0, 1, 2]) await image.write(Buffer.alloc(sector, block + 1), block * mib);
    await image.close();
    const made = new DirtyDisk(files);
    for (const place of at.headers) {
      const header = files.bytesOf(path, place, sector);
      writeGuid(header, 48, made.logId);
      sealStructure(header);
      files.patch(path, place, header);
    }
    return made;
  }

  entry(change: Partial<Entry>): Buffer {
    const fileBytes = { flushed: 7 * mib, last: 7 * mib };
    return encodeLogEntry({ logId: this.logId, sequence: 1n, tailBytes: 0, fileBytes, sectors: [], ...change });
  }

  /** Puts an entry into the ring. */
  put(entry: Buffer, place: number): void {
    const untilEnd = Math.min(entry.length, logLength - place);
    this.files.patch(path, at.log + place, entry.subarray(0, untilEnd));
    if (untilEnd < entry.length) this.files.patch(path, at.log, entry.subarray(untilEnd));
  }

  /** The first bytes of a block as a reader sees them; what the naive reader sees is the same. */
  async shows(block: number): Promise<number> {
    const image = well(await openVhdx(path, { access: 'read', files: this.files }));
    const bytes = Buffer.alloc(512);
    await image.read(bytes, block * mib);
    const naive = new NaiveVhdx(this.files.bytesOf(path)).sector((block * mib) / 512);
    expect(naive).toEqual(bytes);
    return bytes[0] ?? -1;
  }

  async code(): Promise<string> {
    return codeOf(await openVhdx(path, { access: 'read', files: this.files }));
  }
}

/** A change of the first bytes of a block, as an entry may carry it although only tables ever do. */
const dataSector = (block: number, value: number) => ({
  offsetBytes: at.firstBlock + block * mib,
  bytes: Buffer.alloc(sector, value),
});

/** Turns the first descriptor of an entry into one of zeros. */
function zeroing(entry: Buffer, offsetBytes: number, lengthBytes: number): Buffer {
  const zeroed = Buffer.from(entry.subarray(0, sector));
  zeroed.writeUInt32LE(sector, 8);
  zeroed.write('zero', 64, 'latin1');
  zeroed.writeUInt32LE(0, 68);
  zeroed.writeBigUInt64LE(BigInt(lengthBytes), 72);
  zeroed.writeBigUInt64LE(BigInt(offsetBytes), 80);
  sealStructure(zeroed);
  return zeroed;
}

describe('which entries are replayed', () => {
  it('those from the tail of the newest entry on, in order, later ones over earlier ones', async () => {
    const disk = await DirtyDisk.make();
    disk.put(disk.entry({ sequence: 5n, sectors: [dataSector(0, 50), dataSector(1, 51)] }), 0);
    disk.put(disk.entry({ sequence: 6n, tailBytes: 0, sectors: [dataSector(0, 60)] }), 3 * sector);
    expect([await disk.shows(0), await disk.shows(1), await disk.shows(2)]).toEqual([60, 51, 3]);
  });

  it('not those before the tail, which are in place already', async () => {
    const disk = await DirtyDisk.make();
    disk.put(disk.entry({ sequence: 5n, sectors: [dataSector(0, 50), dataSector(1, 51)] }), 0);
    disk.put(disk.entry({ sequence: 6n, tailBytes: 3 * sector, sectors: [dataSector(0, 60)] }), 3 * sector);
    expect([await disk.shows(0), await disk.shows(1)]).toEqual([60, 2]);
  });

  it('a run that goes around the end of the ring', async () => {
    const disk = await DirtyDisk.make();
    const tail = logLength - 2 * sector;
    disk.put(disk.entry({ sequence: 5n, tailBytes: tail, sectors: [dataSector(0, 50), dataSector(1, 51)] }), tail);
    disk.put(disk.entry({ sequence: 6n, tailBytes: tail, sectors: [dataSector(2, 62)] }), sector);
    expect([await disk.shows(0), await disk.shows(1), await disk.shows(2)]).toEqual([50, 51, 62]);
  });

  it('the newest of several runs', async () => {
    const disk = await DirtyDisk.make();
    disk.put(disk.entry({ sequence: 90n, tailBytes: 0, sectors: [dataSector(0, 90)] }), 0);
    disk.put(disk.entry({ sequence: 7n, tailBytes: 8 * sector, sectors: [dataSector(0, 70)] }), 8 * sector);
    expect(await disk.shows(0)).toBe(90);
  });

  it.each([
    ['torn', (bytes: Buffer) => bytes.fill(0, bytes.length - 8)],
    [
      'under another id',
      (bytes: Buffer) => {
        writeGuid(bytes, 32, newGuid());
        sealStructure(bytes);
      },
    ],
    [
      'naming a tail that is no entry',
      (bytes: Buffer) => {
        bytes.writeUInt32LE(9 * sector, 12);
        sealStructure(bytes);
      },
    ],
    [
      'with a data sector of another write',
      (bytes: Buffer) => {
        bytes.writeUInt32LE(5, bytes.length - 4);
        sealStructure(bytes);
      },
    ],
    [
      'with more descriptors than it has room for',
      (bytes: Buffer) => {
        bytes.writeUInt32LE(0xffffffff, 24);
        sealStructure(bytes);
      },
    ],
    [
      'that would change a header',
      (bytes: Buffer) => {
        bytes.writeBigUInt64LE(BigInt(at.headers[0]), 80);
        sealStructure(bytes);
      },
    ],
    [
      'that would change the log',
      (bytes: Buffer) => {
        bytes.writeBigUInt64LE(BigInt(at.log + 16 * sector), 80);
        sealStructure(bytes);
      },
    ],
  ])('an entry %s does not count, the one before it does', async (_what, spoil) => {
    const disk = await DirtyDisk.make();
    disk.put(disk.entry({ sequence: 5n, tailBytes: 0, sectors: [dataSector(0, 50)] }), 0);
    const entry = disk.entry({ sequence: 6n, tailBytes: 2 * sector, sectors: [dataSector(0, 60)] });
    disk.put(entry, 2 * sector);
    disk.files.patch(path, at.log + 2 * sector, entry);
    expect(await disk.shows(0)).toBe(60);
    spoil(entry);
    disk.files.patch(path, at.log + 2 * sector, entry);
    const image = well(await openVhdx(path, { access: 'read', files: disk.files }));
    const bytes = Buffer.alloc(512);
    await image.read(bytes, 0);
    expect(bytes[0]).toBe(50);
  });
});

describe('what an entry does', () => {
  it('carries every byte of a sector, those that make way for its signature included', async () => {
    const disk = await DirtyDisk.make();
    const random = new SeededRandom(3);
    const bytes = Buffer.from(Array.from({ length: sector }, () => random.below(256)));
    disk.put(disk.entry({ sequence: 2n ** 40n + 5n, sectors: [{ offsetBytes: at.firstBlock, bytes }] }), 0);
    const image = well(await openVhdx(path, { access: 'read', files: disk.files }));
    const read = Buffer.alloc(sector);
    await image.read(read, 0);
    expect(read.equals(bytes)).toBe(true);
    const part = Buffer.alloc(512);
    await image.read(part, 1024);
    expect(part.equals(bytes.subarray(1024, 1536))).toBe(true);
  });

  it('zeroes a range', async () => {
    const disk = await DirtyDisk.make();
    disk.put(zeroing(disk.entry({ sectors: [dataSector(0, 1)] }), at.firstBlock + mib, sector), 0);
    expect([await disk.shows(0), await disk.shows(1), await disk.shows(2)]).toEqual([1, 0, 3]);
  });

  it('makes the file as long as its tables need it', async () => {
    const disk = await DirtyDisk.make();
    const table = disk.files.bytesOf(path, at.bat, sector);
    table.writeUInt32LE((7 << 20) | 6, 3 * 8);
    disk.put(
      disk.entry({ fileBytes: { flushed: 7 * mib, last: 8 * mib }, sectors: [{ offsetBytes: at.bat, bytes: table }] }),
      0,
    );
    expect(await disk.shows(3)).toBe(0);
    expect(disk.files.bytesOf(path).length).toBe(7 * mib);
    await well(await openVhdx(path, writeOptions({ files: disk.files }))).close();
    expect(disk.files.bytesOf(path).length).toBe(8 * mib);
    expect(await disk.shows(3)).toBe(0);
  });
});

describe('a log that cannot be replayed', () => {
  it('is a truncated file when the file was longer once', async () => {
    const disk = await DirtyDisk.make();
    disk.put(disk.entry({ fileBytes: { flushed: 9 * mib, last: 9 * mib } }), 0);
    expect(await disk.code()).toBe('DiskTruncated');
  });

  it('is damage when it would zero or need more than any table has', async () => {
    const disk = await DirtyDisk.make();
    const entry = disk.entry({ sectors: [dataSector(0, 1)] });
    disk.put(zeroing(entry, 16 * mib, 2 ** 41), 0);
    expect(await disk.code()).toBe('DiskDamaged');
    disk.put(disk.entry({ fileBytes: { flushed: mib, last: 2 ** 60 } }), 0);
    expect(await disk.code()).toBe('DiskDamaged');
  });

  it('takes time by its length alone, however its entries are nested', async () => {
    const disk = await DirtyDisk.make();
    const entry = disk.entry({ sequence: 1n, sectors: [] });
    for (let place = 0; place < logLength; place += sector) {
      entry.writeUInt32LE(logLength - sector, 8);
      entry.writeUInt32LE(30_000, 24);
      disk.files.patch(path, at.log + place, entry);
    }
    expect(await disk.code()).toBe('DiskDamaged');
  });
});

describe('writing through the log', () => {
  it('goes around the ring many times and stays replayable', async () => {
    const files = new MemoryFiles();
    const image = well(await createVhdx(path, shapeOf(), writeOptions({ files, tables: 'logged' })));
    // Every round moves a block to another place, which changes the table: 300 entries of two sectors in a ring of 256.
    for (let round = 0; round < 300; round++) {
      const block = round % 8;
      await image.writeZeros(block * mib, mib);
      await image.write(Buffer.alloc(512, 1 + (round % 250)), block * mib);
      await image.flush();
    }
    files.losePower(new SeededRandom(1), 0);
    const naive = new NaiveVhdx(files.bytesOf(path));
    expect(naive.logWasDirty).toBe(true);
    const again = well(await openVhdx(path, { access: 'read', files }));
    const bytes = Buffer.alloc(512);
    for (let round = 292; round < 300; round++) {
      const block = round % 8;
      await again.read(bytes, block * mib);
      expect(bytes[0]).toBe(1 + (round % 250));
      expect(naive.sector((block * mib) / 512)).toEqual(bytes);
    }
    expect(files.bytesOf(path).length).toBeLessThan(24 * mib);
  });

  it('splits a flush of more sectors than an entry names, and loses none', async () => {
    const files = new MemoryFiles();
    const size = 256 * 2 ** 30;
    const image = well(
      await createVhdx(path, shapeOf({ virtualSizeBytes: size }), writeOptions({ files, tables: 'logged' })),
    );
    // One block in each 4 KiB of the table: 512 sectors in one flush.
    for (let block = 0; block < size / mib; block += 512) await image.write(Buffer.alloc(512, 9), block * mib);
    await image.flush();
    files.losePower(new SeededRandom(1), 0);
    const again = well(await openVhdx(path, { access: 'read', files }));
    expect([...again.extents()].length).toBe(512);
  });
});
