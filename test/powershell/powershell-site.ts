import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import type { HyperVDriver } from '../../agent/hyperv/driver';
import { createFabric, createRole, createVm, openSimulatedDriver, type VmSpec } from '../../agent/hyperv/simulated';
import { joinFabric } from '../../agent/hyperv/simulated/create-host';
import { createApi, type HyperferryApi } from '../../cli/api/client';
import type { ApiResult } from '../../cli/api/errors';
import type { HostId, MigrationId, VmId } from '../../contracts/ids';
import { migrationRequest, runEnded, type Question } from '../../contracts/migration';
import type { Receipt } from '../../contracts/receipt';
import { destination, mib, SmallSite, source } from '../agent/small-site';
import { startAzurite, type Azurite } from '../azurite';
import { valueOf } from '../conformance/hyperv-move';
import { projectRoot } from '../project-root';
import { StandInHyperV } from './stand-in/commands';
import { workerEnvironment } from './stand-in/host';
import { StandInService } from './stand-in/service';

type Host = { readonly simulated: HyperVDriver; readonly hyperV: StandInHyperV; readonly service: StandInService };

/** The VMs of the site: one with files of its own, a role of the cluster, one that is no role, and one on a LUN. */
type Vms = { readonly web: VmId; readonly role: VmId; readonly moving: VmId; readonly onLun: VmId };
type InFabric = Omit<Vms, 'web'> & { readonly volume: string; readonly lun: string };

const inCluster: VmSpec = {
  name: 'db',
  seed: 8,
  memoryBytes: mib,
  disks: [{ virtualSizeBytes: 16 * mib, dataBytes: 2 * mib, blockSizeBytes: mib }],
  guest: { workAreaBytes: mib, outskirtsBytes: 2 * mib, flushEveryMs: 100 },
  state: 'running',
};

/** Makes both hosts nodes of a cluster and of a SAN, with a VM that is a role, one that is none, and one on a LUN. */
async function makeCluster({ folder }: SmallSite): Promise<InFabric> {
  const fabric = join(folder, 'fabric');
  const nodes = [source, destination];
  const sharedVolumes = [{ name: 'csv1', sizeBytes: 1024 * mib }];
  const luns = [{ name: 'lun1', sizeBytes: 1024 * mib, visibleTo: nodes, attachedTo: source }];
  await createFabric(fabric, { cluster: { name: 'c1', nodes, sharedVolumes }, luns });
  for (const name of nodes) await joinFabric(join(folder, `host-${name}`), { folder: fabric, name });
  const volume = join(fabric, 'volumes', 'csv1');
  const role = valueOf(await createVm(join(folder, `host-${source}`), { ...inCluster, root: volume }));
  await createRole(fabric, role, source);
  const moving = valueOf(await createVm(join(folder, `host-${source}`), { ...inCluster, name: 'mail', seed: 9 }));
  const lun = join(fabric, 'luns', 'lun1');
  const ofLun = { ...inCluster, name: 'files', seed: 10, root: lun };
  const onLun = valueOf(await createVm(join(folder, `host-${source}`), ofLun));
  return { volume, lun, role, moving, onLun };
}

async function openHosts(folder: string): Promise<Map<HostId, Host>> {
  const hosts = new Map<HostId, Host>();
  for (const id of [source, destination]) {
    const home = join(folder, `host-${id}`);
    const simulated = valueOf(await openSimulatedDriver({ folder: home }));
    const hyperV = new StandInHyperV(simulated, home);
    const service = new StandInService(hyperV);
    await service.listen();
    hosts.set(id, { simulated, hyperV, service });
  }
  const peers = new Map([...hosts].map(([id, { hyperV }]) => [id, hyperV]));
  for (const { hyperV } of hosts.values()) hyperV.moves.peers = peers;
  return hosts;
}

async function startApp(site: SmallSite, blobs: Azurite): Promise<[ChildProcess, HyperferryApi]> {
  const main = join(projectRoot, 'dist', 'runtime', 'main.js');
  const args = [main, '--app', projectRoot, '--port', '0', '--state', join(site.folder, 'runtime')];
  const env = { ...process.env, ...site.appSettings(), AzureWebJobsStorage: blobs.connectionString };
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'ignore'], env });
  for await (const line of createInterface({ input: child.stdout })) {
    const said = z.object({ ready: z.literal(true), port: z.int() }).safeParse(JSON.parse(line));
    if (said.success) return [child, createApi({ baseUrl: `http://127.0.0.1:${said.data.port}/api` })];
  }
  throw new Error('the app ended before it was ready');
}

function answered<T>(result: ApiResult<T>): T {
  if (!result.ok) throw new Error(JSON.stringify(result.error));
  return result.value;
}

type Following = {
  /** Called for each question that the migration parks with; by default that is an error. */
  readonly onQuestion?: (question: Question) => Promise<void>;
  readonly signal?: AbortSignal | undefined;
};

const refuse = (question: Question): Promise<void> => Promise.reject(new Error(JSON.stringify(question)));

/** The whole product in real processes, with agents that use the PowerShell driver over the stand-in for Hyper-V of two nodes of a cluster. */
export class PowerShellSite {
  private constructor(
    private readonly site: SmallSite,
    private readonly blobs: Azurite,
    private readonly app: ChildProcess,
    readonly api: HyperferryApi,
    private readonly hosts: ReadonlyMap<HostId, Host>,
    readonly vms: Vms,
  ) {}

  /** `web`: how the VM of that name is other than usual. */
  static async make(web: Partial<VmSpec> = {}): Promise<PowerShellSite> {
    const site = await SmallSite.make(web);
    const { volume, lun, role, moving, onLun } = await makeCluster(site);
    const blobs = await startAzurite();
    const hosts = await openHosts(site.folder);
    for (const [id, { service }] of hosts) {
      const driver = { type: 'powershell', roots: [site.folderOn(id), volume, lun] };
      const agent = await site.launch({ ...site.configOf(id), driver }, workerEnvironment(service));
      await agent.ready;
    }
    const [app, api] = await startApp(site, blobs);
    return new PowerShellSite(site, blobs, app, api, hosts, { web: site.vmId, role, moving, onLun });
  }

  host(id: HostId): Host {
    const host = this.hosts.get(id);
    if (host === undefined) throw new Error(`there is no host ${id}`);
    return host;
  }

  /** A folder on a volume of a host's own. */
  /** On the shared volume of the cluster. */
  sharedFolder(...names: string[]): string {
    return join(this.site.folder, 'fabric', 'volumes', 'csv1', ...names);
  }

  folderOn(host: HostId, ...names: string[]): string {
    return this.site.folderOn(host, ...names);
  }

  /** Runs a migration to its end and answers its receipt. */
  async migrate(id: MigrationId, request: object, { onQuestion = refuse, signal }: Following = {}): Promise<Receipt> {
    answered(await this.api.startMigration(migrationRequest.parse({ id, ...request })));
    const asked = new Set<string>();
    for (;;) {
      const { state, question } = answered(await this.api.migration(id));
      if (runEnded(state)) break;
      if (question !== null && !asked.has(question.questionId)) {
        asked.add(question.questionId);
        await onQuestion(question);
      }
      await delay(500, undefined, { signal });
    }
    return answered(await this.api.receipt(id)).receipt;
  }

  /** The hosts on which the hypervisor runs a VM, whatever hyperferry knows. */
  async runsOn(vm: VmId): Promise<HostId[]> {
    const found: HostId[] = [];
    for (const [id, { simulated }] of this.hosts) if ((await simulated.vm(vm))?.state === 'running') found.push(id);
    return found;
  }

  async close(): Promise<void> {
    const ended = once(this.app, 'exit');
    this.app.kill('SIGKILL');
    await ended;
    await this.site.close();
    for (const { service, simulated } of this.hosts.values()) {
      await service.close();
      await simulated.close();
    }
    await this.blobs.stop();
  }
}
