import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ImageShape } from '../image';
import { guestContentOf, ids, newGuid, shapeOf, well, writeOptions } from '../testing/disks';
import { hasLibvhdi, hasQemu, readWithLibvhdi, run } from '../testing/foreign-tools';
import { MemoryFiles } from '../testing/memory-files';
import { SeededRandom } from '../testing/random';
import { createVhdx, openVhdx } from '.';
import { kib, mib } from './numbers';

const folder = mkdtempSync(join(tmpdir(), 'hyperferry-vhdx-'));
afterAll(() => rmSync(folder, { recursive: true }));
const at = (name: string): string => join(folder, name);

/** Random writes and zeros to a disk at a path, with the same done to a buffer. */
async function scribble(
  path: string,
  plain: Buffer,
  random: SeededRandom,
  { sectorBytes = 512, zerosBytesMax = 3 * mib }: { sectorBytes?: number; zerosBytesMax?: number } = {},
): Promise<void> {
  const image = well(await openVhdx(path, writeOptions({ tables: random.pick(['logged', 'ordered']) })));
  const sectors = plain.length / sectorBytes;
  for (let step = 0; step < 40; step++) {
    const from = random.below(sectors);
    const value = random.next() < 0.3 ? 0 : 1 + random.below(255);
    const lengthMax = random.next() < 0.3 ? (value === 0 ? zerosBytesMax : 3 * mib) : 64 * kib;
    const to = Math.min(sectors, from + 1 + random.below(lengthMax / sectorBytes));
    plain.fill(value, from * sectorBytes, to * sectorBytes);
    if (value === 0) await image.writeZeros(from * sectorBytes, (to - from) * sectorBytes);
    else await image.write(plain.subarray(from * sectorBytes, to * sectorBytes), from * sectorBytes);
  }
  await image.close();
}

const contentOf = (path: string): Promise<Buffer> => guestContentOf(path, folder);

const ours: Partial<ImageShape>[] = [
  { kind: 'dynamic', blockSizeBytes: mib, virtualSizeBytes: 40 * mib },
  { kind: 'dynamic', blockSizeBytes: 32 * mib, virtualSizeBytes: 36 * mib + 512 },
  { kind: 'dynamic', blockSizeBytes: 256 * mib, virtualSizeBytes: 30 * mib },
  { kind: 'fixed', blockSizeBytes: 2 * mib, virtualSizeBytes: 33 * mib },
];

(hasQemu ? describe : describe.skip)('against qemu', () => {
  it.each(ours)('qemu finds no fault in our image and reads what we wrote: %j', async (change) => {
    const shape = shapeOf(change);
    const path = at(`ours-${shape.kind}-${shape.blockSizeBytes}.vhdx`);
    await well(await createVhdx(path, shape, writeOptions())).close();
    const plain = Buffer.alloc(shape.virtualSizeBytes);
    await scribble(path, plain, new SeededRandom(shape.blockSizeBytes));
    writeFileSync(at('plain.raw'), plain);
    expect(run('qemu-img', 'check', '-f', 'vhdx', path)).toContain('No errors');
    expect(run('qemu-img', 'compare', '-f', 'vhdx', '-F', 'raw', path, at('plain.raw'))).toContain('identical');
  });

  it.each([
    { subformat: 'dynamic', blockSize: '1M', size: 41 * mib },
    { subformat: 'dynamic', blockSize: '32M', size: 36 * mib + 512 * 3 },
    { subformat: 'fixed', blockSize: '8M', size: 20 * mib + 512 },
  ])('we read what qemu wrote, and qemu what we then changed: %j', async ({ subformat, blockSize, size }) => {
    const path = at(`theirs-${subformat}-${blockSize}.vhdx`);
    run('qemu-img', 'create', '-f', 'vhdx', '-o', `subformat=${subformat},block_size=${blockSize}`, path, `${size}`);
    run('qemu-io', '-f', 'vhdx', path, '-c', 'write -P 0x11 1000k 70k', '-c', 'write -P 0x22 19M 1M');
    const plain = Buffer.alloc(size);
    plain.fill(0x11, 1000 * kib, 1070 * kib);
    plain.fill(0x22, 19 * mib, 20 * mib);
    expect((await contentOf(path)).equals(plain)).toBe(true);
    await scribble(path, plain, new SeededRandom(size));
    writeFileSync(at('plain.raw'), plain);
    expect(run('qemu-img', 'check', '-f', 'vhdx', path)).toContain('No errors');
    expect(run('qemu-img', 'compare', '-f', 'vhdx', '-F', 'raw', path, at('plain.raw'))).toContain('identical');
    expect((await contentOf(path)).equals(plain)).toBe(true);
  });

  it('qemu replays a log that we left behind to the same content as we do', async () => {
    const files = new MemoryFiles();
    const image = well(
      await createVhdx('/a.vhdx', shapeOf({ virtualSizeBytes: 20 * mib }), writeOptions({ files, tables: 'logged' })),
    );
    const plain = Buffer.alloc(20 * mib);
    for (const [index, block] of [3, 10, 17, 5].entries()) {
      plain.fill(index + 1, block * mib, block * mib + 4096);
      await image.write(plain.subarray(block * mib, block * mib + 4096), block * mib);
      await image.flush();
    }
    // The entries whose application to the table was not flushed are lost; only the log has the last block.
    files.losePower(new SeededRandom(1), 0);
    const path = at('left.vhdx');
    writeFileSync(path, files.bytesOf('/a.vhdx'));
    writeFileSync(at('plain.raw'), plain);
    expect((await contentOf(path)).equals(plain)).toBe(true);
    expect(readFileSync(path).equals(files.bytesOf('/a.vhdx'))).toBe(true);
    run('qemu-img', 'check', '-f', 'vhdx', '-r', 'all', path);
    expect(readFileSync(path).equals(files.bytesOf('/a.vhdx'))).toBe(false);
    expect(run('qemu-img', 'compare', '-f', 'vhdx', '-F', 'raw', path, at('plain.raw'))).toContain('identical');
  });
});

(hasLibvhdi ? describe : describe.skip)('against libvhdi', () => {
  it.each([
    { sectorBytes: 512, blockSizeBytes: mib },
    { sectorBytes: 512, blockSizeBytes: 2 * mib },
    { sectorBytes: 4096, blockSizeBytes: 2 * mib },
  ] as const)('libvhdi reads a chain of three as we wrote it: %j', async ({ sectorBytes, blockSizeBytes }) => {
    const random = new SeededRandom(sectorBytes + blockSizeBytes);
    const size = 24 * mib;
    const plain = Buffer.alloc(size);
    const paths: string[] = [];
    let parent = ids.content;
    for (const [level, name] of ['base', 'middle', 'top'].entries()) {
      const dataWriteId = level === 0 ? parent : newGuid();
      const shape = shapeOf({
        blockSizeBytes,
        virtualSizeBytes: size,
        logicalSectorSizeBytes: sectorBytes,
        dataWriteId,
        ...(level > 0 && {
          kind: 'differencing',
          parent: { dataWriteId: parent, relativePath: paths[0]?.slice(folder.length + 1) ?? '' },
        }),
      });
      const path = at(`${name}-${sectorBytes}-${blockSizeBytes}.vhdx`);
      await well(await createVhdx(path, shape, writeOptions())).close();
      // libvhdi 20210425 reads blocks in the state ZERO from the start of the file, so none are made here.
      await scribble(path, plain, random, { sectorBytes, zerosBytesMax: 64 * kib });
      paths.unshift(path);
      parent = dataWriteId;
    }
    expect((await contentOf(paths[0]!)).equals(plain)).toBe(true);
    expect(readWithLibvhdi(paths).equals(plain)).toBe(true);
  });
});
