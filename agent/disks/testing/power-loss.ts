import { basename } from 'node:path';
import { openDisk } from '../chain';
import type { ImageKind, ImageShape, WritableImage } from '../image';
import { createImage, openImage, type ImageFormat, type ImageWriteOptions } from '../open-image';
import { kib, mib } from '../vhdx/numbers';
import { ids, nowMs, shapeOf, well, writeOptions } from './disks';
import { MemoryFiles, PowerLoss } from './memory-files';
import { SeededRandom } from './random';
import { nextStep, take, windowsOf, type Window } from './scripts';
import { firstWrongSector, observe, SectorModel, stampedRange } from './sector-model';
import { soak } from './soak';

const stepsPerSession = 20;
const lossesPerCase = 3 * soak;

/** What of a format the tests of power losses need. */
export type Case = {
  readonly format: ImageFormat;
  readonly kind: ImageKind;
  readonly sectorBytes: 512 | 4096;
  readonly tables: ImageWriteOptions['tables'];
};

/** A reader that shares no code with ours. */
export type SecondOpinion = { sector(number: number): Buffer | 'parent' };
type Asked = (file: Buffer) => SecondOpinion;

export const pathOf = ({ format }: Pick<Case, 'format'>): string => `/disks/disk.${format}`;
const parentPathOf = ({ format }: Case): string => `/disks/parent.${format}`;

/** Two chunks of a sector bitmap and a bit, ending inside a block; small when all of it is allocated. */
export function sizeFor({ format, kind, sectorBytes }: Case): number {
  return kind === 'fixed' || format === 'vhd' ? 5.5 * mib : 2 ** 23 * sectorBytes + 4.5 * mib;
}

const oneId = { virtualDiskId: ids.content, dataWriteId: ids.content };
const create = (one: Case, path: string, shape: ImageShape, files: MemoryFiles) =>
  createImage(one.format, path, shape, { ...writeOptions({ files, tables: one.tables }), nowMs });

const shapeFor = (one: Case): ImageShape =>
  shapeOf({
    kind: one.kind,
    virtualSizeBytes: sizeFor(one),
    logicalSectorSizeBytes: one.sectorBytes,
    ...(one.format === 'vhd' && { ...oneId, blockSizeBytes: 512 * kib, physicalSectorSizeBytes: 512 }),
    ...(one.kind === 'differencing' && {
      parent: { dataWriteId: ids.content, relativePath: basename(parentPathOf(one)) },
    }),
  });

export async function prepare(
  one: Case,
  windows: readonly Window[],
): Promise<{ files: MemoryFiles; model: SectorModel }> {
  const files = new MemoryFiles(one.sectorBytes);
  const model = new SectorModel(one.sectorBytes);
  if (one.kind === 'differencing') {
    const { parent: _, ...shape } = shapeFor(one);
    const parent = well(await create(one, parentPathOf(one), { ...shape, kind: 'dynamic' }, files));
    for (const { from, to } of windows) {
      const end = Math.floor((from + to) / 2);
      model.settle(from, end, 1);
      await parent.write(stampedRange(1, from, end, one.sectorBytes), from * one.sectorBytes);
    }
    await parent.close();
  }
  const shape = shapeFor(one);
  const own =
    one.format === 'vhd' && one.kind === 'differencing' ? { virtualDiskId: ids.disk, dataWriteId: ids.disk } : {};
  await well(await create(one, pathOf(one), { ...shape, ...own }, files)).close();
  return { files, model };
}

type Session = (files: MemoryFiles, model: SectorModel) => Promise<void>;

/** Random steps, the same ones for a seed, until they end or the power goes. A second opening finds what the first left behind. */
function randomSession(one: Case, windows: readonly Window[], seed: number): Session {
  return async (files, model) => {
    const random = new SeededRandom(seed);
    let stamp = 1000 * seed;
    for (let opening = 0; opening < 2; opening++) {
      const image: WritableImage = well(await openImage(pathOf(one), writeOptions({ files, tables: one.tables })));
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
  const chunk = one.kind === 'fixed' || one.format === 'vhd' ? 3 * perMib : 2 ** 23;
  return async (files, model) => {
    const image = well(await openImage(pathOf(one), writeOptions({ files, tables: one.tables })));
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
async function runAndLose(
  one: Case,
  files: MemoryFiles,
  model: SectorModel,
  session: Session,
  loss: Loss,
): Promise<void> {
  files.operations = 0;
  files.powerLossAt = loss.at;
  await session(files, model).catch((thrown: unknown) => expect(thrown).toBeInstanceOf(PowerLoss));
  files.losePower(loss.random, loss.random.pick([0, 1, 0.5, 0.2, 0.8]));
  const disk = well(await openDisk(pathOf(one), { access: 'read', roots: ['/disks'], files }));
  expect(await firstWrongSector(disk, model, 'allowed')).toBeUndefined();
  await observe(disk, model);
  await disk.close();
}

type Loss = { readonly at: number; readonly random: SeededRandom };

/** How many operations a session takes when nothing interrupts it. */
async function operationsOf(one: Case, prepared: MemoryFiles, before: SectorModel, session: Session): Promise<number> {
  const files = prepared.copy();
  const model = before.copy();
  await session(files, model);
  await expectRight(one, files, model);
  return files.operations;
}

export async function expectRight(one: Case, files: MemoryFiles, model: SectorModel): Promise<void> {
  const disk = well(await openDisk(pathOf(one), { access: 'read', roots: ['/disks'], files }));
  expect(await firstWrongSector(disk, model, 'allowed')).toBeUndefined();
  await disk.close();
}

function expectSecondOpinion(one: Case, ask: Asked, files: MemoryFiles, model: SectorModel): void {
  const child = ask(files.bytesOf(pathOf(one)));
  const parent = one.kind === 'differencing' ? ask(files.bytesOf(parentPathOf(one))) : undefined;
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
  const image = well(await openImage(pathOf(one), writeOptions({ files, tables: one.tables })));
  for (const { from, to } of windows) {
    const end = Math.min(to, from + 9);
    await image.write(stampedRange(999, from, end, one.sectorBytes), from * one.sectorBytes);
    model.settle(from, end, 999);
  }
  await image.close();
  await expectRight(one, files, model);
}

/** The tests that each way to write a format has to pass. */
export function powerLossTests(one: Case, ask: Asked): void {
  const windows = windowsOf(sizeFor(one), one.sectorBytes);

  it(
    'a power loss at any operation, and another after it, leave what was flushed and never bytes of another place',
    async () => {
      const { files: prepared, model: before } = await prepare(one, windows);
      const operations = await operationsOf(one, prepared, before, shortSession(one, 2));
      const random = new SeededRandom(6);
      const step = Math.ceil(5 / soak);
      for (let at = 1 + random.below(step); at <= operations; at += step) {
        for (let time = 0; time < soak; time++) {
          const files = prepared.copy();
          const model = before.copy();
          await runAndLose(one, files, model, shortSession(one, 2), { at, random });
          await runAndLose(one, files, model, shortSession(one, 3), { at: 1 + random.below(operations), random });
          await shortSession(one, 4)(files, model);
          await expectRight(one, files, model);
          if (time === 0) expectSecondOpinion(one, ask, files, model);
        }
      }
    },
    30_000 * soak,
  );

  it(
    'a power loss among random steps leaves what was flushed and never bytes of another place',
    async () => {
      const { files: prepared, model: before } = await prepare(one, windows);
      const operations = await operationsOf(one, prepared, before, randomSession(one, windows, 7));
      const random = new SeededRandom(5);
      for (let loss = 0; loss < lossesPerCase; loss++) {
        const files = prepared.copy();
        const model = before.copy();
        const at = 1 + Math.floor((loss * (operations - 3)) / lossesPerCase) + random.below(3);
        await runAndLose(one, files, model, randomSession(one, windows, 7), { at, random });
        expectSecondOpinion(one, ask, files, model);
        await expectGoesOn(files, one, windows, model);
      }
    },
    30_000 * soak,
  );
}
