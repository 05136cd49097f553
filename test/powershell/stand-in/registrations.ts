import { randomUUID } from 'node:crypto';
import { copyFile, readFile, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { z } from 'zod';
import type { SimulatedHost } from '../../../agent/hyperv/simulated/host';
import { exists, makeFolder, removeDurably, writeJsonAtomic } from '../../../agent/hyperv/files';
import { homeLayout } from '../../../agent/hyperv/home/layout';
import { hasSwitch } from '../../../agent/hyperv/simulated/switches';
import { vmRegistration, type VmRegistration } from '../../../agent/hyperv/simulated/records';
import { vmId as vmIdOf, type RunId } from '../../../contracts/ids';
import { HyperVRefusal } from './refusal';

/** A `.vmcx` of the stand-in. */
const configurationFile = z.object({ vm: vmRegistration, notes: z.string() });

const fileOf = (home: string, id: string, ending: string): string => join(home, 'Virtual Machines', `${id}.${ending}`);

type Planned = {
  readonly id: string;
  readonly home: string;
  readonly vm: VmRegistration;
  readonly notes: string;
  readonly hasSavedState: boolean;
  /** Where Hyper-V was told to put the files of a copy. */
  readonly root: string;
};

/** Files of an exported VM beside its disks. The real one writes the GUID of a file in capitals. */
export async function writeExported(folder: string, vm: VmRegistration, notes: string): Promise<void> {
  const id = vm.vmId.toUpperCase();
  await makeFolder(join(folder, 'Virtual Machines'));
  await writeJsonAtomic(fileOf(folder, id, 'vmcx'), { vm, notes });
  if (vm.generation === 2) await writeJsonAtomic(fileOf(folder, id, 'vmgs'), { firmware: vm.vmId });
}

export type NewVm = {
  readonly name: string;
  readonly folder: string;
  readonly diskPath: string;
  readonly generation: number;
  readonly memoryBytes: number;
  readonly switchName: string | null;
};

/** Of a registration that was just made. */
const nothingHappened = {
  savedState: null,
  shutDownBy: null,
  stop: null,
  vmCheckpoints: [],
  referencePoints: [],
  reservedBy: null,
  fencedBy: null,
  retiredBy: null,
  startedBy: null,
  leaving: null,
  guestOutageMs: null,
  setAside: null,
};

/** What Hyper-V does with registrations: writes them out, plans them from a file, registers what is planned, and takes them away. */
export class Registrations {
  /** By id. Like the real ones they outlive whoever made them. */
  private readonly planned = new Map<string, Planned>();

  constructor(
    private readonly host: SimulatedHost,
    /** The run under which the simulated host does what its Hyper-V is asked for. */
    private readonly by: RunId,
  ) {}

  /** The configuration alone. */
  async export(vmId: string, folder: string, notes: string, copiesRuntime: boolean): Promise<void> {
    const { setAside: _setAside, ...vm } = this.registered(vmId);
    const { savedState } = vm;
    const copied = copiesRuntime ? savedState : null;
    const told = { ...vm, savedState: copied, state: copied === null ? ('off' as const) : vm.state };
    await writeExported(folder, { ...told, vmCheckpoints: [] }, notes);
    if (copied !== null) await copyFile(copied.path, fileOf(folder, vmId, 'vmrs'));
  }

  /** Plans the VM of a configuration file. Under its own id only where none is registered: whether more is possible is not documented. */
  async plan(path: string, hasNewId: boolean, root: string | null): Promise<string> {
    const text = await readFile(path, 'utf8').catch(() => undefined);
    const parsed = text === undefined ? undefined : configurationFile.safeParse(JSON.parse(text));
    if (parsed?.success !== true) throw new HyperVRefusal('OperationFailed', `There is no VM to import in ${path}.`);
    const { vm, notes } = parsed.data;
    const id = hasNewId ? randomUUID() : vm.vmId;
    if (this.planned.has(id)) throw new HyperVRefusal('OperationFailed', `A planned VM ${id} is there already.`);
    if (this.host.state.vm(vmIdOf.parse(id)) !== undefined)
      throw new HyperVRefusal('OperationFailed', `A VM ${id} is registered already.`);
    const home = dirname(dirname(path));
    const hasSavedState = vm.savedState !== null && (await exists(fileOf(home, vm.vmId, 'vmrs')));
    this.planned.set(id, { id, home, vm, notes, hasSavedState, root: root ?? home });
    return id;
  }

  plannedVms() {
    return [...this.planned.values()].map(({ id, vm, hasSavedState, root }) => ({
      id,
      name: vm.name,
      root,
      generation: vm.generation,
      version: vm.configurationVersion,
      processorCount: vm.processorCount,
      memoryBytes: vm.memoryBytes,
      state: hasSavedState ? 'Saved' : 'Off',
      switchName: vm.switchName,
      disks: vm.disks.map(({ diskId, path }) => ({ diskId, path })),
    }));
  }

  async incompatibilities(id: string) {
    const { vm } = this.needed(id);
    const found: { id: number; type: string; diskId: string | null; message: string }[] = [];
    if (vm.switchName !== null && !hasSwitch(this.host, vm.switchName))
      found.push({ id: 33012, type: 'adapter', diskId: null, message: `There is no switch ${vm.switchName}.` });
    for (const { diskId, path } of vm.disks)
      if (!(await exists(path))) found.push({ id: 40010, type: 'drive', diskId, message: `There is no ${path}.` });
    if (this.refusesMemory && this.needed(id).hasSavedState)
      found.push({ id: 40004, type: 'vm', diskId: null, message: 'The saved state cannot be used on this host.' });
    if (this.otherIncompatibility !== null)
      found.push({ id: this.otherIncompatibility, type: 'vm', diskId: null, message: 'Nobody knows what this is.' });
    return found;
  }

  /** Its memory was saved on other processors. */
  refusesMemory = false;
  /** A message that no documentation has. */
  otherIncompatibility: number | null = null;

  dropMemory(id: string): void {
    this.planned.set(id, { ...this.needed(id), hasSavedState: false });
  }

  /** A new VM that is off, whose disk is there. What runs on it is the guest of the VM that the host had first: its disk is a copy. */
  async create({ name, folder, diskPath, generation, memoryBytes, switchName }: NewVm): Promise<string> {
    const [first] = this.host.state.vms;
    if (first === undefined) throw new HyperVRefusal('NotSupported', 'The stand-in knows no guest.');
    if (!(await exists(diskPath))) throw new HyperVRefusal('ObjectNotFound', `There is no ${diskPath}.`);
    if (switchName !== null && !hasSwitch(this.host, switchName))
      throw new HyperVRefusal('ObjectNotFound', `There is no switch ${switchName}.`);
    const [disk] = first.disks;
    if (disk === undefined) throw new HyperVRefusal('NotSupported', 'The guest that the stand-in knows has no disk.');
    const vmId = vmIdOf.parse(randomUUID());
    const home = join(folder, name);
    for (const made of ['Virtual Machines', 'Virtual Hard Disks']) await makeFolder(join(home, made));
    await makeFolder(homeLayout(home).savedStates);
    const disks = [{ ...disk, path: diskPath }];
    const settings = {
      vmId,
      name,
      home,
      generation: generation === 1 ? 1 : 2,
      memoryBytes,
      switchName,
      disks,
    } as const;
    await this.host.state.saveVm({ ...first, ...nothingHappened, ...settings, state: 'off' });
    return vmId;
  }

  setDisk(id: string, diskId: string, path: string): void {
    const planned = this.needed(id);
    const disks = planned.vm.disks.map((disk) => (disk.diskId === diskId ? { ...disk, path } : disk));
    this.planned.set(id, { ...planned, vm: { ...planned.vm, disks } });
  }

  setSwitch(id: string, switchName: string | null): void {
    if (switchName !== null && !hasSwitch(this.host, switchName))
      throw new HyperVRefusal('ObjectNotFound', `There is no switch ${switchName}.`);
    const planned = this.needed(id);
    this.planned.set(id, { ...planned, vm: { ...planned.vm, switchName } });
  }

  destroy(id: string): void {
    this.planned.delete(this.needed(id).id);
  }

  /** The planned VM is registered; answers its notes. The disks of its VM checkpoints are looked for beside its own. */
  async realize(id: string): Promise<string> {
    const { vm, home: from, root: home, notes, hasSavedState } = this.needed(id);
    if ((await this.incompatibilities(id)).length > 0)
      throw new HyperVRefusal('OperationFailed', 'The VM cannot be imported as it is.');
    const vmId = vmIdOf.parse(id);
    const path = fileOf(home, vm.vmId, 'vmrs');
    const inFolder = (file: string): string => join(homeLayout(from).disks, basename(file));
    const vmCheckpoints = vm.vmCheckpoints.map((taken) => ({
      ...taken,
      frozen: taken.frozen.map((disk) => ({ ...disk, path: inFolder(disk.path) })),
    }));
    for (const { frozen } of vmCheckpoints)
      for (const disk of frozen)
        if (!(await exists(disk.path))) throw new HyperVRefusal('OperationFailed', `There is no ${disk.path}.`);
    if (home !== from || id !== vm.vmId) await writeExported(home, { ...vm, vmId }, notes);
    const savedAt = vm.savedState?.savedAt ?? new Date(0).toISOString();
    await this.host.state.saveVm({
      ...vm,
      vmId,
      home,
      state: hasSavedState ? 'saved' : 'off',
      ...nothingHappened,
      savedState: hasSavedState ? { path, sizeBytes: (await stat(path)).size, savedAt, runId: this.by } : null,
      shutDownBy: vm.shutDownBy && { ...vm.shutDownBy, runId: this.by },
      vmCheckpoints,
    });
    this.planned.delete(id);
    return notes;
  }

  async rename(vmId: string, name: string): Promise<void> {
    await this.host.state.saveVm({ ...this.registered(vmId), name });
  }

  /** Takes the registration away with its configuration and saved memory; the disks stay. */
  async remove(vmId: string): Promise<void> {
    const vm = this.registered(vmId);
    if (vm.state === 'running') throw new HyperVRefusal('InvalidState', `${vm.name} runs.`);
    await this.host.state.dropVm(vm.vmId);
    // Files on a disk that is not here stay.
    if (this.host.fabric?.isMasked(vm.home) === true) return;
    for (const id of [vmId, vmId.toUpperCase()])
      for (const ending of ['vmcx', 'vmrs', 'vmgs']) await removeDurably(fileOf(vm.home, id, ending));
    if (vm.savedState !== null) await removeDurably(homeLayout(vm.home).savedStateOf(vm.vmId));
  }

  private registered(id: string) {
    const vm = this.host.state.vm(vmIdOf.parse(id));
    if (vm === undefined) throw new HyperVRefusal('InvalidParameter', `There is no VM ${id}.`);
    return vm;
  }

  private needed(id: string): Planned {
    const planned = this.planned.get(id);
    if (planned === undefined) throw new HyperVRefusal('InvalidParameter', `There is no planned VM ${id}.`);
    return planned;
  }
}
