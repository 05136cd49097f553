import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import type { DriverInspection, HyperVDriver } from '../../../agent/hyperv/driver';
import { formatOfName } from '../../../agent/disks/open-image';
import { ifExists } from '../../../agent/files';
import { readJson, writeJsonAtomic } from '../../../agent/hyperv/files';
import { layoutOf, livePath } from '../../../agent/hyperv/simulated/layout';
import { hostBehind } from '../../../agent/hyperv/simulated/driver';
import { bootGuest } from '../../../agent/hyperv/simulated/guests';
import { memoryFreeBytes } from '../../../agent/hyperv/simulated/volumes';
import { vmRecord } from '../../../agent/hyperv/simulated/records';
import type { VmFacts } from '../../../contracts/facts';
import { runId, vmId as vmIdOf, type VmId } from '../../../contracts/ids';
import { perform, valueOf } from '../../conformance/hyperv-move';
import { allow, Checkpoints } from './checkpoints';
import { CimJobs } from './cim-jobs';
import { StandInLuns } from './luns';
import { StandInMoves } from './moves';
import { HyperVRefusal } from './refusal';
import { StandInExports, type ExportSettings } from './exports';
import { Registrations } from './registrations';
import { StandInRoles } from './roles';
import { StandInSwitches } from './switches';

const invalidState = (message: string) => new HyperVRefusal('InvalidState', message);
const notFound = (path: string) =>
  new HyperVRefusal('ObjectNotFound', `${path} was not found.`, 0x80070002 | 0, 'ObjectNotFound');

/** A rule of the firewall, as it was made. */
export const firewallRule = z.object({
  name: z.string(),
  displayName: z.string(),
  direction: z.string(),
  action: z.string(),
  protocol: z.string(),
  port: z.string(),
  program: z.string(),
});

/** A guardian with its certificates, PKCS #12 under no password. Without `hasKeys` its private keys are not on this host. */
export const standInGuardian = z.object({
  name: z.string(),
  hasKeys: z.boolean(),
  signingPfx: z.string(),
  encryptionPfx: z.string(),
  isExportable: z.boolean(),
});
export type StandInGuardian = z.infer<typeof standInGuardian>;

/** Accounts that are denied a file. */
const rights = z.record(z.string(), z.array(z.string()));

/** What the simulated host has no place for. */
const kept = z.object({ notes: z.record(z.string(), z.string()), denials: rights });

/** The account of a VM: its GUID as Windows keeps one, in four numbers. */
export function sidOf(vmId: string): string {
  const [first = '', second = '', third = '', ...rest] = vmId.split('-');
  const mixed = Buffer.concat([
    ...[first, second, third].map((part) => Buffer.from(part, 'hex').reverse()),
    Buffer.from(rest.join(''), 'hex'),
  ]);
  return ['S-1-5-83-1', ...[0, 4, 8, 12].map((at) => mixed.readUInt32LE(at))].join('-');
}

/** The run under which the simulated host does what its own Hyper-V is asked for. */
const byHyperV = runId.parse('stand-in');
const noVm = vmIdOf.parse('00000000-0000-4000-8000-000000000000');
const states = { off: 'Off', running: 'Running', saved: 'Saved', planned: 'Off' } as const;
const exportsVm = 32773;
const movesVm = 32774;

export type StandInEvent = {
  readonly atMs: number;
  readonly id: number;
  /** 1 critical, 2 error, 3 warning, 4 information. */
  readonly level: number;
  readonly vmId: string;
  readonly message: string;
};

/** What Hyper-V does, by a simulated host: commands of the stand-in modules. */
export class StandInHyperV {
  checkpointType = 'Production';
  fileSystem = 'NTFS';
  firewallRules: z.infer<typeof firewallRule>[] = [];
  /** What stands in its event logs, by their names. A host that is no node of a cluster has no log of roles. */
  readonly eventLogs = new Map<string, StandInEvent[]>([
    ['Microsoft-Windows-Hyper-V-VMMS-Admin', []],
    ['Microsoft-Windows-Hyper-V-Worker-Admin', []],
  ]);
  /** Beside those that the simulated host has by name. */
  guardians: StandInGuardian[] = [];
  /** As the active store tells them: a setting that nobody made is `NotConfigured`. */
  firewallProfiles = ['Domain', 'Private', 'Public'].map((name) => ({
    name,
    enabled: 'True',
    inbound: 'NotConfigured',
    local: 'NotConfigured',
  }));
  /** Of every volume; what the simulated host says where it is undefined. */
  room: { readonly sizeBytes: number; readonly freeBytes: number } | undefined;
  /** Of the account that runs the workers: Administrators, elevated. */
  groups = ['S-1-1-0', 'S-1-5-32-544', 'S-1-16-12288'];
  /** False where something puts rights back that were changed. */
  keepsDenials = true;
  /** Is listed once more, and then gone. */
  vanishing: { readonly vmId: string; listed: boolean } | undefined;

  readonly registrations: Registrations;
  readonly checkpoints: Checkpoints;
  readonly jobs = new CimJobs();
  readonly exports: StandInExports;
  readonly moves: StandInMoves;
  readonly roles: StandInRoles;
  readonly luns: StandInLuns;
  readonly switches: StandInSwitches;

  constructor(
    readonly simulated: HyperVDriver,
    private readonly hostFolder: string,
  ) {
    const host = hostBehind(simulated);
    this.registrations = new Registrations(host, byHyperV);
    this.checkpoints = new Checkpoints(host, join(hostFolder, 'stand-in-checkpoints.json'));
    this.exports = new StandInExports({
      simulated,
      by: byHyperV,
      own: (vmId) => this.own(vmId),
      notesOf: async (vmId) => (await this.kept()).notes[vmId] ?? '',
    });
    this.moves = new StandInMoves(this, simulated, byHyperV);
    this.switches = new StandInSwitches(host, hostFolder);
    this.luns = new StandInLuns(host, hostFolder, (vmId) => this.notesOf(vmId));
    this.roles = new StandInRoles(this, byHyperV, (name) => this.moves.peers.get(name));
  }

  async host() {
    const { memoryBytes, memoryFreeBytes, switches } = await this.simulated.host();
    const facts = (await this.inspected(noVm)).host;
    const { fabric } = hostBehind(this.simulated);
    const sharedVolumesFolder = fabric && dirname(fabric.layout.sharedVolume('any'));
    return { name: fabric?.host ?? 'STAND-IN', memoryBytes, memoryFreeBytes, switches, sharedVolumesFolder, facts };
  }

  /** What the simulated host tells of a VM beyond `vms`. */
  async hardware(vmId: string) {
    return (await this.inspected(vmIdOf.parse(vmId))).vm;
  }

  private async isClustered(vmId: VmId): Promise<boolean> {
    const cluster = (await this.inspected(noVm)).host.cluster;
    if (!cluster.known || cluster.value === null) return false;
    const role = (await this.inspected(vmId)).vm?.role;
    return role?.known === true && role.value !== null;
  }

  private async inspected(vmId: VmId): Promise<DriverInspection> {
    const about = { vmId, vmName: null, describesVm: vmId !== noVm, folder: null, imports: null };
    return this.simulated.inspect({ contract: 1, runId: null, ...about });
  }

  async volume(path: string) {
    const { volumes } = await this.simulated.host();
    const volume = volumes.find(({ root }) => path === root || path.startsWith(`${root}/`));
    if (volume === undefined) throw notFound(path);
    return {
      Size: this.room?.sizeBytes ?? volume.sizeBytes,
      SizeRemaining: this.room?.freeBytes ?? volume.freeBytes,
      FileSystem: this.fileSystem,
      AllocationUnitSize: 65_536,
      ...this.diskOf(volume.root),
    };
  }

  /** What the stand-in's own commands for partitions and disks tell of the volume. */
  private diskOf(root: string) {
    const { record, fabric } = hostBehind(this.simulated);
    const PhysicalSectorSize = record.volumes.find((one) => one.root === root)?.sectorBytes ?? 512;
    return { IsShared: fabric?.sharedVolumeOf(root) !== undefined, PhysicalSectorSize };
  }

  async vms() {
    const { notes } = await this.kept();
    const all = (await this.simulated.vms()).filter(({ state }) => state !== 'planned');
    const { vanishing } = this;
    const isGone = (id: string) => vanishing?.vmId === id && vanishing.listed;
    const shown = all.filter(({ vmId }) => !isGone(vmId));
    if (vanishing !== undefined) vanishing.listed = true;
    this.luns.looked();
    const described = await Promise.all(shown.map((vm) => this.describe(vm, notes[vm.vmId] ?? '')));
    return described.filter((one) => one !== undefined);
  }

  private async describe(vm: VmFacts, notes: string) {
    const text = await ifExists(readFile(vm.configurationPath, 'utf8'));
    // It went to another host since it was listed.
    if (text === undefined) return undefined;
    const record = vmRecord.parse(JSON.parse(text));
    // What it has of a VM whose files are away is the registration alone.
    const isAway = this.luns.isAway(this.live(record.home));
    const taken = await this.checkpoints.of(record);
    const checkpoints = taken.map((one) => ({ ...one, paths: one.paths.map((path) => this.live(path)) }));
    return {
      id: vm.vmId,
      name: vm.name,
      state: `${states[vm.state]}${isAway ? 'Critical' : ''}`,
      generation: vm.generation,
      version: vm.configurationVersion,
      processorCount: vm.processorCount,
      memoryBytes: vm.memoryBytes,
      switchName: vm.switchName,
      home: this.live(record.home),
      checkpointType: this.checkpointType,
      isClustered: await this.isClustered(vm.vmId),
      isReplicated: record.hardware.isReplicated,
      automaticStart: record.hardware.automaticStart,
      notes: isAway ? '' : notes,
      heartbeat: vm.heartbeat === 'ok' ? 'OkApplicationsUnknown' : vm.heartbeat === 'lost' ? 'LostCommunication' : '',
      operationalStatus: [
        2,
        ...this.checkpoints.statusOf(vm.vmId),
        ...(this.exports.isExporting(vm.vmId) ? [exportsVm] : []),
        ...(this.moves.isMoving(vm.vmId) ? [movesVm] : []),
      ],
      checkpoints,
      disks: vm.disks.map(({ diskId, path }) => {
        const [controller = '', number, location] = diskId.split('-');
        return { controller: controller.toUpperCase(), number: Number(number), location: Number(location), path };
      }),
    };
  }

  async image(path: string) {
    if (this.luns.isAway(path)) throw notFound(path);
    for (const { vmId, disks } of await this.simulated.vms())
      for (const { diskId, images } of disks) {
        const image = images.find((one) => one.path === path);
        if (image === undefined) continue;
        return {
          VhdFormat: formatOfName(path)?.toUpperCase() ?? 'VHDX',
          VhdType: image.kind.replace(/^./, (letter) => letter.toUpperCase()),
          Size: image.virtualSizeBytes,
          FileSize: image.fileSizeBytes,
          ParentPath: images[image.index - 1]?.path ?? '',
          PhysicalSectorSize: await this.sectorBytes(vmId, diskId),
        };
      }
    throw notFound(path);
  }

  private async sectorBytes(vmId: VmId, diskId: string): Promise<number> {
    const disks = (await this.inspected(vmId)).vm?.disks;
    const disk = disks?.known === true ? disks.value.find((one) => one.diskId === diskId) : undefined;
    return disk?.physicalSectorBytes ?? 512;
  }

  async setNotes(vmId: string, notes: string) {
    const now = await this.kept();
    await writeJsonAtomic(this.keptFile, { ...now, notes: { ...now.notes, [vmId]: notes } });
  }

  async save(vmId: string) {
    const vm = await this.own(vmId);
    if (vm.state !== 'running') throw invalidState(`${vm.name} is ${vm.state}.`);
    allow(await perform(this.simulated, byHyperV, 'save-vm', { vmId: vm.vmId }));
  }

  async shutDown(vmId: string) {
    const vm = await this.own(vmId);
    if (vm.state !== 'running') throw invalidState(`${vm.name} is ${vm.state}.`);
    allow(await perform(this.simulated, byHyperV, 'shut-down-vm', { vmId: vm.vmId }));
  }

  async denials(path: string) {
    const shared = this.luns.rightsFileOf(path);
    if (shared === undefined) return (await this.kept()).denials[path] ?? [];
    const read = await readJson(shared, rights);
    return read.state === 'read' ? (read.value[path] ?? []) : [];
  }

  async setDenial(path: string, sid: string, denied: boolean) {
    if (this.luns.isAway(path)) throw notFound(path);
    const others = (await this.denials(path)).filter((one) => one !== sid);
    const denials = { [path]: denied && this.keepsDenials ? [...others, sid] : others };
    const shared = this.luns.rightsFileOf(path);
    if (shared !== undefined) {
      const read = await readJson(shared, rights);
      return writeJsonAtomic(shared, { ...(read.state === 'read' ? read.value : {}), ...denials });
    }
    const now = await this.kept();
    await writeJsonAtomic(this.keptFile, { ...now, denials: { ...now.denials, ...denials } });
  }

  async start(vmId: string) {
    const vm = await this.own(vmId);
    for (const { path } of vm.disks)
      if ((await this.denials(path)).includes(sidOf(vmId)))
        throw new HyperVRefusal('OperationFailed', `The account of ${vm.name} may not open ${path}.`, 0x80070005 | 0);
    if (vm.state === 'running') throw invalidState(`${vm.name} runs.`);
    if (vm.disks.some(({ path }) => this.luns.isAway(path))) throw invalidState(`${vm.name} has lost its files.`);
    const host = hostBehind(this.simulated);
    await host.locks.with(vm.vmId, async () => {
      const record = host.state.vm(vm.vmId);
      if (record === undefined) throw invalidState(`${vm.name} went.`);
      if (memoryFreeBytes(host.record, host.state, vm.vmId) < vm.memoryBytes)
        throw new HyperVRefusal('OutOfMemory', `There is too little memory for ${vm.name}.`, 0x8007000e | 0);
      allow(await bootGuest(host, await host.state.saveVm({ ...record, state: 'running' })));
    });
  }

  /** The job that writes it; null where it is written already. */
  async export(vmId: string, folder: string, settings: ExportSettings): Promise<string | null> {
    if (settings.copiesStorage) return this.exports.begin(vmId, folder, settings);
    await this.registrations.export(vmId, folder, (await this.kept()).notes[vmId] ?? '', settings.copiesRuntime);
    return null;
  }

  async realize(id: string) {
    await this.setNotes(id, await this.registrations.realize(id));
  }

  async remove(vmId: string) {
    await this.registrations.remove(vmId);
    await this.checkpoints.forget(vmId);
    await this.setNotes(vmId, '');
  }

  async notesOf(vmId: string): Promise<string> {
    return (await this.kept()).notes[vmId] ?? '';
  }

  isRegistered(id: string): boolean {
    return hostBehind(this.simulated).state.vm(vmIdOf.parse(id)) !== undefined;
  }

  /** Ends when no job, no merge and no move is under way. */
  async idle(): Promise<void> {
    await this.jobs.idle();
    await this.exports.idle();
    await this.checkpoints.idle();
    await this.moves.idle();
    await this.roles.idle();
  }

  async own(id: string): Promise<VmFacts> {
    const vmId = vmIdOf.parse(id);
    const vm = await this.simulated.vm(vmId);
    if (vm === undefined) throw new HyperVRefusal('InvalidParameter', `There is no VM ${id}.`);
    valueOf(await perform(this.simulated, byHyperV, 'reserve-vm', { vmId }));
    return vm;
  }

  private live(path: string): string {
    return livePath(layoutOf(this.hostFolder))(path);
  }

  private get keptFile(): string {
    return join(this.hostFolder, 'stand-in.json');
  }

  private async kept(): Promise<z.infer<typeof kept>> {
    const text = await readFile(this.keptFile, 'utf8').catch(() => '{"notes":{},"denials":{}}');
    return kept.parse(JSON.parse(text));
  }
}
