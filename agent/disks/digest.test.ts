import { blake3 } from '@napi-rs/blake-hash';
import { openDisk } from './chain';
import { allChunks, chunksTouchedBy } from './chunks';
import { digestDisk, type ChunkScope, type WorkProgress } from './digest';
import type { Disk, ImageShape } from './image';
import { codeOf, ids, newGuid, shapeOf, well, writeOptions } from './testing/disks';
import { MemoryFiles } from './testing/memory-files';
import { plainRoot, plainRootOver } from './testing/plain-merkle';
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
const digest = async (disk: Disk, scope: ChunkScope = 'all') =>
  well(await digestDisk({ disk, scope, signal: never, report: () => undefined }));
/** Of every chunk, read one by one. */
const leavesOf = async (disk: Disk) => {
  const content = Buffer.alloc(disk.virtualSizeBytes);
  await disk.read(content, 0);
  return [...allChunks(disk)].map((offset) => blake3(content.subarray(offset, offset + mib)));
};

it('is the Merkle root over the BLAKE3 of each chunk, the short last one included', async () => {
  const disk = await makeDisk(new MemoryFiles(), '/vms/a.vhdx', {}, [
    [512, 2 * mib, 7],
    [9 * mib, size, 8],
  ]);
  const leaves = await leavesOf(disk);
  expect(leaves).toHaveLength(10);
  expect(await digest(disk)).toEqual({ merkleRoot: plainRoot(size, leaves), bytesRead: 2 * mib + 512 });
  expect((await digest(disk, allChunks(disk))).merkleRoot).toBe(plainRoot(size, leaves));
});

it('of an empty disk of 64 TiB reads nothing and is there at once', async () => {
  const disk = await makeDisk(new MemoryFiles(), '/vms/a.vhdx', { virtualSizeBytes: 64 * 1024 * 1024 * mib }, []);
  const counted = jest.spyOn(disk, 'read');
  const { merkleRoot, bytesRead } = await digest(disk);
  let node = blake3(Buffer.alloc(mib));
  for (let level = 1; level <= 26; level += 1) node = blake3(Buffer.concat([Buffer.of(level), node, node]));
  expect(merkleRoot).toBe(plainRootOver(disk.virtualSizeBytes, node));
  expect(bytesRead).toBe(0);
  expect(counted).not.toHaveBeenCalled();
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
  expect(wanted.bytesRead).toBe(2 * mib);
  for (const other of [fixed, zeroed, child]) expect((await digest(other)).merkleRoot).toBe(wanted.merkleRoot);
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
    digests.add((await digest(await makeDisk(files, `/vms/${index}.vhdx`, {}, fill))).merkleRoot);
  expect(digests.size).toBe(fills.length);
});

it('goes over the chunks that it is given, and refuses a list that is none', async () => {
  const disk = await makeDisk(new MemoryFiles(), '/vms/a.vhdx', {}, [[0, 9 * mib, 7]]);
  const some = await digest(disk, [mib, 3 * mib]);
  const leaves = (await leavesOf(disk)).map((leaf, chunk) => (chunk === 1 || chunk === 3 ? leaf : undefined));
  expect(some).toEqual({ merkleRoot: plainRoot(size, leaves), bytesRead: 2 * mib });
  expect(some.merkleRoot).not.toBe((await digest(disk, [mib, 4 * mib])).merkleRoot);
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
  const disk = await makeDisk(new MemoryFiles(), '/vms/a.vhdx', { virtualSizeBytes: 30 * mib }, [[0, 20 * mib, 7]]);
  const reports: number[] = [];
  const stop = new AbortController();
  const report = ({ bytesDone }: WorkProgress): void => void reports.push(bytesDone / mib);
  well(await digestDisk({ disk, scope: 'all', signal: stop.signal, report }));
  expect(reports).toEqual([...Array.from({ length: 20 }, (_, index) => index + 1), 30]);
  const stopping = ({ bytesDone }: WorkProgress): void => (bytesDone === 2 * mib ? stop.abort() : undefined);
  const stopped = await digestDisk({ disk, scope: 'all', signal: stop.signal, report: stopping });
  expect(codeOf(stopped)).toBe('CanceledByOperator');
});

it('a failure of reading is its failure', async () => {
  const files = new MemoryFiles();
  const disk = await makeDisk(files, '/vms/a.vhdx', {}, [[0, 3 * mib, 7]]);
  files.truncate('/vms/a.vhdx', 5 * mib);
  const digested = await digestDisk({ disk, scope: 'all', signal: never, report: () => undefined });
  expect(codeOf(digested)).toBe('DiskTruncated');
});
