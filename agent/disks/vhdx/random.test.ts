import { openDisk } from '../chain';
import { mergeIntoParent } from '../merge';
import type { ImageKind } from '../image';
import { ids, newGuid, shapeOf, well, writeOptions } from '../testing/disks';
import { MemoryFiles } from '../testing/memory-files';
import { NaiveVhdx } from '../testing/naive-vhdx';
import { SeededRandom } from '../testing/random';
import { nextStep, take, windowsOf, type Window } from '../testing/scripts';
import { firstWrongSector, SectorModel, stampedRange } from '../testing/sector-model';
import { soak } from '../testing/soak';
import { createVhdx, openVhdx } from '.';
import { mib } from './numbers';

const roots = ['/disks'];
const paths = ['/disks/base.vhdx', '/disks/middle.vhdx', '/disks/top.vhdx'] as const;

type World = {
  readonly files: MemoryFiles;
  readonly random: SeededRandom;
  readonly model: SectorModel;
  readonly windows: readonly Window[];
  stamp: number;
};

function worldOf(seed: number, sectorBytes: 512 | 4096, virtualSizeBytes: number): World {
  return {
    files: new MemoryFiles(),
    random: new SeededRandom(seed),
    model: new SectorModel(sectorBytes),
    windows: windowsOf(virtualSizeBytes, sectorBytes),
    stamp: 0,
  };
}

/** Random steps on one image in several openings; everything that was done shows afterwards. */
async function scribble(world: World, path: string, openings: number): Promise<void> {
  const { files, random, model, windows } = world;
  for (let opening = 0; opening < openings; opening++) {
    const tables = random.pick(['logged', 'ordered'] as const);
    const image = well(await openVhdx(path, writeOptions({ files, tables })));
    for (let step = 0; step < 25; step++)
      await take(image, model, nextStep(random, windows, model.sectorBytes), ++world.stamp);
    await image.close();
    await expectShown(world, path);
  }
}

async function expectShown({ files, model }: World, path: string): Promise<void> {
  const disk = well(await openDisk(path, { access: 'read', roots, files }));
  expect(await firstWrongSector(disk, model, 'shown')).toBeUndefined();
  await disk.close();
}

const sizeOf = (kind: ImageKind, sectorBytes: number): number =>
  kind === 'fixed' ? 6.5 * mib : 2 ** 23 * sectorBytes + 4.5 * mib;

const cases = ([512, 4096] as const).flatMap((sectorBytes) =>
  ([mib, 32 * mib] as const).map((blockSizeBytes) => ({ sectorBytes, blockSizeBytes })),
);

describe.each(cases)(
  'sectors of $sectorBytes bytes, blocks of $blockSizeBytes bytes',
  ({ sectorBytes, blockSizeBytes }) => {
    it.each(['dynamic', 'fixed'] as const)('a %s image shows what was written, and zeros elsewhere', async (kind) => {
      for (let seed = 0; seed < soak; seed++) {
        const size = sizeOf(kind, sectorBytes);
        const world = worldOf(seed, sectorBytes, size);
        const shape = shapeOf({ kind, blockSizeBytes, virtualSizeBytes: size, logicalSectorSizeBytes: sectorBytes });
        await well(await createVhdx(paths[0], shape, writeOptions({ files: world.files }))).close();
        await scribble(world, paths[0], 3);
      }
    });

    it('a chain of three shows what was written to its images one after the other, before and after merging', async () => {
      for (let seed = 0; seed < soak; seed++) {
        const size = sizeOf('differencing', sectorBytes);
        const world = worldOf(100 + seed, sectorBytes, size);
        await makeChain(world, blockSizeBytes, size);
        expectSecondOpinion(world);
        for (const [childPath, parentPath] of [
          [paths[2], paths[1]],
          [paths[1], paths[0]],
        ] as const) {
          const merged = await mergeIntoParent({
            childPath,
            parentPath,
            parentDataWriteId: 'kept',
            newGuid,
            signal: new AbortController().signal,
            report: () => undefined,
            files: world.files,
          });
          well(merged);
          await expectShown(world, parentPath);
        }
      }
    });
  },
);

async function makeChain(world: World, blockSizeBytes: number, size: number): Promise<void> {
  let parentId = ids.content;
  for (const [level, path] of paths.entries()) {
    const dataWriteId = level === 0 ? parentId : newGuid();
    const shape = shapeOf({
      // Children of Hyper-V have blocks of another size than their parents.
      blockSizeBytes: level === 0 ? blockSizeBytes : 2 * mib,
      virtualSizeBytes: size,
      logicalSectorSizeBytes: world.model.sectorBytes === 512 ? 512 : 4096,
      dataWriteId,
      ...(level > 0 && {
        kind: 'differencing',
        parent: { dataWriteId: parentId, relativePath: paths[level - 1]?.replace('/disks/', '') ?? '' },
      }),
    });
    await well(await createVhdx(path, shape, writeOptions({ files: world.files }))).close();
    await scribble(world, path, 2);
    parentId = dataWriteId;
  }
}

function expectSecondOpinion({ files, model }: World): void {
  const chain = paths.map((path) => new NaiveVhdx(files.bytesOf(path))).reverse();
  for (const sector of model.touched()) {
    let content: Buffer | 'parent' = 'parent';
    for (const image of chain) if (content === 'parent') content = image.sector(sector);
    const wanted = stampedRange(model.shown(sector), sector, sector + 1, model.sectorBytes);
    if (content === 'parent' || !content.equals(wanted)) throw new Error(`sector ${sector} differs`);
  }
}

describe('writes that run at the same time', () => {
  it('all arrive, also where they are the first in a block, and flushes between them keep what was done', async () => {
    const world = worldOf(9, 512, 64 * mib);
    const { files, model, random } = world;
    const parent = shapeOf();
    await well(await createVhdx(paths[0], parent, writeOptions({ files }))).close();
    const child = shapeOf({
      kind: 'differencing',
      dataWriteId: newGuid(),
      parent: { dataWriteId: ids.content, relativePath: 'base.vhdx' },
    });
    for (const [path, shape] of [
      [paths[0], parent],
      [paths[1], child],
    ] as const) {
      if (shape === child) await well(await createVhdx(path, shape, writeOptions({ files }))).close();
      const image = well(await openVhdx(path, writeOptions({ files, tables: 'logged' })));
      const work: Promise<void>[] = [];
      for (let sector = 0; sector < 8 * 2048; sector += 64) {
        const stamp = ++world.stamp;
        model.write(sector, sector + 64, stamp);
        work.push(image.write(stampedRange(stamp, sector, sector + 64, 512), sector * 512));
        if (random.next() < 0.1) work.push(image.flush());
      }
      await Promise.all(work);
      await image.close();
      await expectShown(world, path);
    }
  });
});
