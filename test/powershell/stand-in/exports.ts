import { randomUUID } from 'node:crypto';
import { readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolder, removeDurably } from '../../../agent/hyperv/files';
import { exportLayout, unpublishedFolder } from '../../../agent/hyperv/home/export-folder';
import type { HyperVDriver } from '../../../agent/hyperv/driver';
import { hostBehind } from '../../../agent/hyperv/simulated/driver';
import { exportedConfiguration, type VmRegistration } from '../../../agent/hyperv/simulated/records';
import { describeThrown, type Outcome } from '../../../contracts/failure';
import { vmId as vmIdOf, type RunId } from '../../../contracts/ids';
import type { VmFacts } from '../../../contracts/facts';
import { HyperVRefusal } from './refusal';
import { writeExported } from './registrations';

export type ExportSettings = {
  readonly copiesRuntime: boolean;
  readonly copiesStorage: boolean;
  /** Null: with all VM checkpoints, or none; else the one that is exported as a VM of its own. */
  readonly checkpointId: string | null;
  /** What of a VM that runs: CaptureLiveState. */
  readonly captures: number;
};

type Job = {
  readonly id: string;
  readonly vmId: string;
  state: number;
  percent: number;
  errorCode: number;
  description: string;
  readonly stop: AbortController;
};

const running = 4;
const completed = 7;
const terminated = 8;
const exception = 10;

type Host = {
  readonly simulated: HyperVDriver;
  readonly by: RunId;
  readonly own: (vmId: string) => Promise<VmFacts>;
  readonly notesOf: (vmId: string) => Promise<string>;
};

/** Exports with disks: jobs of Hyper-V, which outlive the workers. The simulated host writes them; the stand-in gives them its own configuration. */
export class StandInExports {
  private readonly jobs = new Map<string, Job>();
  private readonly work = new Set<Promise<void>>();
  /** What exports with disks were asked for, in order. */
  readonly asked: ExportSettings[] = [];
  /** What the next job fails with. */
  failing: { readonly errorCode: number; readonly description: string } | undefined;
  /** Holds jobs where they began, until it is let go. */
  gate: Promise<void> = Promise.resolve();

  constructor(private readonly host: Host) {}

  isExporting(vmId: string): boolean {
    return [...this.jobs.values()].some((job) => job.vmId === vmId && job.state === running);
  }

  list() {
    return [...this.jobs.values()].map(({ stop: _stop, ...told }) => told);
  }

  stop(id: string): void {
    this.jobs.get(id)?.stop.abort();
  }

  /** Hyper-V lists a job that ended for some minutes. */
  forget(): void {
    for (const job of this.jobs.values()) if (job.state !== running) this.jobs.delete(job.id);
  }

  async begin(id: string, folder: string, settings: ExportSettings): Promise<string> {
    const vm = await this.host.own(id);
    this.asked.push(settings);
    if (this.isExporting(vm.vmId)) throw new HyperVRefusal('InvalidState', `${vm.name} is being exported.`);
    const stop = new AbortController();
    const ofVm = { id: randomUUID(), vmId: vm.vmId };
    const job: Job = { ...ofVm, state: running, percent: 0, errorCode: 0, description: '', stop };
    this.jobs.set(job.id, job);
    const work = this.carryOut(job, vm, folder, settings);
    this.work.add(work);
    void work.finally(() => this.work.delete(work));
    return job.id;
  }

  async idle(): Promise<void> {
    await Promise.all(this.work);
  }

  private async carryOut(job: Job, vm: VmFacts, folder: string, settings: ExportSettings): Promise<void> {
    const stopped = new Promise<void>((resolve) => {
      job.stop.signal.addEventListener('abort', () => {
        resolve();
      });
    });
    await Promise.race([this.gate, stopped]);
    const { failing } = this;
    this.failing = undefined;
    try {
      if (failing === undefined) await this.write(job, vm, folder, settings);
      job.state = job.stop.signal.aborted ? terminated : failing === undefined ? completed : exception;
      Object.assign(job, failing);
      job.percent = 100;
    } catch (thrown) {
      job.state = job.stop.signal.aborted ? terminated : exception;
      job.errorCode = 32_768;
      job.description = describeThrown(thrown);
    }
  }

  private async write(job: Job, vm: VmFacts, folder: string, { checkpointId }: ExportSettings): Promise<void> {
    const { simulated, by } = this.host;
    const ofVm = { vmId: vm.vmId };
    const context = {
      runId: by,
      signal: job.stop.signal,
      report: ({ bytesDone, bytesTotal }: { bytesDone: number; bytesTotal: number }) => {
        job.percent = bytesTotal === 0 ? 0 : Math.floor((99 * bytesDone) / bytesTotal);
      },
    };
    const isLive = vm.state === 'running' && checkpointId === null;
    if (isLive) allow(await simulated.perform('take-vm-checkpoint', context, ofVm));
    const beside = `${folder}.hyper-v`;
    try {
      const part = checkpointId === null ? ('whole' as const) : ('vm-checkpoint' as const);
      const asked = { ...ofVm, folder: beside, part, vmCheckpointId: checkpointId };
      allow(await simulated.perform('export-vm', context, asked));
      await this.publish(vm, unpublishedFolder(beside, vm.name, by), folder, checkpointId !== null);
    } finally {
      await removeDurably(beside);
      const whatever = { ...context, signal: new AbortController().signal };
      if (isLive) allow(await simulated.perform('remove-vm-checkpoint', whatever, ofVm));
    }
  }

  /** With the configuration of the stand-in in place of the simulated host's. One VM checkpoint becomes a VM with an id of its own. */
  private async publish(vm: VmFacts, from: string, to: string, isOfCheckpoint: boolean): Promise<void> {
    const [written, target] = [exportLayout(from), exportLayout(to)];
    const file = written.configuration(vm.vmId);
    const told = exportedConfiguration.parse(JSON.parse(await readFile(file, 'utf8')));
    await removeDurably(file);
    await makeFolder(to);
    await rename(written.disks, target.disks);
    await rename(written.machines, target.machines);
    const pathOf = (of: string, index: number): string =>
      join(target.disks, told.disks.find(({ diskId }) => diskId === of)?.imageNames.at(index) ?? '');
    const record = hostBehind(this.host.simulated).state.vm(vm.vmId);
    if (record === undefined) throw new HyperVRefusal('InvalidState', `${vm.name} went.`);
    const { setAside: _setAside, ...registration } = record;
    const hasMemory = told.savedStateBytes !== null;
    const exported: VmRegistration = {
      ...registration,
      vmId: isOfCheckpoint ? vmIdOf.parse(randomUUID()) : vm.vmId,
      state: hasMemory ? 'saved' : 'off',
      savedState: hasMemory ? registration.savedState : null,
      disks: told.disks.map(({ diskId }) => ({ diskId, path: pathOf(diskId, -1) })),
      vmCheckpoints: told.vmCheckpoints.map(({ frozen, ...taken }) => ({
        ...taken,
        runId: null,
        stage: 'taken',
        layers: 1,
        frozen: frozen.map(({ diskId, frozenIndex }) => ({ diskId, path: pathOf(diskId, frozenIndex) })),
      })),
    };
    await writeExported(to, exported, await this.host.notesOf(vm.vmId));
  }
}

function allow(outcome: Outcome<unknown>): void {
  if (!outcome.ok) throw new HyperVRefusal('OperationFailed', `${outcome.failure.code}: ${outcome.failure.message}`);
}
