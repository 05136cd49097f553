import { readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { z } from 'zod';
import { runId, vmId, type RunId, type VmId } from '../../../contracts/ids';
import { ifExists } from '../../files';
import { readJson, removeDurably, writeJsonAtomic } from '../files';
import {
  livePath,
  mapPlannedPaths,
  mapRegistrationPaths,
  mapRunPaths,
  mapVmPaths,
  storedPath,
  type HostLayout,
  type PathMap,
} from './layout';
import {
  plannedRecord,
  retiredRecord,
  runRecord,
  switchRecord,
  vmRecord,
  type PlannedRecord,
  type RetiredRecord,
  type RunRecord,
  type SwitchRecord,
  type VmRecord,
} from './records';
import { attempt, checkedPath, eachOfRuns, namesIn } from './state-files';

const keyOf = (run: RunId, vm: VmId): string => `${run}/${vm}`;

const emptyRun = (run: RunId, vm: VmId): RunRecord => ({
  schema: 1,
  runId: run,
  vmId: vm,
  room: null,
  home: null,
  retirement: null,
  switchName: null,
  lun: null,
  moved: null,
  removedRole: null,
});

/**
 * What the state files of a host say, held in memory and changed only after the change is durable, so that reading never waits.
 * Records are immutable: whoever holds one sees the state of one moment.
 */
export class HostState {
  private readonly vmRecords = new Map<VmId, VmRecord>();
  private readonly plannedRecords = new Map<string, PlannedRecord>();
  private readonly retiredRecords = new Map<string, RetiredRecord>();
  private readonly runRecords = new Map<string, RunRecord>();
  private readonly switchRecords = new Map<string, SwitchRecord>();
  private readonly unreadableVms = new Map<VmId, string>();
  private readonly toStored: PathMap;

  private constructor(private readonly layout: HostLayout) {
    this.toStored = storedPath(layout);
  }

  /** Reads every state file. One that cannot be read does not hide the others: `unreadable` says what is wrong with it. */
  static async load(layout: HostLayout, roots: readonly string[], log: (message: string) => void): Promise<HostState> {
    const state = new HostState(layout);
    const live = checkedPath(livePath(layout), roots);
    for (const vm of await namesIn(layout.vmsFolder, vmId)) await state.loadVm(vm, live, log);
    await eachOfRuns(layout.plannedFolder, layout.plannedFile, plannedRecord, log, (planned) => {
      state.plannedRecords.set(keyOf(planned.runId, planned.vmId), mapPlannedPaths(planned, live));
    });
    await eachOfRuns(layout.runsFolder, layout.runFile, runRecord, log, (run) => {
      state.runRecords.set(keyOf(run.runId, run.vmId), mapRunPaths(run, live));
    });
    await state.loadRetired(live, log);
    await state.loadSwitches(log);
    return state;
  }

  private async loadVm(vm: VmId, live: PathMap, log: (message: string) => void): Promise<void> {
    const read = await readJson(this.layout.vmFile(vm), vmRecord);
    if (read.state === 'absent') return;
    let reason = read.state === 'damaged' ? read.reason : 'it names another VM';
    if (read.state === 'read' && read.value.vmId === vm) {
      const mapped = attempt(() => mapVmPaths(read.value, live));
      if (mapped.ok) {
        this.vmRecords.set(vm, mapped.value);
        return;
      }
      reason = mapped.reason;
    }
    this.unreadableVms.set(vm, reason);
    log(`vm.json of VM ${vm} cannot be read: ${reason}`);
  }

  private async loadRetired(live: PathMap, log: (message: string) => void): Promise<void> {
    for (const run of await namesIn(this.layout.retiredFolder, runId)) {
      for (const name of (await ifExists(readdir(join(this.layout.retiredFolder, run)))) ?? []) {
        const path = join(this.layout.retiredFolder, run, name);
        const read = name.endsWith('.json') ? await readJson(path, retiredRecord) : undefined;
        if (read?.state === 'damaged') log(`${path} cannot be read: ${read.reason}`);
        if (read?.state !== 'read') continue;
        const { vm } = read.value;
        const mapped = attempt(() => mapRegistrationPaths(vm, live));
        if (mapped.ok) this.retiredRecords.set(keyOf(run, vm.vmId), { ...read.value, vm: mapped.value });
        else log(`${path} cannot be used: ${mapped.reason}`);
      }
    }
  }

  private async loadSwitches(log: (message: string) => void): Promise<void> {
    for (const name of (await ifExists(readdir(this.layout.switchesFolder))) ?? []) {
      const id = z.guid().safeParse(name.replace(/\.json$/, ''));
      const read = id.success ? await readJson(this.layout.switchFile(id.data), switchRecord) : undefined;
      if (read?.state === 'damaged') log(`${name} of the switches cannot be read: ${read.reason}`);
      if (read?.state === 'read') this.switchRecords.set(read.value.id, read.value);
    }
  }

  get vms(): readonly VmRecord[] {
    return [...this.vmRecords.values()];
  }
  get planned(): readonly PlannedRecord[] {
    return [...this.plannedRecords.values()];
  }
  /** Retired sources that were set aside, also those whose own file is still to be written. */
  get retired(): readonly RetiredRecord[] {
    return [...this.retiredRecords.values(), ...this.vms.flatMap((vm) => (vm.setAside === null ? [] : [vm.setAside]))];
  }
  get runs(): readonly RunRecord[] {
    return [...this.runRecords.values()];
  }

  /** Those that runs made. */
  get switches(): readonly SwitchRecord[] {
    return [...this.switchRecords.values()];
  }

  vm(vm: VmId): VmRecord | undefined {
    return this.vmRecords.get(vm);
  }
  /** Why the state file of a VM cannot be read. */
  unreadable(vm: VmId): string | undefined {
    return this.unreadableVms.get(vm);
  }
  plannedVm(run: RunId, vm: VmId): PlannedRecord | undefined {
    return this.plannedRecords.get(keyOf(run, vm));
  }
  retiredVm(run: RunId, vm: VmId): RetiredRecord | undefined {
    return this.retired.find((retired) => retired.runId === run && retired.vm.vmId === vm);
  }
  /** What this host knows of a run; an empty record when that is nothing. */
  run(run: RunId, vm: VmId): RunRecord {
    return this.runRecords.get(keyOf(run, vm)) ?? emptyRun(run, vm);
  }

  async saveVm(vm: VmRecord): Promise<VmRecord> {
    await writeJsonAtomic(this.layout.vmFile(vm.vmId), mapVmPaths(vm, this.toStored));
    this.vmRecords.set(vm.vmId, vm);
    return vm;
  }
  async dropVm(vm: VmId): Promise<void> {
    await removeDurably(this.layout.vmFile(vm));
    this.vmRecords.delete(vm);
    await removeDurably(this.layout.vmFolder(vm));
  }
  async savePlanned(planned: PlannedRecord): Promise<PlannedRecord> {
    const file = this.layout.plannedFile(planned.runId, planned.vmId);
    await writeJsonAtomic(file, mapPlannedPaths(planned, this.toStored));
    this.plannedRecords.set(keyOf(planned.runId, planned.vmId), planned);
    return planned;
  }
  async dropPlanned(run: RunId, vm: VmId): Promise<void> {
    await removeDurably(this.layout.plannedFile(run, vm));
    this.plannedRecords.delete(keyOf(run, vm));
    await this.removeOfRun(this.layout.plannedFolder, run, vm);
  }
  async saveRetired(retired: RetiredRecord): Promise<void> {
    const { runId: run, vm } = retired;
    const file = this.layout.retiredFile(run, vm.vmId);
    await writeJsonAtomic(file, { ...retired, vm: mapRegistrationPaths(vm, this.toStored) });
    this.retiredRecords.set(keyOf(run, vm.vmId), retired);
  }
  async dropRetired(run: RunId, vm: VmId): Promise<void> {
    await removeDurably(this.layout.retiredFile(run, vm));
    this.retiredRecords.delete(keyOf(run, vm));
    const ofRun = this.retired.some((retired) => retired.runId === run);
    if (!ofRun) await removeDurably(join(this.layout.retiredFolder, run));
  }
  async saveRun(run: RunRecord): Promise<RunRecord> {
    await writeJsonAtomic(this.layout.runFile(run.runId, run.vmId), mapRunPaths(run, this.toStored));
    this.runRecords.set(keyOf(run.runId, run.vmId), run);
    return run;
  }
  async saveSwitch(made: SwitchRecord): Promise<void> {
    await writeJsonAtomic(this.layout.switchFile(made.id), made);
    this.switchRecords.set(made.id, made);
  }
  async dropSwitch(id: string): Promise<void> {
    await removeDurably(this.layout.switchFile(id));
    this.switchRecords.delete(id);
  }
  /** Forgets a run with all that its folder holds. */
  async dropRun(run: RunId, vm: VmId): Promise<void> {
    await this.removeOfRun(this.layout.runsFolder, run, vm);
    this.runRecords.delete(keyOf(run, vm));
  }

  /** The same, but for the role that the run removed here. */
  async dropRunButRole(run: RunId, vm: VmId): Promise<void> {
    const { removedRole } = this.run(run, vm);
    await this.saveRun({ ...emptyRun(run, vm), removedRole });
    const folder = this.layout.runFolder(run, vm);
    const file = basename(this.layout.runFile(run, vm));
    for (const name of await readdir(folder)) if (name !== file) await removeDurably(join(folder, name));
  }

  private async removeOfRun(folder: string, run: RunId, vm: VmId): Promise<void> {
    await removeDurably(join(folder, run, vm));
    const left = await ifExists(readdir(join(folder, run)));
    if (left?.length === 0) await removeDurably(join(folder, run));
  }
}
