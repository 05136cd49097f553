import { readFile } from 'node:fs/promises';
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { writeJsonAtomic } from '../../../agent/hyperv/files';
import type { SimulatedHost } from '../../../agent/hyperv/simulated/host';
import { mergeVmCheckpoint } from '../../../agent/hyperv/simulated/operations/remove-vm-checkpoint';
import { freeze } from '../../../agent/hyperv/simulated/operations/take-vm-checkpoint';
import type { VmCheckpointRecord, VmRecord } from '../../../agent/hyperv/simulated/records';
import { trackedDiskOf } from '../../../agent/hyperv/simulated/tracking/tracked-disk';
import { advanceTracking, changedSince } from '../../../agent/hyperv/simulated/tracking/tracker';
import { factsOfFiles } from '../../../agent/hyperv/simulated/images';
import type { Outcome } from '../../../contracts/failure';
import { diskId, runId, vmId as vmIdOf, type RunId, type VmId } from '../../../contracts/ids';
import { succeeded } from '../../../contracts/failure';
import { HyperVRefusal } from './refusal';

const trackedDisk = z.object({ diskId, trackingId: z.string() });

/** What the simulated host has no place for. */
const kept = z.object({
  names: z.record(z.string(), z.string()),
  /** Recovery checkpoints, with the points of the tracking at which they were taken. */
  recovery: z.record(z.string(), z.array(trackedDisk)),
  referencePoints: z.array(z.object({ id: z.string(), vmId: z.string(), disks: z.array(trackedDisk) })),
});
type Kept = z.infer<typeof kept>;

const nothing: Kept = { names: {}, recovery: {}, referencePoints: [] };
const invalidState = (message: string) => new HyperVRefusal('InvalidState', message);

const takesCheckpoint = 32768;
const mergesDisks = 32772;

/** As much of a disk as one call tells of, so that more than one is needed. */
const toldBytesMax = 5 * 1024 ** 2;

/** VM checkpoints, and the reference points that recovery checkpoints become. Each is made under a run of its own at the simulated host. */
export class Checkpoints {
  private readonly merging = new Map<VmId, Promise<unknown>>();
  private readonly going = new Set<string>();
  private readonly taking = new Set<string>();
  /** False where recovery checkpoints keep the name that Hyper-V gave them. */
  renamesRecovery = true;

  constructor(
    private readonly host: SimulatedHost,
    private readonly file: string,
  ) {}

  /** What Msvm_ComputerSystem.OperationalStatus tells of a VM beside that it is well. */
  statusOf(vmId: VmId): number[] {
    if (this.taking.has(vmId)) return [takesCheckpoint];
    return this.merging.has(vmId) ? [mergesDisks] : [];
  }

  /** Those of a VM, the oldest first, without what is being removed. */
  async of(vm: VmRecord) {
    const { names, recovery } = await this.kept();
    const isTold = ({ id, runId: by }: VmCheckpointRecord) =>
      (by === null || names[id] !== undefined) && !this.going.has(id);
    // Hyper-V makes some for work of its own, and shows none of them.
    const shown = vm.vmCheckpoints.filter((taken) => taken.stage === 'taken' && isTold(taken));
    return shown.map(({ id, name, hasMemory, frozen }, at) => ({
      id,
      name: names[id] ?? name,
      type: recovery[id] === undefined ? 'Standard' : 'Recovery',
      parentId: shown[at - 1]?.id ?? null,
      state: hasMemory === true ? 'Saved' : 'Off',
      paths: frozen.map(({ path }) => path),
    }));
  }

  async take(id: string, name: string, type: 'Standard' | 'Recovery'): Promise<void> {
    if (this.taking.has(id)) throw invalidState('A VM checkpoint is being taken.');
    this.taking.add(id);
    try {
      await this.takeNow(id, name, type);
    } finally {
      this.taking.delete(id);
    }
  }

  private async takeNow(id: string, name: string, type: 'Standard' | 'Recovery'): Promise<void> {
    await this.locked(id, async (vm) => {
      if (vm.vmCheckpoints.some(({ stage }) => stage !== 'taken')) throw invalidState(`${vm.name} merges its disks.`);
      if (!this.host.guests.has(vm.vmId)) allow(await factsOfFiles(this.host, vm.disks));
      const tracked: z.infer<typeof trackedDisk>[] = [];
      const run = freeRun(vm);
      const frozen = await freeze(this.host, vm, run, async (now) => {
        if (type === 'Recovery') tracked.push(...(await this.advance(now)));
        return succeeded(now);
      });
      allow(frozen);
      const made = frozen.ok ? frozen.value.vmCheckpoints.find((taken) => taken.runId === run) : undefined;
      if (made === undefined) throw new Error('a VM checkpoint that was taken is in the record');
      const now = await this.kept();
      const recovery = type === 'Recovery' ? { ...now.recovery, [made.id]: tracked } : now.recovery;
      await this.keep({ ...now, names: { ...now.names, [made.id]: name }, recovery });
    });
  }

  async rename(vmId: string, id: string, name: string): Promise<void> {
    this.needed(this.vm(vmId), id);
    const now = await this.kept();
    if (now.recovery[id] !== undefined && !this.renamesRecovery)
      throw new HyperVRefusal('OperationFailed', 'A recovery checkpoint cannot be renamed.');
    await this.keep({ ...now, names: { ...now.names, [id]: name } });
  }

  /** Answers at once, as Hyper-V does; the merge goes on. */
  remove(vmId: string, id: string): Promise<void> {
    const vm = this.vm(vmId);
    const taken = this.needed(vm, id);
    const left = vm.vmCheckpoints.filter((one) => !this.going.has(one.id));
    if (left.at(-1)?.id !== id) throw invalidState('The stand-in removes the newest VM checkpoint alone.');
    this.going.add(id);
    const before = this.merging.get(vm.vmId) ?? Promise.resolve();
    const merge = before.then(() => this.merge(vm.vmId, taken));
    this.merging.set(vm.vmId, merge);
    void merge.finally(() => {
      if (this.merging.get(vm.vmId) === merge) this.merging.delete(vm.vmId);
    });
    return Promise.resolve();
  }

  /** A reference point in place of a recovery checkpoint, whose disks are merged. */
  async convert(vmId: string, checkpointId: string): Promise<void> {
    const now = await this.kept();
    const disks = now.recovery[checkpointId];
    if (disks === undefined) throw invalidState('Only a recovery checkpoint becomes a reference point.');
    await this.remove(vmId, checkpointId);
    const { [checkpointId]: _, ...recovery } = now.recovery;
    const point = { id: `Microsoft:${randomUUID().toUpperCase()}`, vmId, disks };
    await this.keep({ ...now, recovery, referencePoints: [...now.referencePoints, point] });
  }

  async points() {
    return (await this.kept()).referencePoints;
  }

  async destroyPoint(id: string): Promise<void> {
    const now = await this.kept();
    const referencePoints = now.referencePoints.filter((point) => point.id !== id);
    if (referencePoints.length === now.referencePoints.length)
      throw new HyperVRefusal('ObjectNotFound', `There is no reference point ${id}.`);
    await this.keep({ ...now, referencePoints });
  }

  /** What is not known of a point that Hyper-V has lost. */
  async losePoints(): Promise<void> {
    await this.keep({ ...(await this.kept()), referencePoints: [] });
  }

  /** A VM that is not registered any more has none. */
  async forget(vmId: string): Promise<void> {
    const now = await this.kept();
    await this.keep({ ...now, referencePoints: now.referencePoints.filter((point) => point.vmId !== vmId) });
  }

  /** What changed of a file since a point, of a part of it; undefined where the point is not known. */
  async changes(path: string, since: string, offsetBytes: number, lengthBytes: number) {
    for (const vm of this.host.state.vms)
      for (const { diskId: of, path: attached } of vm.disks) {
        const images = await factsOfFiles(this.host, [{ diskId: of, path: attached }]);
        if (!images.ok || !images.value[0]?.images.some((image) => image.path === path)) continue;
        const points = (await this.kept()).referencePoints.flatMap(({ disks }) => disks);
        const isKnown = points.some((disk) => disk.diskId === of && disk.trackingId === since);
        const all = isKnown ? await changedSince(this.host.layout.trackingFile(vm.vmId, of), since) : undefined;
        if (all === undefined) return undefined;
        const processedBytes = Math.min(lengthBytes, toldBytesMax);
        return { processedBytes, ranges: within(all, offsetBytes, offsetBytes + processedBytes) };
      }
    throw new HyperVRefusal('ObjectNotFound', `${path} was not found.`, 0x80070002 | 0);
  }

  async idle(): Promise<void> {
    await Promise.all(this.merging.values());
  }

  private async merge(vmId: VmId, { id, runId: by }: VmCheckpointRecord): Promise<void> {
    const run = by ?? runId.parse('nobody');
    const context = { runId: run, signal: new AbortController().signal, report: () => undefined };
    await this.host.locks.with(vmId, () => mergeVmCheckpoint(this.host, context, vmId));
    this.going.delete(id);
  }

  private async advance({ vmId, disks }: VmRecord): Promise<z.infer<typeof trackedDisk>[]> {
    const points: z.infer<typeof trackedDisk>[] = [];
    for (const { diskId: of, path } of disks) {
      const disk = allow(await trackedDiskOf(path));
      const file = this.host.layout.trackingFile(vmId, of);
      const { trackingId } = await advanceTracking(file, disk, null, this.host.newGuid);
      points.push({ diskId: of, trackingId });
    }
    return points;
  }

  private locked<T>(id: string, work: (vm: VmRecord) => Promise<T>): Promise<T> {
    return this.host.locks.with(vmIdOf.parse(id), () => work(this.vm(id)));
  }

  private vm(id: string): VmRecord {
    const vm = this.host.state.vm(vmIdOf.parse(id));
    if (vm === undefined) throw new HyperVRefusal('InvalidParameter', `There is no VM ${id}.`);
    return vm;
  }

  private needed(vm: VmRecord, id: string): VmCheckpointRecord {
    const taken = vm.vmCheckpoints.find((one) => one.id === id && !this.going.has(id));
    if (taken === undefined) throw new HyperVRefusal('ObjectNotFound', `There is no VM checkpoint ${id}.`);
    return taken;
  }

  private async kept(): Promise<Kept> {
    const text = await readFile(this.file, 'utf8').catch(() => JSON.stringify(nothing));
    return kept.parse(JSON.parse(text));
  }

  private keep(now: Kept): Promise<void> {
    return writeJsonAtomic(this.file, now);
  }
}

/** Runs under which the simulated host makes what its own Hyper-V is asked for: one VM checkpoint of each. */
function freeRun({ vmCheckpoints }: VmRecord): RunId {
  const used = new Set(vmCheckpoints.map((taken) => taken.runId));
  for (let number = 1; ; number++) {
    const run = runId.parse(`stand-in-${number}`);
    if (!used.has(run)) return run;
  }
}

function within(ranges: readonly (readonly [number, number])[], from: number, to: number): [number, number][] {
  return ranges.flatMap(([offset, length]): [number, number][] => {
    const first = Math.max(offset, from);
    const last = Math.min(offset + length, to);
    return first < last ? [[first, last - first]] : [];
  });
}

export function allow<T>(outcome: Outcome<T>): T {
  if (outcome.ok) return outcome.value;
  throw new HyperVRefusal('OperationFailed', `${outcome.failure.code}: ${outcome.failure.message}`);
}
