import { cp, mkdtemp, realpath, rename, rm, statfs, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { HyperVDriver } from '../../agent/hyperv/driver';
import { vmRecord } from '../../agent/hyperv/simulated/records';
import {
  createHost,
  createVm,
  openSimulatedDriver,
  type HostSpec,
  type SimulationHooks,
  type VmSpec,
} from '../../agent/hyperv/simulated';
import { filesBelow } from '../../agent/hyperv/files';
import { vmId, type VmId } from '../../contracts/ids';
import { valueOf } from '../conformance/hyperv-move';

const mib = 1024 ** 2;

/** A VM that is quick to make, to copy and to move. */
export const smallVm: VmSpec = {
  name: 'web01',
  seed: 7,
  memoryBytes: mib,
  disks: [{ virtualSizeBytes: 16 * mib, dataBytes: 2 * mib, blockSizeBytes: mib }],
  guest: { workAreaBytes: mib / 2, outskirtsBytes: mib, flushEveryMs: 100 },
};

/** The same with VHDs, one of them fixed. */
export const smallVhdVm: VmSpec = {
  ...smallVm,
  disks: [
    { format: 'vhd', virtualSizeBytes: 16 * mib, dataBytes: 2 * mib, blockSizeBytes: 2 * mib },
    { format: 'vhd', virtualSizeBytes: 8 * mib, dataBytes: mib, kind: 'fixed' },
  ],
};

const memoryFileSystem = '/dev/shm';
const memoryFreeBytesMin = 1024 * mib;

/** A file system in memory where there is a roomy one: these tests kill processes, not power, and need not wait for a disk. */
async function quickFolder(): Promise<string> {
  const room = await statfs(memoryFileSystem).catch(() => undefined);
  return room !== undefined && room.bavail * room.bsize > memoryFreeBytesMin ? memoryFileSystem : tmpdir();
}

export type HostName = 'source' | 'destination';

/** Simulated hosts for tests: made once, copied for each test, gone afterwards. */
export class TestHosts {
  private folder = '';
  private copies = 0;
  private readonly opened = new Map<HostName, HyperVDriver>();
  private current = new Map<HostName, string>();
  vmId: VmId = vmId.parse('00000000-0000-4000-8000-000000000000');

  async make(vm: VmSpec = smallVm, host: HostSpec = {}): Promise<void> {
    this.folder = await realpath(await mkdtemp(join(await quickFolder(), 'hyperferry-hosts-')));
    await createHost(join(this.folder, 'source'), host);
    await createHost(join(this.folder, 'destination'), host);
    this.vmId = valueOf(await createVm(join(this.folder, 'source'), vm));
  }

  /** The folder of a host of this test; a fresh copy of what was made when the test asks for it first. */
  async hostFolder(name: HostName): Promise<string> {
    const known = this.current.get(name);
    if (known !== undefined) return known;
    const copy = join(this.folder, `${name}-${this.copies++}`);
    await cp(join(this.folder, name), copy, { recursive: true });
    this.current.set(name, copy);
    return copy;
  }

  /** Whether the hosts of this test, none of which is open yet, track what changes on disks. */
  async setTracking(changeTracking: boolean): Promise<void> {
    for (const name of ['source', 'destination'] as const) {
      const file = join(await this.hostFolder(name), 'host.json');
      const record: unknown = JSON.parse(await readFile(file, 'utf8'));
      await writeFile(file, JSON.stringify({ ...(record as object), changeTracking }));
    }
  }

  /** A path below the first root of a host that was opened. */
  pathOn(name: HostName, ...names: string[]): string {
    return join(this.current.get(name) ?? '', 'volumes', 'vms', ...names);
  }

  /** Moves the folder of a host that nobody has open to another place. */
  async moveHostFolder(name: HostName): Promise<string> {
    const moved = join(this.folder, `${name}-moved-${this.copies++}`);
    await rename(await this.hostFolder(name), moved);
    this.current.set(name, moved);
    return moved;
  }

  /** Every file of a host whose name says that it is a disk, or was one. */
  async diskFiles(name: HostName): Promise<string[]> {
    return (await this.files(name)).filter((path) => /\.a?vhdx?/i.test(path) || path.endsWith('.pulled'));
  }

  async files(name: HostName): Promise<string[]> {
    return (await filesBelow(await this.hostFolder(name))).map((file) => file.path);
  }

  /** Ids of the VM checkpoints that a person made on the source, oldest first. */
  async vmCheckpointIds(): Promise<string[]> {
    const text = await readFile(join(await this.hostFolder('source'), 'vms', this.vmId, 'vm.json'), 'utf8');
    return vmRecord.parse(JSON.parse(text)).vmCheckpoints.map((taken) => taken.id);
  }

  /** Waits until the guest of the VM has looked at its disks, if it runs on that host. */
  async whenAwake(driver: HyperVDriver): Promise<void> {
    for (let looks = 0; looks < 200; looks++) {
      const vm = await driver.vm(this.vmId);
      if (vm?.state !== 'running' || vm.heartbeat === 'ok') return;
      await delay(25);
    }
    throw new Error('the guest does not wake');
  }

  /** The driver of a host; the same one when it is open already. */
  async open(name: HostName, hooks?: SimulationHooks, log?: (line: string) => void): Promise<HyperVDriver> {
    const known = this.opened.get(name);
    if (known !== undefined) return known;
    const folder = await this.hostFolder(name);
    const driver = valueOf(await openSimulatedDriver({ folder, ...(hooks && { hooks }), ...(log && { log }) }));
    this.opened.set(name, driver);
    return driver;
  }

  /** Stops one driver; it can be opened again. */
  async shut(name: HostName): Promise<void> {
    const driver = this.opened.get(name);
    this.opened.delete(name);
    await driver?.close();
  }

  /** Stops every driver that is open; the next test gets fresh hosts. */
  async close(): Promise<void> {
    for (const name of [...this.opened.keys()]) await this.shut(name);
    for (const folder of this.current.values()) await rm(folder, { recursive: true, force: true });
    this.current.clear();
  }

  remove(): Promise<void> {
    return rm(this.folder, { recursive: true, force: true });
  }
}
