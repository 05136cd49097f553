import { openDisk } from './chain';
import type { ImageShape } from './image';
import { mergeIntoParent, type MergeOptions } from './merge';
import { codeOf, ids, newGuid, shapeOf, well, writeOptions } from './testing/disks';
import { MemoryFiles, PowerLoss } from './testing/memory-files';
import { SeededRandom } from './testing/random';
import { createVhdx, openVhdx } from './vhdx';
import { kib, mib } from './vhdx/numbers';

const parentPath = '/vms/parent.vhdx';
const childPath = '/vms/child.vhdx';
const childId = newGuid();
const size = 12 * mib;

type Setup = { readonly files: MemoryFiles; readonly wanted: Buffer; readonly was: Buffer };

/** A parent and a child with data, zeros over data, zeros over nothing, single sectors and whole blocks. */
async function setup(parent: Partial<ImageShape> = {}): Promise<Setup> {
  const files = new MemoryFiles();
  const was = Buffer.alloc(size);
  was.fill(1, 0, 6 * mib);
  const base = well(
    await createVhdx(parentPath, shapeOf({ virtualSizeBytes: size, ...parent }), writeOptions({ files })),
  );
  await base.write(was.subarray(0, 6 * mib), 0);
  await base.close();
  const shape = shapeOf({
    kind: 'differencing',
    virtualSizeBytes: size,
    dataWriteId: childId,
    parent: { dataWriteId: ids.content, relativePath: 'parent.vhdx' },
  });
  const child = well(await createVhdx(childPath, shape, writeOptions({ files })));
  const wanted = Buffer.from(was);
  const write = async (value: number, from: number, to: number) => {
    wanted.fill(value, from, to);
    if (value === 0) await child.writeZeros(from, to - from);
    else await child.write(wanted.subarray(from, to), from);
  };
  await write(2, 512, 2048);
  await write(0, 2 * mib, 4 * mib);
  await write(3, 5 * mib - 512, 7 * mib);
  await write(0, 9 * mib, 10 * mib);
  await write(4, 11 * mib, 12 * mib);
  await child.close();
  return { files, wanted, was };
}

const merge = (files: MemoryFiles, change: Partial<MergeOptions> = {}) =>
  mergeIntoParent({
    childPath,
    parentPath,
    parentDataWriteId: 'kept',
    newGuid,
    signal: new AbortController().signal,
    report: () => undefined,
    files,
    ...change,
  });

async function contentOf(files: MemoryFiles, path: string): Promise<Buffer> {
  const disk = well(await openDisk(path, { access: 'read', roots: ['/vms'], files }));
  const content = Buffer.alloc(disk.virtualSizeBytes);
  await disk.read(content, 0);
  await disk.close();
  return content;
}

it.each([
  { kind: 'dynamic' },
  { kind: 'fixed' },
  { kind: 'dynamic', blockSizeBytes: 4 * mib },
  { kind: 'dynamic', blockSizeBytes: 32 * mib },
] as Partial<ImageShape>[])('the parent reads as the chain did, the child is as it was: %j', async (parent) => {
  const { files, wanted } = await setup(parent);
  const childBefore = files.bytesOf(childPath);
  const reports: number[] = [];
  const merged = well(await merge(files, { report: ({ bytesDone }) => reports.push(bytesDone) }));
  expect(merged).toEqual({ dataBytes: 1536 + 2 * mib + 512 + mib, zeroBytes: 3 * mib });
  expect((await contentOf(files, parentPath)).equals(wanted)).toBe(true);
  expect(files.bytesOf(childPath).equals(childBefore)).toBe(true);
  expect(reports).toEqual([...reports].sort((a, b) => a - b));
  expect(reports.at(-1)).toBe(size);
});

it('zeros that hide data give its blocks back', async () => {
  const { files } = await setup();
  await merge(files);
  const parent = well(await openVhdx(parentPath, { access: 'read', files }));
  expect([...parent.extents()]).toEqual([
    { offsetBytes: 0, lengthBytes: 2 * mib, kind: 'data' },
    { offsetBytes: 4 * mib, lengthBytes: 3 * mib, kind: 'data' },
    { offsetBytes: 11 * mib, lengthBytes: mib, kind: 'data' },
  ]);
});

it('interrupted by a power loss at any moment the chain still opens as before, and a repeat ends in the same bytes', async () => {
  const { files: prepared, wanted } = await setup();
  const whole = prepared.copy();
  well(await merge(whole, { parentDataWriteId: 'from-child' }));
  const random = new SeededRandom(3);
  for (let loss = 1; loss <= whole.operations; loss += 1 + random.below(4)) {
    const files = prepared.copy();
    files.powerLossAt = loss;
    await expect(merge(files, { parentDataWriteId: 'from-child' })).rejects.toThrow(PowerLoss);
    files.losePower(random, random.pick([0, 0.5, 1]));
    const parent = well(await openVhdx(parentPath, { access: 'read', files }));
    // Once the parent has taken over the id, the child is done with.
    if (parent.shape.dataWriteId === ids.content) expect((await contentOf(files, childPath)).equals(wanted)).toBe(true);
    else expect(parent.shape.dataWriteId).toBe(childId);
    well(await merge(files, { parentDataWriteId: 'from-child' }));
    expect((await contentOf(files, parentPath)).equals(wanted)).toBe(true);
  }
});

it('the parent keeps its id, or takes over that of the child, whose children then know it', async () => {
  const { files, wanted } = await setup();
  const grandchild = shapeOf({
    kind: 'differencing',
    virtualSizeBytes: size,
    dataWriteId: newGuid(),
    parent: { dataWriteId: childId, absolutePath: parentPath },
  });
  await well(await createVhdx('/vms/grandchild.vhdx', grandchild, writeOptions({ files }))).close();
  well(await merge(files));
  expect(well(await openVhdx(parentPath, { access: 'read', files })).shape.dataWriteId).toBe(ids.content);
  well(await merge(files, { parentDataWriteId: 'from-child' }));
  expect(well(await openVhdx(parentPath, { access: 'read', files })).shape.dataWriteId).toBe(childId);
  expect((await contentOf(files, '/vms/grandchild.vhdx')).equals(wanted)).toBe(true);
  const before = files.bytesOf(parentPath, 4 * mib);
  well(await merge(files, { parentDataWriteId: 'from-child' }));
  expect(files.bytesOf(parentPath, 4 * mib).equals(before)).toBe(true);
});

it('stops when it is told to, and goes on when it is started again', async () => {
  const { files, wanted } = await setup();
  const stop = new AbortController();
  const stopped = await merge(files, {
    signal: stop.signal,
    report: ({ bytesDone }) => bytesDone >= 4 * mib && stop.abort(),
  });
  expect(codeOf(stopped)).toBe('CanceledByOperator');
  expect((await contentOf(files, childPath)).equals(wanted)).toBe(true);
  expect((await contentOf(files, parentPath)).equals(wanted)).toBe(false);
  well(await merge(files));
  expect((await contentOf(files, parentPath)).equals(wanted)).toBe(true);
});

it('bytes that do not read back as they were written end it by name', async () => {
  const { files } = await setup();
  const open = files.open.bind(files);
  // A disk that drops writes: what is written to the data of the parent after its tables never arrives.
  files.open = async (path, access) => {
    const file = await open(path, access);
    if (path === parentPath) {
      const write = file.write.bind(file);
      file.write = (data, offset) => write(offset > 4 * mib ? Buffer.alloc(data.length, 0x5a) : data, offset);
    }
    return file;
  };
  expect(codeOf(await merge(files))).toBe('DigestMismatch');
});

describe('what is no pair is refused, and nothing is written', () => {
  const expectRefused = async (files: MemoryFiles, code: string, change: Partial<MergeOptions> = {}) => {
    const before = files.bytesOf(parentPath);
    expect(codeOf(await merge(files, change))).toBe(code);
    expect(files.bytesOf(parentPath).equals(before)).toBe(true);
  };

  it('another disk as the parent', async () => {
    const { files } = await setup({ dataWriteId: newGuid() });
    await expectRefused(files, 'DiskChainBroken');
  });

  it('a child that has no parent', async () => {
    const { files } = await setup();
    await expectRefused(files, 'DiskChainBroken', { childPath: parentPath });
  });

  it('disks of different sizes', async () => {
    const { files } = await setup({ virtualSizeBytes: size + mib });
    await expectRefused(files, 'RequestInvalid');
  });

  it('a child that is damaged', async () => {
    const { files } = await setup();
    files.truncate(childPath, 100 * kib);
    await expectRefused(files, 'DiskTruncated');
  });
});

describe('several images of a chain go into one further down in one pass', () => {
  const topPath = '/vms/top.vhdx';
  const topId = newGuid();
  const between = { roots: ['/vms'] };

  async function threeImages(): Promise<Setup> {
    const made = await setup();
    const parent = { dataWriteId: childId, relativePath: 'child.vhdx' };
    const shape = shapeOf({ kind: 'differencing', virtualSizeBytes: size, dataWriteId: topId, parent });
    const top = well(await createVhdx(topPath, shape, writeOptions({ files: made.files })));
    made.wanted.fill(9, mib, 3 * mib);
    await top.write(made.wanted.subarray(mib, 3 * mib), mib);
    made.wanted.fill(0, 5 * mib, 6 * mib);
    await top.writeZeros(5 * mib, mib);
    await top.close();
    return made;
  }
  const options = { childPath: topPath, between, parentDataWriteId: 'from-child' } as const;

  it('the base reads as the chain did, and children of the top know it', async () => {
    const { files, wanted } = await threeImages();
    well(await merge(files, options));
    expect((await contentOf(files, parentPath)).equals(wanted)).toBe(true);
    expect(well(await openVhdx(parentPath, { access: 'read', files })).shape.dataWriteId).toBe(topId);
  });

  it('interrupted by a power loss at any moment the chain still reads as before, and a repeat ends in the same bytes', async () => {
    const { files: prepared, wanted } = await threeImages();
    const whole = prepared.copy();
    whole.operations = 0;
    well(await merge(whole, options));
    const random = new SeededRandom(8);
    for (let loss = 1; loss <= whole.operations; loss += 1 + random.below(4)) {
      const files = prepared.copy();
      files.powerLossAt = loss;
      await expect(merge(files, options)).rejects.toThrow(PowerLoss);
      files.losePower(random, random.pick([0, 0.5, 1]));
      const { shape } = well(await openVhdx(parentPath, { access: 'read', files }));
      // Once the base has the id of the top, the others are done with.
      if (shape.dataWriteId === ids.content) {
        expect((await contentOf(files, topPath)).equals(wanted)).toBe(true);
        well(await merge(files, options));
      } else expect(shape.dataWriteId).toBe(topId);
      expect((await contentOf(files, parentPath)).equals(wanted)).toBe(true);
    }
  });

  it('an image that is not in the chain is refused', async () => {
    const { files } = await threeImages();
    expect(codeOf(await merge(files, { ...options, childPath, parentPath: topPath }))).toBe('DiskChainBroken');
  });
});
