import { openDisk } from '../chain';
import type { ImageShape, WritableImage } from '../image';
import { ids, shapeOf, well, writeOptions } from '../testing/disks';
import { MemoryFiles, PowerLoss } from '../testing/memory-files';
import { NaiveVhdx } from '../testing/naive-vhdx';
import { soak } from '../testing/soak';
import { SeededRandom } from '../testing/random';
import { nextStep, take, windowsOf, type Window } from '../testing/scripts';
import { firstWrongSector, observe, SectorModel, stampedRange } from '../testing/sector-model';
import { createVhdx, openVhdx, type VhdxWriteOptions } from '.';
import { mib } from './numbers';

const path = '/disks/disk.vhdx';
const parentPath = '/disks/parent.vhdx';
const stepsPerSession = 20;
const lossesPerCase = 3 * soak;

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

type Session = (files: MemoryFiles, model: SectorModel) => Promise<void>;

/** Random steps, the same ones for a seed, until they end or the power goes. A second opening finds what the first left behind. */
function randomSession(one: Case, windows: readonly Window[], seed: number): Session {
  return async (files, model) => {
    const random = new SeededRandom(seed);
    let stamp = 1000 * seed;
    for (let opening = 0; opening < 2; opening++) {
      const image: WritableImage = well(await openVhdx(path, writeOptions({ files, tables: one.tables })));
      for (let step = 0; step < stepsPerSession; step++)
        await take(image, model, nextStep(random, windows, one.sectorBytes), ++stamp);
      await image.close();
      model.flushed();
    }
  };
}

/** The few steps that change tables in every way there is: first blocks of two chunks, a block more, one dropped, one again. */
function shortSession(one: Case, seed: number): Session {
  const perMib = mib / one.sectorBytes;
  const chunk = one.kind === 'fixed' ? 3 * perMib : 2 ** 23;
  return async (files, model) => {
    const image = well(await openVhdx(path, writeOptions({ files, tables: one.tables })));
    const write = (from: number, count: number, stamp: number) =>
      take(image, model, { kind: 'write', from, to: from + count }, 1000 * seed + stamp);
    const flush = () => take(image, model, { kind: 'flush', from: 0, to: 0 }, 0);
    // Other sectors for each seed: what is left of a session that was cut off must not show in the next.
    await write(3 * seed, 2, 1);
    await write(chunk + 3 * seed, 2, 2);
    await flush();
    await write(perMib, perMib, 3);
    await take(image, model, { kind: 'zeros', from: 0, to: perMib }, 0);
    await flush();
    await write(5 * seed, 1, 4);
    await write(chunk + perMib + seed, 1, 5);
    await flush();
    await image.close();
  };
}

/** Runs a session with the power lost at an operation, or after its end, and looks at what is left: that counts from then on. */
async function runAndLose(files: MemoryFiles, model: SectorModel, session: Session, loss: Loss): Promise<void> {
  files.operations = 0;
  files.powerLossAt = loss.at;
  await session(files, model).catch((thrown: unknown) => expect(thrown).toBeInstanceOf(PowerLoss));
  files.losePower(loss.random, loss.random.pick([0, 1, 0.5, 0.2, 0.8]));
  const disk = well(await openDisk(path, { access: 'read', roots: ['/disks'], files }));
  expect(await firstWrongSector(disk, model, 'allowed')).toBeUndefined();
  await observe(disk, model);
  await disk.close();
}

type Loss = { readonly at: number; readonly random: SeededRandom };

/** How many operations a session takes when nothing interrupts it. */
async function operationsOf(prepared: MemoryFiles, before: SectorModel, session: Session): Promise<number> {
  const files = prepared.copy();
  const model = before.copy();
  await session(files, model);
  await expectRight(files, model);
  return files.operations;
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
    'a power loss at any operation, and another after it, leave what was flushed and never bytes of another place',
    async () => {
      const { files: prepared, model: before } = await prepare(one, windows);
      const operations = await operationsOf(prepared, before, shortSession(one, 2));
      const random = new SeededRandom(6);
      const step = Math.ceil(5 / soak);
      for (let at = 1 + random.below(step); at <= operations; at += step) {
        for (let time = 0; time < soak; time++) {
          const files = prepared.copy();
          const model = before.copy();
          await runAndLose(files, model, shortSession(one, 2), { at, random });
          await runAndLose(files, model, shortSession(one, 3), { at: 1 + random.below(operations), random });
          await shortSession(one, 4)(files, model);
          await expectRight(files, model);
          if (time === 0) expectSecondOpinion(files, model);
        }
      }
    },
    30_000 * soak,
  );

  it(
    'a power loss among random steps leaves what was flushed and never bytes of another place',
    async () => {
      const { files: prepared, model: before } = await prepare(one, windows);
      const operations = await operationsOf(prepared, before, randomSession(one, windows, 7));
      const random = new SeededRandom(5);
      for (let loss = 0; loss < lossesPerCase; loss++) {
        const files = prepared.copy();
        const model = before.copy();
        const at = 1 + Math.floor((loss * (operations - 3)) / lossesPerCase) + random.below(3);
        await runAndLose(files, model, randomSession(one, windows, 7), { at, random });
        expectSecondOpinion(files, model);
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
    const { files: dirty, model } = await prepare(one, windows);
    const image = well(await openVhdx(path, writeOptions({ files: dirty, tables: 'logged' })));
    for (const window of windows)
      await take(image, model, { kind: 'write', from: window.from, to: window.from + 9 }, 3);
    await image.flush();
    model.flushed();
    dirty.losePower(new SeededRandom(1), 0);
    expect(new NaiveVhdx(dirty.bytesOf(path)).logWasDirty).toBe(true);
    for (let seed = 0; seed < 8 * soak; seed++) {
      const files = dirty.copy();
      let losses = 0;
      for (; losses < 100; losses++) {
        files.operations = 0;
        files.powerLossAt = losses + 1;
        const options = writeOptions({ files, tables: 'logged' });
        const opened = await openVhdx(path, options).catch((thrown: unknown) => thrown);
        if (!(opened instanceof PowerLoss)) break;
        files.losePower(new SeededRandom(100 * seed + losses), 0.5);
        await expectRight(files, model);
      }
      expect(losses).toBeGreaterThan(3);
      expect(new NaiveVhdx(files.bytesOf(path)).logWasDirty).toBe(false);
    }
  });
});
