import { randomUUID } from 'node:crypto';
import { copyFile, mkdir, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { systemClock } from '../../../agent/clock';
import type { Client } from '../../../agent/hyperv/powershell/calls/client';
import { driverOver, openClient, scriptsFolder } from '../../../agent/hyperv/powershell/driver';
import type { Engine } from '../../../agent/hyperv/powershell/worker/engine';
import { vmId } from '../../../contracts/ids';
import type { ConformanceHosts, HostsFor } from '../hyperv-move';
import { CaseNeeds, noOtherHost, withoutGuest } from './lacking';
import { runScript } from './scripts';
import { emptyDiskBytes, type RealHostSettings } from './settings';

const say = (message: string): void => void process.stderr.write(`${message}\n`);

/** The Hyper-V of this machine: each case gets a VM that runs and a root of its own, and both are gone after it. */
export class RealHost {
  private readonly client: Client;
  private cases = 0;

  constructor(
    private readonly engine: Engine,
    private readonly settings: RealHostSettings,
  ) {
    this.client = openClient({
      engine,
      scripts: scriptsFolder,
      clock: systemClock,
      newGuid: randomUUID,
      log: say,
    });
  }

  readonly hostsFor: HostsFor = async (where, tracking): Promise<ConformanceHosts> => {
    if (tracking === 'differencing') throw new CaseNeeds('it needs a host without change tracking');
    this.cases += 1;
    const root = this.rootOf(this.cases);
    await mkdir(root);
    const id = await this.makeVm(root);
    const driver = driverOver(this.client, {
      folder: join(this.settings.folder, `driver-${this.cases}`),
      roots: [root],
      clock: systemClock,
      newGuid: randomUUID,
      log: say,
    });
    const source = this.settings.diskPath === null ? withoutGuest(driver) : driver;
    const destination = where === 'same-host' ? source : noOtherHost;
    return { source, destination, vmId: vmId.parse(id), folder: join(root, 'elsewhere') };
  };

  /** Removes what the last case left. */
  async clear(): Promise<void> {
    const root = this.rootOf(this.cases);
    await runScript(this.engine, 'remove-vms', { Folder: root });
    for (const folder of [root, join(this.settings.folder, `driver-${this.cases}`)])
      await rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 500 });
  }

  close(): Promise<void> {
    return this.client.close();
  }

  private rootOf(number: number): string {
    return join(this.settings.folder, `root-${number}`);
  }

  private async makeVm(root: string): Promise<string> {
    const { folder, diskPath, generation, memoryBytes, switchName } = this.settings;
    const home = join(root, 'vm');
    const disks = join(home, 'Virtual Hard Disks');
    await mkdir(disks, { recursive: true });
    const disk = join(disks, diskPath === null ? 'empty.vhdx' : basename(diskPath));
    if (diskPath !== null) await copyFile(diskPath, disk);
    const { id } = await runScript(this.engine, 'make-vm', {
      Name: `${basename(folder)}-${this.cases}`,
      Folder: home,
      DiskPath: disk,
      DiskBytes: String(diskPath === null ? emptyDiskBytes : 0),
      SwitchName: switchName ?? '',
      Generation: generation,
      MemoryBytes: String(memoryBytes),
    });
    return id;
  }
}
