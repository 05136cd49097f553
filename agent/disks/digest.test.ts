import { blake3 } from '@napi-rs/blake-hash';
import { openDisk } from './chain';
import { allChunks, chunksTouchedBy, digestDisk } from './digest';
import type { Disk, ImageShape } from './image';
import { codeOf, ids, newGuid, shapeOf, well, writeOptions } from './testing/disks';
import { MemoryFiles } from './testing/memory-files';
import { createVhdx, openVhdx } from './vhdx';
import { mib } from './vhdx/numbers';

const size = 9 * mib + 512;

async function makeDisk(
  files: MemoryFiles,
  path: string,
  change: Partial<ImageShape>,
  fill: [number, number, number][],
) {
  const image = well(await createVhdx(path, shapeOf({ virtualSizeBytes: size, ...change }), writeOptions({ files })));
  for (const [from, to, value] of fill) {
    if (value === 0) await image.writeZeros(from, to - from);
    else await image.write(Buffer.alloc(to - from, value), from);
  }
  await image.close();
  return well(await openDisk(path, { access: 'read', roots: ['/vms'], files }));
}

const never = new AbortController().signal;
const digest = async (disk: Disk, chunks: Iterable<number> = allChunks(disk)) =>
  well(await digestDisk(disk, chunks, never, () => undefined));

it('is BLAKE3 over offset and BLAKE3 of each chunk, the short last one included', async () => {
  const disk = await makeDisk(new MemoryFiles(), '/vms/a.vhdx', {}, [
    [512, 2 * mib, 7],
    [9 * mib, size, 8],
  ]);
  const content = Buffer.alloc(size);
  await disk.read(content, 0);
  const records = [...allChunks(disk)].map((offset) => {
    const place = Buffer.alloc(8);
    place.writeBigUInt64LE(BigInt(offset));
    return Buffer.concat([place, blake3(content.subarray(offset, offset + mib))]);
  });
  expect(records).toHaveLength(10);
  expect((await digest(disk)).digest).toBe(blake3(Buffer.concat(records)).toString('hex'));
});

it('does not depend on what is allocated where, and reads only what is held', async () => {
  const files = new MemoryFiles();
  const fill: [number, number, number][] = [
    [mib, 2 * mib, 7],
    [5 * mib, 5 * mib + 512, 8],
  ];
  const dynamic = await makeDisk(files, '/vms/dynamic.vhdx', {}, fill);
  const fixed = await makeDisk(files, '/vms/fixed.vhdx', { kind: 'fixed' }, fill);
  const zeroed = await makeDisk(files, '/vms/zeroed.vhdx', {}, [[0, 4 * mib, 9], [0, 4 * mib, 0], ...fill]);
  const child = await makeDisk(
    files,
    '/vms/child.vhdx',
    {
      kind: 'differencing',
      dataWriteId: newGuid(),
      parent: { dataWriteId: ids.content, relativePath: 'dynamic.vhdx' },
    },
    [
      [mib, 2 * mib, 0],
      [mib, 2 * mib, 7],
      [3 * mib, 4 * mib, 0],
    ],
  );
  const wanted = await digest(dynamic);
  expect(wanted).toMatchObject({ chunks: 10, bytesRead: 2 * mib });
  for (const other of [fixed, zeroed, child]) expect((await digest(other)).digest).toBe(wanted.digest);
  expect((await digest(fixed)).bytesRead).toBe(size);
});

it('tells apart any changed byte, and equal bytes in another place', async () => {
  const files = new MemoryFiles();
  const digests = new Set<string>();
  const fills: [number, number, number][][] = [
    [],
    [[0, 512, 1]],
    [[512, 1024, 1]],
    [[mib, mib + 512, 1]],
    [[size - 512, size, 1]],
  ];
  for (const [index, fill] of fills.entries())
    digests.add((await digest(await makeDisk(files, `/vms/${index}.vhdx`, {}, fill))).digest);
  expect(digests.size).toBe(fills.length);
});

it('goes over the chunks that it is given, and refuses a list that is none', async () => {
  const disk = await makeDisk(new MemoryFiles(), '/vms/a.vhdx', {}, [[0, 9 * mib, 7]]);
  const some = await digest(disk, [mib, 3 * mib]);
  expect(some).toMatchObject({ chunks: 2, bytesRead: 2 * mib });
  expect(some.digest).not.toBe((await digest(disk, [mib, 4 * mib])).digest);
  for (const chunks of [[512], [mib, 0], [mib, mib], [10 * mib]])
    await expect(digest(disk, chunks)).rejects.toThrow(RangeError);
});

it('the chunks that an image touches are those of its data and its zeros, each once', async () => {
  const files = new MemoryFiles();
  await makeDisk(files, '/vms/base.vhdx', {}, []);
  const link = { dataWriteId: ids.content, relativePath: 'base.vhdx' };
  await makeDisk(files, '/vms/child.vhdx', { kind: 'differencing', dataWriteId: newGuid(), parent: link }, [
    [512, 1024, 1],
    [2048, 4096, 1],
    [2 * mib - 512, 2 * mib + 512, 1],
    [5 * mib, 7 * mib, 0],
    [size - 512, size, 1],
  ]);
  const child = well(await openVhdx('/vms/child.vhdx', { access: 'read', files }));
  expect([...chunksTouchedBy(child)]).toEqual([0, mib, 2 * mib, 5 * mib, 6 * mib, 9 * mib]);
});

it('reports how far it is, and stops when it is told to', async () => {
  const disk = await makeDisk(new MemoryFiles(), '/vms/a.vhdx', { virtualSizeBytes: 3000 * mib }, []);
  const reports: number[] = [];
  const stop = new AbortController();
  const stopped = await digestDisk(disk, allChunks(disk), stop.signal, ({ bytesDone }) => {
    reports.push(bytesDone);
    if (reports.length === 2) stop.abort();
  });
  expect(codeOf(stopped)).toBe('CanceledByOperator');
  expect(reports).toEqual([1024 * mib, 2048 * mib]);
});

it('a failure of reading is its failure', async () => {
  const files = new MemoryFiles();
  const disk = await makeDisk(files, '/vms/a.vhdx', {}, [[0, 3 * mib, 7]]);
  files.truncate('/vms/a.vhdx', 5 * mib);
  expect(codeOf(await digestDisk(disk, allChunks(disk), never, () => undefined))).toBe('DiskTruncated');
});
