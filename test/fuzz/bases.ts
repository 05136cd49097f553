import type { ImageShape } from '../../agent/disks/image';
import { createImage, openImage, type ImageFormat } from '../../agent/disks/open-image';
import { valueOf } from '../../agent/disks/failures';
import { ids, nowMs, shapeOf, writeOptions } from '../../agent/disks/testing/disks';
import { MemoryFiles } from '../../agent/disks/testing/memory-files';
import { SeededRandom } from '../../agent/disks/testing/random';
import { snapshotOf, type Snapshot } from './fuzz-files';

const mib = 1024 * 1024;

/** A valid image, and the parent beside it. */
export type Base = {
  readonly name: string;
  readonly format: ImageFormat;
  readonly image: Snapshot;
  readonly parent: Snapshot | undefined;
};

const own = '4d1c7f0e-3c55-4d0b-9d1e-6b1f1f0a2c01';
const parentLink = { dataWriteId: ids.content, relativePath: '.\\parent.vhdx', absolutePath: '/vms/parent.vhdx' };

const shapes: [name: string, format: ImageFormat, change: Partial<ImageShape>, log: 'closed' | 'left'][] = [
  ['vhdx-dynamic', 'vhdx', {}, 'closed'],
  ['vhdx-log', 'vhdx', {}, 'left'],
  ['vhdx-differencing', 'vhdx', { kind: 'differencing', parent: parentLink }, 'closed'],
  ['vhdx-differencing-log', 'vhdx', { kind: 'differencing', parent: parentLink }, 'left'],
  ['vhdx-fixed-4k', 'vhdx', { kind: 'fixed', logicalSectorSizeBytes: 4096 }, 'closed'],
  ['vhd-dynamic', 'vhd', { blockSizeBytes: 512 * 1024 }, 'closed'],
  ['vhd-differencing', 'vhd', { kind: 'differencing', blockSizeBytes: 512 * 1024, parent: parentLink }, 'closed'],
  ['vhd-fixed', 'vhd', { kind: 'fixed', virtualSizeBytes: mib }, 'closed'],
];

/** All valid images that inputs are made from. */
export async function makeBases(): Promise<Base[]> {
  const bases: Base[] = [];
  for (const [name, format, change, log] of shapes) {
    const files = new MemoryFiles();
    const parent =
      change.parent === undefined ? undefined : await make(files, '/vms/parent.vhdx', 'vhdx', {}, 'closed');
    const ids = change.parent === undefined ? {} : { dataWriteId: own };
    const image = await make(files, `/vms/disk.${format}`, format, { ...change, ...ids }, log);
    bases.push({ name, format, image, parent });
  }
  return bases;
}

async function make(
  files: MemoryFiles,
  path: string,
  format: ImageFormat,
  change: Partial<ImageShape>,
  log: 'closed' | 'left',
): Promise<Snapshot> {
  const shape = shapeOf({ virtualSizeBytes: 6 * mib, ...change });
  const wanted = format === 'vhd' ? { ...shape, virtualDiskId: shape.dataWriteId } : shape;
  await valueOf(await createImage(format, path, wanted, { ...writeOptions({ files }), nowMs })).close();
  const image = valueOf(await openImage(path, writeOptions({ files, tables: 'logged' })));
  for (const offset of [0, 12_288, 3 * mib, wanted.virtualSizeBytes - 4096]) {
    if (offset + 4096 > wanted.virtualSizeBytes) continue;
    await image.write(Buffer.alloc(4096, 1 + (offset % 251)), offset);
    await image.flush();
  }
  if (log === 'left') files.losePower(new SeededRandom(1), 0);
  else await image.close();
  return snapshotOf(files.bytesOf(path));
}
