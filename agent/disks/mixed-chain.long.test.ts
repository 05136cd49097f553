import { openDisk } from './chain';
import { mergeIntoParent } from './merge';
import { createImage, openImage, type ImageFormat } from './open-image';
import { ids, newGuid, nowMs, shapeOf, well, writeOptions } from './testing/disks';
import { MemoryFiles, PowerLoss } from './testing/memory-files';
import { SeededRandom } from './testing/random';
import { nextStep, take, windowsOf, type Window } from './testing/scripts';
import { firstWrongSector, SectorModel } from './testing/sector-model';
import { soak } from './testing/soak';
import { kib, mib } from './vhdx/numbers';

const roots = ['/disks'];
const sizeBytes = 5.5 * mib;

type Link = { readonly path: string; readonly dataWriteId: string };

/** A disk that takes checkpoints, merges and writes at random, beside a model of plain sectors. */
class World {
  readonly files = new MemoryFiles();
  readonly model = new SectorModel(512);
  readonly windows: readonly Window[] = windowsOf(sizeBytes, 512);
  readonly random: SeededRandom;
  readonly #formats: readonly ImageFormat[];
  chain: Link[] = [];
  #made = 0;
  #stamp = 0;

  constructor(seed: number, formats: readonly ImageFormat[]) {
    this.random = new SeededRandom(seed);
    this.#formats = formats;
  }

  get top(): Link {
    const top = this.chain.at(-1);
    if (top === undefined) throw new RangeError('no chain');
    return top;
  }

  /** A new differencing disk on top; the first one is the base. */
  async checkpoint(): Promise<void> {
    const parent = this.chain.at(-1);
    const format = this.random.pick(this.#formats);
    const link = { path: `/disks/${this.#made++}.${format}`, dataWriteId: newGuid() };
    const { path, dataWriteId } = link;
    const relativePath = parent?.path.slice('/disks/'.length) ?? '';
    const shape = shapeOf({
      virtualSizeBytes: sizeBytes,
      blockSizeBytes: format === 'vhdx' ? this.random.pick([mib, 2 * mib]) : this.random.pick([512 * kib, 2 * mib]),
      physicalSectorSizeBytes: 512,
      dataWriteId,
      virtualDiskId: format === 'vhd' ? dataWriteId : ids.disk,
      kind: this.random.pick(['dynamic', 'fixed']),
      ...(parent && { kind: 'differencing', parent: { dataWriteId: parent.dataWriteId, relativePath } }),
    });
    const options = { ...writeOptions({ files: this.files }), nowMs };
    await well(await createImage(format, path, shape, options)).close();
    this.chain.push(link);
  }

  async scribble(): Promise<void> {
    const tables = this.random.pick(['logged', 'ordered'] as const);
    const image = well(await openImage(this.top.path, writeOptions({ files: this.files, tables })));
    for (let step = 0; step < 15; step++)
      await take(image, this.model, nextStep(this.random, this.windows, 512), ++this.#stamp);
    await image.close();
  }

  /** Merges some image into its parent, whose place in the chain the pair then has; now and then the power goes meanwhile. */
  async merge(): Promise<void> {
    const index = 1 + this.random.below(this.chain.length - 1);
    const parent = this.chain[index - 1];
    const child = this.chain[index];
    if (parent === undefined || child === undefined) throw new RangeError('no pair');
    const run = () =>
      mergeIntoParent({
        childPath: child.path,
        parentPath: parent.path,
        parentDataWriteId: 'from-child',
        newGuid,
        signal: new AbortController().signal,
        report: () => undefined,
        files: this.files,
      });
    if (this.random.next() < 0.5) {
      this.files.operations = 0;
      this.files.powerLossAt = 1 + this.random.below(40);
      await run().catch((thrown: unknown) => expect(thrown).toBeInstanceOf(PowerLoss));
      this.files.losePower(this.random, this.random.pick([0, 0.5, 1]));
    }
    well(await run());
    this.chain.splice(index - 1, 2, { path: parent.path, dataWriteId: child.dataWriteId });
    await this.files.remove(child.path);
    await this.#relinkAbove(index - 1);
  }

  async expectRight(): Promise<void> {
    const disk = well(await openDisk(this.top.path, { access: 'read', roots, files: this.files }));
    expect(disk.images.map((image) => image.path)).toEqual(this.chain.map((link) => link.path));
    expect(await firstWrongSector(disk, this.model, 'shown')).toBeUndefined();
    await disk.close();
  }

  /** The child above a merged pair names a file that is gone: as Hyper-V does, it gets the name of the merged one in that place. */
  async #relinkAbove(index: number): Promise<void> {
    const merged = this.chain[index];
    const above = this.chain[index + 1];
    if (merged === undefined || above === undefined) return;
    const old = well(await openImage(above.path, { access: 'read', files: this.files }));
    const wanted = old.shape.parent?.relativePath?.replace(/^\.\\/u, '/disks/') ?? '';
    await old.close();
    this.files.put(wanted, this.files.bytesOf(merged.path));
    if (wanted !== merged.path) await this.files.remove(merged.path);
    this.chain[index] = { ...merged, path: wanted };
  }
}

describe.each([
  { what: 'VHD', formats: ['vhd'] },
  { what: 'VHDX', formats: ['vhdx'] },
] as { what: string; formats: ImageFormat[] }[])('chains of $what', ({ formats }) => {
  it('show what was written, whatever checkpoints, merges and losses of power come between', async () => {
    for (let seed = 0; seed < 4 * soak; seed++) await live(new World(seed, formats));
  });
});

describe('chains of both formats', () => {
  it('show what was written, before and after they are merged down to the base', async () => {
    for (let seed = 0; seed < 4 * soak; seed++) {
      const world = new World(100 + seed, ['vhd', 'vhdx']);
      for (let level = 0; level < 5; level++) {
        await world.checkpoint();
        await world.scribble();
        await world.expectRight();
      }
      for (let top = 4; top > 0; top--) {
        const child = world.chain[top]!.path;
        const parentPath = world.chain[top - 1]!.path;
        const merged = await mergeIntoParent({
          childPath: child,
          parentPath,
          parentDataWriteId: 'kept',
          newGuid,
          signal: new AbortController().signal,
          report: () => undefined,
          files: world.files,
        });
        well(merged);
        world.chain.pop();
        await world.expectRight();
      }
    }
  });
});

async function live(world: World): Promise<void> {
  await world.checkpoint();
  for (let step = 0; step < 12; step++) {
    await world.scribble();
    const chance = world.random.next();
    if (chance < 0.5 && world.chain.length < 6) await world.checkpoint();
    else if (world.chain.length > 1) await world.merge();
    await world.expectRight();
  }
}
