import { afterwards } from '../../../contracts/afterwards';
import { copyFile, open } from 'node:fs/promises';
import { constants } from 'node:fs';
import { basename, join } from 'node:path';
import { failed, failureOf, succeeded, type Failure, type Outcome } from '../../../contracts/failure';
import type { DriverContext } from '../driver';
import { DiskError, outcomeOf } from '../../disks/failures';
import type { ReadableImage, WritableImage } from '../../disks/image';
import { createImage, formatOfName } from '../../disks/open-image';
import { errorCode, refusalOfVolume } from '../../thrown';
import type { Guest } from './guest/guest';
import type { GuestDisk, GuestDisks } from './guest/recall';
import type { SimulatedHost } from './host';
import { meterOf } from '../home/work';
import { homeLayout } from '../home/layout';
import type { VmRegistration } from './records';

const copyBytes = 1024 * 1024;

/**
 * A disk of a guest whose writes go to a second image as well. When the second fails, the guest goes on with the first alone, and
 * `failure` says so: a storage migration never costs the guest a write.
 */
class MirroredDisk implements GuestDisk {
  failure: Failure | undefined;
  mirroredBytes = 0;

  constructor(
    readonly inner: GuestDisk,
    readonly copy: WritableImage,
  ) {}

  get images(): readonly ReadableImage[] {
    return this.inner.images;
  }
  get virtualSizeBytes(): number {
    return this.inner.virtualSizeBytes;
  }
  read(target: Uint8Array, offsetBytes: number): Promise<void> {
    return this.inner.read(target, offsetBytes);
  }
  async write(data: Uint8Array, offsetBytes: number): Promise<void> {
    await this.inner.write(data, offsetBytes);
    await this.onCopy(() => this.copy.write(data, offsetBytes));
    this.mirroredBytes += data.length;
  }
  async flush(): Promise<void> {
    await this.inner.flush();
    await this.onCopy(() => this.copy.flush());
  }
  async close(): Promise<void> {
    await this.inner.close();
    await this.onCopy(() => this.copy.close());
  }

  private async onCopy(work: () => Promise<void>): Promise<void> {
    if (this.failure !== undefined) return;
    try {
      await work();
    } catch (thrown) {
      if (!(thrown instanceof DiskError)) throw thrown;
      this.failure = thrown.failure;
    }
  }
}

export type Mirrored = { readonly copiedBytes: number; readonly mirroredBytes: number };

/**
 * Copies the disks of a running guest below another home: the files that stand still as files, the last image of each disk block by block,
 * while every write of the guest goes to both. It then stands still for no longer than it takes to switch.
 */
export class Mirror {
  private readonly disks: MirroredDisk[] = [];
  private copiedBytes = 0;

  private constructor(
    private readonly host: SimulatedHost,
    private readonly context: DriverContext,
    private readonly guest: Guest,
    private readonly folder: string,
    /** What is to be sent after the disks, so that the progress is that of the whole move. */
    private readonly memoryBytes: number,
  ) {}

  /** Everything is copied and every write goes to both, when this answers. What fails leaves the guest on its own disks alone. */
  static async make(
    host: SimulatedHost,
    context: DriverContext,
    guest: Guest,
    home: string,
    memoryBytes = 0,
  ): Promise<Outcome<Mirror>> {
    const mirror = new Mirror(host, context, guest, homeLayout(home).disks, memoryBytes);
    const made = await outcomeOf(() => mirror.copy());
    if (made.ok) return succeeded(mirror);
    await mirror.stop();
    return failed({ ...made.failure, effect: 'none' });
  }

  /** A copy that a write missed is no copy. */
  get failure(): Failure | undefined {
    return this.disks.map((disk) => disk.failure).find((failure) => failure !== undefined);
  }

  get sums(): Mirrored {
    return {
      copiedBytes: this.copiedBytes,
      mirroredBytes: this.disks.reduce((sum, disk) => sum + disk.mirroredBytes, 0),
    };
  }

  /** The guest goes on with its own disks alone. */
  async stop(): Promise<void> {
    const copies = this.disks.map((disk) => disk.copy);
    await this.guest.quiesced((disks) =>
      Promise.resolve(
        disks.map(({ diskId, disk }) => ({ diskId, disk: disk instanceof MirroredDisk ? disk.inner : disk })),
      ),
    );
    for (const copy of copies) await outcomeOf(() => copy.close());
  }

  private async copy(): Promise<void> {
    await this.copyParents(this.guest.currentDisks);
    await this.guest.quiesced(async (disks) => {
      const mirrored: { diskId: GuestDisks[number]['diskId']; disk: MirroredDisk }[] = [];
      for (const { diskId, disk } of disks) {
        const both = new MirroredDisk(disk, await this.newLeaf(disk));
        this.disks.push(both);
        mirrored.push({ diskId, disk: both });
      }
      return mirrored;
    });
    const bytesTotal = this.disks.reduce((sum, disk) => sum + dataBytesOf(leafOf(disk.inner)), 0);
    const report = meterOf(this.host.clock, this.context);
    const beganAtMs = this.host.clock.now();
    for (const disk of this.disks) {
      for (let at = 0; at < disk.virtualSizeBytes; at += copyBytes) {
        this.stopIfAsked(disk);
        await this.guest.betweenWrites(() => this.copyRange(disk, at, Math.min(at + copyBytes, disk.virtualSizeBytes)));
        const bytesDone = Math.min(this.copiedBytes, bytesTotal);
        report({ bytesDone, bytesTotal: bytesTotal + this.memoryBytes });
        await this.pace(bytesDone, beganAtMs);
      }
    }
  }

  /** Waits until so many bytes may have been copied. */
  private async pace(bytesDone: number, beganAtMs: number): Promise<void> {
    const { storageBytesPerSecond } = this.host.record.liveMigration;
    if (storageBytesPerSecond === null) return;
    const waitMs = beganAtMs + (1000 * bytesDone) / storageBytesPerSecond - this.host.clock.now();
    if (waitMs > 0) await this.host.clock.sleep(waitMs, this.context.signal);
  }

  private async copyParents(disks: GuestDisks): Promise<void> {
    const parents = new Set(disks.flatMap(({ disk }) => disk.images.slice(0, -1).map((image) => image.path)));
    for (const path of parents) {
      this.stopIfAsked();
      await copyWhole(path, join(this.folder, basename(path)));
    }
  }

  private async newLeaf(disk: GuestDisk): Promise<WritableImage> {
    const leaf = leafOf(disk);
    const { newGuid, clock } = this.host;
    const options = { tables: 'logged', dataWriteId: 'kept', newGuid, nowMs: () => clock.now() } as const;
    const name = basename(leaf.path);
    const made = await createImage(formatOfName(name) ?? 'vhdx', join(this.folder, name), leaf.shape, options);
    if (!made.ok) throw new DiskError(made.failure);
    return made.value;
  }

  private async copyRange({ inner, copy }: MirroredDisk, from: number, to: number): Promise<void> {
    const leaf = leafOf(inner);
    for (const { kind, offsetBytes, lengthBytes } of [...leaf.extents(from, to)]) {
      if (kind === 'zero') {
        await copy.writeZeros(offsetBytes, lengthBytes);
        continue;
      }
      const bytes = new Uint8Array(lengthBytes);
      await leaf.read(bytes, offsetBytes);
      await copy.write(bytes, offsetBytes);
      this.copiedBytes += lengthBytes;
    }
  }

  private stopIfAsked(disk?: MirroredDisk): void {
    if (this.context.signal.aborted)
      throw new DiskError(failureOf('CanceledByOperator', { message: 'The move of the disks was stopped.' }));
    if (disk?.failure !== undefined) throw new DiskError(disk.failure);
  }
}

function leafOf(disk: GuestDisk): ReadableImage {
  const leaf = disk.images.at(-1);
  if (leaf === undefined) throw new RangeError('a disk has at least one image');
  return leaf;
}

/** Data that an image holds. */
function dataBytesOf(image: ReadableImage): number {
  let dataBytes = 0;
  for (const { kind, lengthBytes } of image.extents()) if (kind !== 'zero') dataBytes += lengthBytes;
  return dataBytes;
}

async function copyWhole(from: string, to: string): Promise<void> {
  try {
    await copyFile(from, to, constants.COPYFILE_FICLONE);
    const handle = await open(to, 'r+');
    await afterwards(handle.sync(), () => handle.close());
  } catch (thrown) {
    const code = errorCode(thrown);
    if (code === undefined) throw thrown;
    const message = `${from} cannot be copied to ${to}: ${code}`;
    throw new DiskError(failureOf(refusalOfVolume(thrown) ?? 'IoFailed', { message }));
  }
}

/** A registration whose images are below another home, under the names that they have. */
export function movedTo<T extends VmRegistration>(vm: T, home: string): T {
  const { disks } = homeLayout(home);
  const moved = <D extends { readonly path: string }>(all: readonly D[]): D[] =>
    all.map((disk) => ({ ...disk, path: join(disks, basename(disk.path)) }));
  return {
    ...vm,
    home,
    disks: moved(vm.disks),
    vmCheckpoints: vm.vmCheckpoints.map((taken) => ({ ...taken, frozen: moved(taken.frozen) })),
  };
}
