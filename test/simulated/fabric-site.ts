import { mkdtemp, readdir, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { DriverOperationKind, HyperVDriver } from '../../agent/hyperv/driver';
import { createFabric, createHost, createRole, createVm, openSimulatedDriver } from '../../agent/hyperv/simulated';
import type { HostSpec, SimulationHooks } from '../../agent/hyperv/simulated';
import { readJson, writeJsonAtomic } from '../../agent/hyperv/files';
import { roleRecord, type RoleRecord } from '../../agent/hyperv/simulated/fabric/records';
import { hostId, runId, type VmId } from '../../contracts/ids';
import type { OperationInput, OperationOutput } from '../../contracts/operations';
import type { Outcome } from '../../contracts/failure';
import { valueOf } from '../conformance/hyperv-move';
import { smallVm } from './test-hosts';

/** The run of every test on such a site. */
export const siteRun = runId.parse('moves-r1');
const mib = 1024 ** 2;
export const [hostA, hostB] = [hostId.parse('host-a'), hostId.parse('host-b')];

/** Two hosts of one cluster and one SAN, and a VM on the first of them. */
export class FabricSite {
  folder = '';
  vmId!: VmId;
  a!: HyperVDriver;
  b!: HyperVDriver;

  /** Nodes of the cluster are both hosts, unless it is asked for otherwise. */
  async make(
    where: 'own' | 'shared' | 'lun',
    b: HostSpec = {},
    a: HostSpec = {},
    nodes: readonly string[] = [hostA, hostB],
  ): Promise<void> {
    this.folder = await realpath(await mkdtemp(join(tmpdir(), 'hyperferry-fabric-')));
    const fabric = join(this.folder, 'fabric');
    await createFabric(fabric, {
      cluster: { name: 'c1', nodes, sharedVolumes: [{ name: 'csv1', sizeBytes: 1024 * mib }] },
      luns: [{ name: 'lun1', sizeBytes: 1024 * mib, visibleTo: ['host-a', 'host-b'], attachedTo: 'host-a' }],
    });
    const quick = { liveMigration: { bytesPerSecond: 16 * mib } };
    await createHost(join(this.folder, 'a'), { ...quick, ...a, fabric: { folder: fabric, name: 'host-a' } });
    await createHost(join(this.folder, 'b'), { ...quick, ...b, fabric: { folder: fabric, name: 'host-b' } });
    const roots = { own: undefined, shared: join(fabric, 'volumes', 'csv1'), lun: join(fabric, 'luns', 'lun1') };
    const root = roots[where];
    this.vmId = valueOf(await createVm(join(this.folder, 'a'), { ...smallVm, ...(root !== undefined && { root }) }));
    if (where === 'shared') await createRole(fabric, this.vmId, 'host-a');
    this.a = await this.open('a');
    this.b = await this.open('b');
    await this.awake(this.a);
  }

  async open(name: 'a' | 'b', hooks?: SimulationHooks): Promise<HyperVDriver> {
    return valueOf(await openSimulatedDriver({ folder: join(this.folder, name), ...(hooks && { hooks }) }));
  }

  /** The folder of a host. */
  hostFolder(name: 'a' | 'b'): string {
    return join(this.folder, name);
  }

  /** A path below the own volume of a host. */
  pathOn(name: 'a' | 'b', ...names: string[]): string {
    return join(this.folder, name, 'volumes', 'vms', ...names);
  }

  /** A path below the shared volume of the cluster. */
  sharedPath(...names: string[]): string {
    return join(this.folder, 'fabric', 'volumes', 'csv1', ...names);
  }

  /** The role of the VM as the cluster keeps it; null for none. */
  async role(): Promise<RoleRecord | null> {
    const read = await readJson(this.roleFile(), roleRecord);
    return read.state === 'read' ? read.value : null;
  }

  /** What a person does to the role of a VM: this one's, or another's. Null takes it away. */
  async setRole(change: Partial<RoleRecord> | null, vmId: VmId = this.vmId): Promise<void> {
    if (change === null) return rm(this.roleFile(vmId));
    const now = vmId === this.vmId ? await this.role() : null;
    await writeJsonAtomic(this.roleFile(vmId), { schema: 1, vmId, owner: hostA, ...now, ...change });
  }

  private roleFile(vmId: VmId = this.vmId): string {
    return join(this.folder, 'fabric', 'roles', `${vmId}.json`);
  }

  /** Waits for the guest to have written after its start. */
  async awake(driver: HyperVDriver): Promise<void> {
    for (let looks = 0; looks < 2000; looks++) {
      if ((await driver.vm(this.vmId))?.heartbeat === 'ok') return;
      await delay(25);
    }
    throw new Error('the guest does not wake');
  }

  /** Waits until no handover of the VM is on record any more. */
  async forgotten(): Promise<void> {
    const folder = join(this.folder, 'fabric', 'handovers', this.vmId);
    for (let looks = 0; looks < 2000; looks++) {
      const jobs = await readdir(folder).catch(() => []);
      if (jobs.length === 0) return;
      await delay(25);
    }
    throw new Error('the handover is not forgotten');
  }

  try<K extends DriverOperationKind>(
    driver: HyperVDriver,
    kind: K,
    input: Omit<OperationInput<K>, 'vmId'>,
    signal = new AbortController().signal,
  ): Promise<Outcome<OperationOutput<K>>> {
    const whole = { ...input, vmId: this.vmId } as OperationInput<K>;
    return driver.perform(kind, { runId: siteRun, signal, report: () => undefined }, whole);
  }

  async do<K extends DriverOperationKind>(
    driver: HyperVDriver,
    kind: K,
    input: Omit<OperationInput<K>, 'vmId'>,
  ): Promise<OperationOutput<K>> {
    return valueOf(await this.try(driver, kind, input));
  }

  async prepared(type: 'memory' | 'files' | 'lun'): Promise<Outcome<unknown>> {
    await this.do(this.a, 'reserve-vm', {});
    const needs = await this.do(this.a, 'describe-vm', {});
    const folder = join(this.folder, 'b', 'volumes', 'vms');
    const brings = {
      memory: { type: 'memory' },
      files: { type: 'files', folder, switchName: null },
      lun: { type: 'lun', name: 'lun1' },
    } as const;
    return this.try(this.b, 'admit-vm', { needs, brings: brings[type] });
  }

  async close(): Promise<void> {
    await this.a.close();
    await this.b.close();
    await rm(this.folder, { recursive: true, force: true });
  }
}
