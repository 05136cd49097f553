import { link, readdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { hostId, vmId, type HostId, type VmId } from '../../../../contracts/ids';
import { ifExists, syncFolder } from '../../../files';
import { errorCode } from '../../../thrown';
import { exists, readJson, removeDurably, writeJsonAtomic } from '../../files';
import { isAtOrBelow } from '../../paths';
import { fabricRecord, lunOwner, roleRecord, type FabricRecord, type RoleRecord } from './records';

export type Lun = FabricRecord['luns'][number];

/** Where things are in a fabric's folder. */
export const fabricLayout = (folder: string) => ({
  file: join(folder, 'fabric.json'),
  sharedVolume: (name: string) => join(folder, 'volumes', name),
  lun: (name: string) => join(folder, 'luns', name),
  lunOwner: (name: string) => join(folder, 'luns', `${name}.owner.json`),
  roles: join(folder, 'roles'),
  role: (vm: VmId) => join(folder, 'roles', `${vm}.json`),
  handovers: join(folder, 'handovers'),
  handoversOf: (vm: VmId) => join(folder, 'handovers', vm),
  handover: (vm: VmId, jobId: string) => join(folder, 'handovers', vm, jobId),
});

/** The fabric as one host sees it. */
export class Fabric {
  readonly layout: ReturnType<typeof fabricLayout>;
  /** LUNs that this host has. */
  private readonly attached = new Set<string>();

  private constructor(
    folder: string,
    readonly host: HostId,
    readonly record: FabricRecord,
  ) {
    this.layout = fabricLayout(folder);
  }

  /** Answers why not, when the folder holds no fabric. */
  static async open(folder: string, host: string): Promise<Fabric | string> {
    const read = await readJson(fabricLayout(folder).file, fabricRecord);
    if (read.state !== 'read') return read.state === 'absent' ? `${folder} holds no fabric` : read.reason;
    const fabric = new Fabric(folder, hostId.parse(host), read.value);
    for (const { name } of fabric.luns) if ((await fabric.ownerOf(name)) === host) fabric.attached.add(name);
    return fabric;
  }

  /** The cluster that this host is a node of. */
  get cluster(): NonNullable<FabricRecord['cluster']> | null {
    const { cluster } = this.record;
    return cluster?.nodes.includes(this.host) === true ? cluster : null;
  }

  /** LUNs that the SAN may show to this host. */
  get luns(): readonly Lun[] {
    return this.record.luns.filter((lun) => lun.visibleTo.includes(this.host));
  }

  /** Volumes that this host can have: those of its cluster, and its LUNs whether they are attached now or not. */
  get volumes(): { root: string; sizeBytes: number }[] {
    const shared = this.cluster?.sharedVolumes ?? [];
    return [
      ...shared.map(({ name, sizeBytes }) => ({ root: this.layout.sharedVolume(name), sizeBytes })),
      ...this.luns.map(({ name, sizeBytes }) => ({ root: this.layout.lun(name), sizeBytes })),
    ];
  }

  /** Whether a path is on a LUN that this host does not have now. */
  isMasked(path: string): boolean {
    return this.luns.some(({ name }) => !this.attached.has(name) && isAtOrBelow(this.layout.lun(name), path));
  }

  lunOf(path: string): Lun | undefined {
    return this.luns.find(({ name }) => isAtOrBelow(this.layout.lun(name), path));
  }

  sharedVolumeOf(path: string): { readonly name: string } | undefined {
    return this.cluster?.sharedVolumes.find(({ name }) => isAtOrBelow(this.layout.sharedVolume(name), path));
  }

  async ownerOf(lun: string): Promise<HostId | undefined> {
    const read = await readJson(this.layout.lunOwner(lun), lunOwner);
    return read.state === 'read' ? read.value.host : undefined;
  }

  /** Takes a LUN that nobody has; answers who has it afterwards. The owner's file is made whole and linked in, which one host can. */
  async attach(lun: string): Promise<HostId | undefined> {
    const path = this.layout.lunOwner(lun);
    const mine = `${path}.${this.host}`;
    await writeFile(mine, JSON.stringify({ host: this.host }));
    try {
      await link(mine, path);
    } catch (thrown) {
      if (errorCode(thrown) !== 'EEXIST') throw thrown;
    } finally {
      await removeDurably(mine);
    }
    const owner = await this.ownerOf(lun);
    if (owner === this.host) this.attached.add(lun);
    return owner;
  }

  /** Gives a LUN up. Nothing happens when this host does not have it. */
  async detach(lun: string): Promise<void> {
    this.attached.delete(lun);
    if ((await this.ownerOf(lun)) === this.host) await removeDurably(this.layout.lunOwner(lun));
  }

  async clusterOfVm(vm: VmId): Promise<string | null> {
    return this.cluster !== null && (await exists(this.layout.role(vm))) ? this.cluster.name : null;
  }

  /** The cluster whose role a VM is, and the node that owns it. */
  async roleOf(vm: VmId): Promise<{ readonly clusterName: string; readonly owner: HostId } | null> {
    const role = await this.readRole(vm);
    return this.cluster === null || role === null ? null : { clusterName: this.cluster.name, owner: role.owner };
  }

  /** All that the cluster knows of the role of a VM; null where it is none, or this host is no node. */
  async readRole(vm: VmId): Promise<RoleRecord | null> {
    const read = await readJson(this.layout.role(vm), roleRecord);
    return this.cluster !== null && read.state === 'read' ? read.value : null;
  }

  /** Roles of the cluster. */
  async roles(): Promise<RoleRecord[]> {
    const found: RoleRecord[] = [];
    for (const file of await namesBelow(this.layout.roles)) {
      const id = vmId.safeParse(file.replace(/\.json$/, ''));
      const role = id.success ? await this.readRole(id.data) : null;
      if (role !== null) found.push(role);
    }
    return found;
  }

  writeRole(role: RoleRecord): Promise<void> {
    return writeJsonAtomic(this.layout.role(role.vmId), role);
  }

  removeRole(vm: VmId): Promise<void> {
    return removeDurably(this.layout.role(vm));
  }

  /** Notes that the role of a VM is here now. Not for a VM that is no role. */
  async ownRole(vm: VmId): Promise<void> {
    const role = await this.readRole(vm);
    if (role !== null) await this.writeRole({ ...role, owner: this.host });
  }

  /** The folders of all handovers, of one VM or of all. */
  async handovers(of?: VmId): Promise<string[]> {
    const vms = of === undefined ? await namesBelow(this.layout.handovers) : [of];
    const found: string[] = [];
    for (const name of vms) {
      const vm = vmId.safeParse(name);
      if (!vm.success) continue;
      const jobs = await namesBelow(this.layout.handoversOf(vm.data));
      found.push(...jobs.map((job) => this.layout.handover(vm.data, job)));
    }
    return found;
  }
}

const namesBelow = async (folder: string): Promise<string[]> => (await ifExists(readdir(folder))) ?? [];

/** Takes a file away under another name; false when somebody else was first. */
export async function renamedFirst(from: string, to: string, folder: string): Promise<boolean> {
  const done = await ifExists(rename(from, to).then(() => true));
  if (done !== true) return false;
  await syncFolder(folder);
  return true;
}
