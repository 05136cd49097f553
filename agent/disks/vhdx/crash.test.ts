import { openDisk } from '../chain';
import type { ImageShape, WritableImage } from '../image';
import { ids, shapeOf, well, writeOptions } from '../testing/disks';
import { MemoryFiles, PowerLoss } from '../testing/memory-files';
import { NaiveVhdx } from '../testing/naive-vhdx';
import { soak } from '../testing/soak';
import { SeededRandom } from '../testing/random';
import { nextStep, take, windowsOf, type Window } from '../testing/scripts';
import { firstWrongSector, SectorModel, stampedRange } from '../testing/sector-model';
import { createVhdx, openVhdx, type VhdxWriteOptions } from '.';
import { mib } from './numbers';

const path = '/disks/disk.vhdx';
const parentPath = '/disks/parent.vhdx';
const stepsPerSession = 30;
const lossesPerCase = 14 * soak;

type Case = {
  readonly kind: 'dynamic' | 'fixed' | 'differencing';
  readonly sectorBytes: 512 | 4096;
  readonly tables: VhdxWriteOptions['tables'];
};

const cases: Case[] = [
  { kind: 'dynamic', sectorBytes: 512, tables: 'logged' },
  { kind: 'dynamic', sectorBytes: 512, tables: 'ordered' },
  { kind: 'differencing', sectorBytes: 512, tables: 'logged' },
  { kind: 'differencing', sectorBytes: 512, tables: 'ordered' },
  { kind: 'differencing', sectorBytes: 4096, tables: 'logged' },
  { kind: 'differencing', sectorBytes: 4096, tables: 'ordered' },
  { kind: 'fixed', sectorBytes: 4096, tables: 'logged' },
];

/** Two chunks of a sector bitmap and a bit, ending inside a block; small when all of it is allocated. */
function sizeFor({ kind, sectorBytes }: Case): number {
  return kind === 'fixed' ? 5.5 * mib : 2 ** 23 * sectorBytes + 4.5 * mib;
}

const shapeFor = (one: Case): ImageShape =>
  shapeOf({
    kind: one.kind,
    virtualSizeBytes: sizeFor(one),
    logicalSectorSizeBytes: one.sectorBytes,
    ...(one.kind === 'differencing' && { parent: { dataWriteId: ids.content, relativePath: 'parent.vhdx' } }),
  });

async function prepare(one: Case, windows: readonly Window[]): Promise<{ files: MemoryFiles; model: SectorModel }> {
  const files = new MemoryFiles(one.sectorBytes);
  const model = new SectorModel(one.sectorBytes);
  if (one.kind === 'differencing') {
    const { parent: _, ...shape } = shapeFor(one);
    const parent = well(await createVhdx(parentPath, { ...shape, kind: 'dynamic' }, writeOptions({ files })));
    for (const { from, to } of windows) {
      const end = Math.floor((from + to) / 2);
      model.settle(from, end, 1);
      await parent.write(stampedRange(1, from, end, one.sectorBytes), from * one.sectorBytes);
    }
    await parent.close();
  }
  const options = writeOptions({ files, tables: one.tables });
  await well(await createVhdx(path, shapeFor(one), options)).close();
  return { files, model };
}

/** The same steps every time, until they end or the power goes. Two openings, so that the second finds what the first left behind. */
async function session(files: MemoryFiles, one: Case, windows: readonly Window[], model: SectorModel): Promise<void> {
  const random = new SeededRandom(77);
  let stamp = 1;
  for (let opening = 0; opening < 2; opening++) {
    const image: WritableImage = well(await openVhdx(path, writeOptions({ files, tables: one.tables })));
    for (let step = 0; step < stepsPerSession; step++)
      await take(image, model, nextStep(random, windows, one.sectorBytes), ++stamp);
    await image.close();
    model.flushed();
  }
}

async function expectRight(files: MemoryFiles, model: SectorModel): Promise<void> {
  const disk = well(await openDisk(path, { access: 'read', roots: ['/disks'], files }));
  expect(await firstWrongSector(disk, model, 'allowed')).toBeUndefined();
  await disk.close();
}

function expectSecondOpinion(files: MemoryFiles, model: SectorModel): void {
  const child = new NaiveVhdx(files.bytesOf(path));
  const parent = child.hasParent ? new NaiveVhdx(files.bytesOf(parentPath)) : undefined;
  for (const sector of model.touched()) {
    const own = child.sector(sector);
    const content = own === 'parent' ? parent?.sector(sector) : own;
    if (content === undefined || content === 'parent') throw new Error('no image of the chain has the sector');
    const stamp = content.readUInt32LE(0);
    if (!model.allowed(sector).includes(stamp)) throw new Error(`sector ${sector} shows stamp ${stamp}`);
  }
}

async function expectGoesOn(
  files: MemoryFiles,
  one: Case,
  windows: readonly Window[],
  model: SectorModel,
): Promise<void> {
  const image = well(await openVhdx(path, writeOptions({ files, tables: one.tables })));
  for (const { from, to } of windows) {
    const end = Math.min(to, from + 9);
    await image.write(stampedRange(999, from, end, one.sectorBytes), from * one.sectorBytes);
    model.settle(from, end, 999);
  }
  await image.close();
  await expectRight(files, model);
}

describe.each(cases)('$kind, sectors of $sectorBytes bytes, tables $tables', (one) => {
  const windows = windowsOf(sizeFor(one), one.sectorBytes);

  it(
    'a power loss at any operation leaves what was flushed, and never bytes of another place',
    async () => {
      const { files: prepared, model: before } = await prepare(one, windows);
      const whole = prepared.copy();
      const wholeModel = before.copy();
      await session(whole, one, windows, wholeModel);
      await expectRight(whole, wholeModel);
      const random = new SeededRandom(5);
      for (let loss = 0; loss < lossesPerCase; loss++) {
        const files = prepared.copy();
        const model = before.copy();
        const spread = Math.floor((loss * whole.operations) / lossesPerCase) + random.below(3);
        files.powerLossAt = Math.min(whole.operations, 1 + spread);
        await expect(session(files, one, windows, model)).rejects.toThrow(PowerLoss);
        files.losePower(random, random.pick([0, 1, 0.5, 0.2, 0.8]));
        await expectRight(files, model);
        if (loss % 4 === 0) expectSecondOpinion(files, model);
        await expectGoesOn(files, one, windows, model);
      }
    },
    30_000 * soak,
  );
});

describe('an interrupted opening', () => {
  it('replays again from the start, as often as it takes', async () => {
    const one: Case = { kind: 'dynamic', sectorBytes: 512, tables: 'logged' };
    const windows = windowsOf(sizeFor(one), one.sectorBytes);
    const { files, model } = await prepare(one, windows);
    const image = well(await openVhdx(path, writeOptions({ files, tables: 'logged' })));
    for (const window of windows)
      await take(image, model, { kind: 'write', from: window.from, to: window.from + 9 }, 3);
    await image.flush();
    model.flushed();
    files.losePower(new SeededRandom(1), 0);
    expect(new NaiveVhdx(files.bytesOf(path)).logWasDirty).toBe(true);
    let losses = 0;
    for (; losses < 100; losses++) {
      files.operations = 0;
      files.powerLossAt = losses + 1;
      const opened = await openVhdx(path, writeOptions({ files, tables: 'logged' })).catch((thrown: unknown) => thrown);
      if (!(opened instanceof PowerLoss)) break;
      files.losePower(new SeededRandom(losses), 0.5);
      await expectRight(files, model);
    }
    expect(losses).toBeGreaterThan(3);
    expect(new NaiveVhdx(files.bytesOf(path)).logWasDirty).toBe(false);
  });
});
