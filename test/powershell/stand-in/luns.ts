import { join } from 'node:path';
import { z } from 'zod';
import { readJson, writeJsonAtomic } from '../../../agent/hyperv/files';
import { isAtOrBelow } from '../../../agent/hyperv/paths';
import type { Fabric, Lun } from '../../../agent/hyperv/simulated/fabric/fabric';
import type { SimulatedHost } from '../../../agent/hyperv/simulated/host';
import { HyperVRefusal } from './refusal';
import { writeExported } from './registrations';

/** What Windows remembers of a disk of the SAN. */
const disk = z.object({ isOffline: z.boolean(), isReadOnly: z.boolean(), paths: z.array(z.string()) });
type Disk = z.infer<typeof disk>;
const kept = z.record(z.string(), disk);

const refused = (message: string, number: number) => new HyperVRefusal(`StorageWMI ${number}`, message);

/**
 * Disks of the SAN as Windows has them at one host. The array shows each to every host that may see it, and nobody is kept from one that
 * another host has online: what is written from both ends is lost, and is told in `torn`.
 */
export class StandInLuns {
  /** LUNs that were put online to be written while another host had them so, or taken offline under a VM that ran. */
  readonly torn: string[] = [];
  /** How often the VMs of a LUN are looked at once it is online again before Hyper-V has found their files. */
  slowLooks = 0;
  private looksLeft = 0;
  /** What becomes of the next disk that comes online to be written, once it is: it `fails`, or the host loses the SAN with it. */
  onlineFault: 'fails' | 'vanishes' | null = null;
  /** The SAN is not there for this host. Windows has each disk as it was when it is again. */
  isUnseen = false;

  constructor(
    private readonly host: SimulatedHost,
    private readonly hostFolder: string,
    private readonly notesOf: (vmId: string) => Promise<string>,
  ) {}

  async list() {
    if (this.isUnseen) return [];
    const disks = await this.kept();
    return (this.fabric?.luns ?? []).map((lun, at) => {
      const { isOffline, isReadOnly, paths } = this.diskOf(disks, lun);
      const isReserved = lun.reservedBy !== null && lun.reservedBy !== undefined;
      return { name: lun.name, number: at + 1, isOffline, isReadOnly, paths, isReserved };
    });
  }

  async setReadOnly(name: string, isReadOnly: boolean): Promise<void> {
    const before = await this.needed(name);
    if (!before.isOffline && before.isReadOnly !== isReadOnly) throw new Error(`${name} is marked while it is online`);
    await this.keep(name, { ...before, isReadOnly });
  }

  async setOffline(name: string, isOffline: boolean): Promise<void> {
    const before = await this.needed(name);
    if (before.isOffline === isOffline) return;
    if (isOffline) await this.leave(name, before);
    await this.keep(name, { ...before, isOffline });
    if (isOffline || before.isReadOnly) return;
    const owner = await this.fabric?.attach(name);
    if (owner !== this.fabric?.host) this.torn.push(`${name}, which ${owner ?? 'nobody'} has`);
    this.looksLeft = this.slowLooks;
    if (this.onlineFault === null) return;
    this.isUnseen = this.onlineFault === 'vanishes';
    this.onlineFault = null;
    throw refused(`The disk ${name} does not answer.`, 4);
  }

  async addPath(name: string, path: string): Promise<void> {
    const before = await this.needed(name);
    if (before.isOffline) throw refused(`The disk ${name} is offline.`, 41_001);
    if (path !== this.fabric?.layout.lun(name)) throw refused(`${path} cannot be used.`, 42_007);
    if (before.paths.includes(path)) throw refused(`${path} is in use.`, 42_002);
    await this.keep(name, { ...before, paths: [...before.paths, path] });
  }

  async removePath(name: string, path: string): Promise<void> {
    const before = await this.needed(name);
    if (!before.paths.includes(path)) throw refused(`${path} is not there.`, 42_007);
    await this.keep(name, { ...before, paths: before.paths.filter((one) => one !== path) });
  }

  /** Whether files on a LUN cannot be reached from here now, or Hyper-V has not found them again. */
  isAway(path: string): boolean {
    if (this.fabric?.lunOf(path) === undefined) return false;
    return this.isUnseen || this.fabric.isMasked(path) || this.looksLeft > 0;
  }

  /** The VMs are listed. */
  looked(): void {
    this.looksLeft = Math.max(0, this.looksLeft - 1);
  }

  /** Rights on files go with the LUN that the files are on. */
  rightsFileOf(path: string): string | undefined {
    const lun = this.fabric?.lunOf(path);
    return lun && this.fabric && `${this.fabric.layout.lun(lun.name)}.rights.json`;
  }

  /** What Hyper-V has of its VMs on the disk is on it. */
  private async leave(name: string, before: Disk): Promise<void> {
    const root = this.fabric?.layout.lun(name) ?? '';
    if (!before.isReadOnly)
      for (const record of this.host.state.vms.filter(({ home }) => isAtOrBelow(root, home))) {
        const { setAside: _setAside, ...vm } = record;
        if (vm.state === 'running') this.torn.push(`${name}, on which ${vm.name} runs`);
        else await writeExported(vm.home, vm, await this.notesOf(vm.vmId));
      }
    await this.fabric?.detach(name);
  }

  private get fabric(): Fabric | undefined {
    return this.host.fabric;
  }

  /** Before anybody touched it: who has it has it online, and for the others it is offline and read-only. */
  private diskOf(disks: z.infer<typeof kept>, { name }: Lun): Disk {
    const root = this.fabric?.layout.lun(name) ?? '';
    const isAway = this.fabric?.isMasked(root) === true;
    return disks[name] ?? { isOffline: isAway, isReadOnly: isAway, paths: isAway ? [] : [root] };
  }

  private async needed(name: string): Promise<Disk> {
    const lun = this.fabric?.luns.find((one) => one.name === name);
    if (lun === undefined) throw refused(`There is no disk ${name}.`, 5);
    return this.diskOf(await this.kept(), lun);
  }

  private get file(): string {
    return join(this.hostFolder, 'stand-in-luns.json');
  }

  private async kept(): Promise<z.infer<typeof kept>> {
    const read = await readJson(this.file, kept);
    return read.state === 'read' ? read.value : {};
  }

  private async keep(name: string, now: Disk): Promise<void> {
    await writeJsonAtomic(this.file, { ...(await this.kept()), [name]: now });
  }
}
