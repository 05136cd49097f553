import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { diskId, vmId } from '../../../contracts/ids';
import { openDisk } from '../../disks/chain';
import type { ImageFormat } from '../../disks/open-image';
import { valueOf } from '../../disks/failures';
import { mib } from '../../disks/route/testing/hosts';
import { makeImage, vhdShapeOf } from '../../disks/route/testing/images';
import { inspectVhd } from '../../disks/vhd/inspect';
import { homeLayout, pulledImagePath } from './layout';
import { placeImages, whyNotConverted } from './place-images';

const vm = vmId.parse('6f9619ff-8b86-d011-b42d-00c04fc964ff');
const disks = ['scsi-0-0', 'scsi-0-1'].map((id) => ({
  diskId: diskId.parse(id),
  imageNames: ['D:\\golden\\base.vhd', 'child.avhd'],
}));

let home: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'hyperferry-place-'));
  await mkdir(homeLayout(home).disks);
});
afterEach(() => rm(home, { recursive: true, force: true }));

/** A base and its child, as the byte route leaves them: of the disk with that number, which is in each. */
async function pulledChain(number: number, format: ImageFormat = 'vhd'): Promise<void> {
  const [base, child] = [0, 1].map((index) =>
    pulledImagePath(home, disks[number]?.diskId ?? diskId.parse('none'), index),
  );
  const shape = vhdShapeOf({ virtualSizeBytes: 4 * mib });
  await makeImage(base ?? '', shape, [{ offsetBytes: 0, data: Buffer.alloc(4096, 10 + number) }], format);
  const parent = { dataWriteId: shape.dataWriteId, relativePath: 'base.vhd' };
  const above = vhdShapeOf({ virtualSizeBytes: 4 * mib, kind: 'differencing', parent });
  await makeImage(child ?? '', above, [{ offsetBytes: mib, data: Buffer.alloc(4096, 20 + number) }], format);
}

async function firstBytes(path: string): Promise<(number | undefined)[]> {
  const disk = valueOf(await openDisk(path, { access: 'read', roots: [home] }));
  const bytes = Buffer.alloc(4 * mib);
  await disk.read(bytes, 0);
  await disk.close();
  return [bytes[0], bytes[mib]];
}

test('VHDs of two disks that had the same names stay VHDs, and each child finds its own parent, also when it is done again', async () => {
  for (const number of [0, 1]) await pulledChain(number);
  const workshop = { newGuid: randomUUID };
  const placed = valueOf(await placeImages(workshop, { home, vmId: vm }, { disks }));
  expect(placed.map(({ paths }) => paths.map((path) => basename(path)))).toEqual([
    ['base.vhd', 'child.avhd'],
    ['scsi-0-1-0.vhd', 'scsi-0-1-1.avhd'],
  ]);
  expect(valueOf(await placeImages(workshop, { home, vmId: vm }, { disks }))).toEqual(placed);
  for (const [number, { paths }] of placed.entries()) {
    const [base = '', child = ''] = paths;
    expect(await firstBytes(child)).toEqual([10 + number, 20 + number]);
    const { parentModifiedAtMs } = valueOf(await inspectVhd(child));
    expect(parentModifiedAtMs).toBe(Math.floor((await stat(base)).mtimeMs / 1000) * 1000);
  }
});

test('copies that were converted are called what they are, and the child finds its parent, also when it is done again', async () => {
  await pulledChain(0, 'vhdx');
  const images = { disks: disks.slice(0, 1), convertTo: 'vhdx' } as const;
  for (let time = 0; time < 2; time++) {
    const [placed] = valueOf(await placeImages({ newGuid: randomUUID }, { home, vmId: vm }, images));
    expect(placed?.paths.map((path) => basename(path))).toEqual(['base.vhdx', 'child.avhdx']);
    expect(await firstBytes(placed?.paths[1] ?? '')).toEqual([10, 20]);
  }
});

test('disks are not converted under memory or VM checkpoints that know them as they were', () => {
  const vhd = { disks, convertTo: 'vhdx' } as const;
  const vhdx = { disks: [{ diskId: diskId.parse('scsi-0-0'), imageNames: ['a.vhdx'] }], convertTo: 'vhdx' } as const;
  const [memory, checkpoints, neither] = [
    { hasMemory: true, hasVmCheckpoints: false },
    { hasMemory: false, hasVmCheckpoints: true },
    { hasMemory: false, hasVmCheckpoints: false },
  ];
  expect(whyNotConverted(vhd, memory)).toContain('memory');
  expect(whyNotConverted(vhd, checkpoints)).toContain('VM checkpoints');
  expect([whyNotConverted(vhd, neither), whyNotConverted(vhdx, memory), whyNotConverted({ disks }, memory)]).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
});
