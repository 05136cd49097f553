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
import { migrationId, vmId as vmIdOf, type HostId, type VmId } from '../../contracts/ids';
import { migrationRequest, runEnded } from '../../contracts/migration';
import type { Receipt } from '../../contracts/receipt';
import { destination, mib, SmallSite, source } from '../agent/small-site';
import { startAzurite, type Azurite } from '../azurite';
import { valueOf } from '../conformance/hyperv-move';
import { projectRoot } from '../project-root';
import { describeWithEngine } from './engine';
import { StandInHyperV } from './stand-in/commands';
import { workerEnvironment } from './stand-in/host';
import { StandInService } from './stand-in/service';

// Real processes, each call one of a PowerShell, on a machine that may be busy with others.
jest.setTimeout(900_000);

type Host = { readonly simulated: HyperVDriver; readonly hyperV: StandInHyperV; readonly service: StandInService };

const inCluster: VmSpec = {
  name: 'db',
  seed: 8,
  memoryBytes: mib,
  disks: [{ virtualSizeBytes: 16 * mib, dataBytes: 2 * mib, blockSizeBytes: mib }],
  guest: { workAreaBytes: mib, outskirtsBytes: 2 * mib, flushEveryMs: 100 },
  state: 'running',
};

type InCluster = { readonly volume: string; readonly role: VmId; readonly moving: VmId };

/** Makes both hosts nodes of a cluster, with a VM that is a role of it, and one on the first node's own volume. */
async function makeCluster({ folder }: SmallSite): Promise<InCluster> {
  const fabric = join(folder, 'fabric');
  const nodes = [source, destination];
  const sharedVolumes = [{ name: 'csv1', sizeBytes: 1024 * mib }];
  await createFabric(fabric, { cluster: { name: 'c1', nodes, sharedVolumes } });
  for (const name of nodes) await joinFabric(join(folder, `host-${name}`), { folder: fabric, name });
  const volume = join(fabric, 'volumes', 'csv1');
  const role = valueOf(await createVm(join(folder, `host-${source}`), { ...inCluster, root: volume }));
  await createRole(fabric, role, source);
  const moving = valueOf(await createVm(join(folder, `host-${source}`), { ...inCluster, name: 'mail', seed: 9 }));
  return { volume, role, moving };
}

describeWithEngine('a kind with agents that use the PowerShell driver', () => {
  let site: SmallSite;
  let blobs: Azurite;
  let app: ChildProcess;
  let api: HyperferryApi;
  const hosts = new Map<HostId, Host>();
  let sharedVolume: string;
  let role: VmId;
  let moving: VmId;

  beforeAll(async () => {
    site = await SmallSite.make();
    ({ volume: sharedVolume, role, moving } = await makeCluster(site));
    blobs = await startAzurite();
    for (const id of [source, destination]) {
      const folder = join(site.folder, `host-${id}`);
      const simulated = valueOf(await openSimulatedDriver({ folder }));
      const hyperV = new StandInHyperV(simulated, folder);
      const service = new StandInService(hyperV);
      await service.listen();
      hosts.set(id, { simulated, hyperV, service });
    }
    const peers = new Map([...hosts].map(([id, { hyperV }]) => [id, hyperV]));
    for (const [id, { hyperV }] of hosts) {
      hyperV.moves.peers = peers;
      await startAgent(id);
    }
    [app, api] = await startApp();
  });
  afterAll(async () => {
    const ended = once(app, 'exit');
    app.kill('SIGKILL');
    await ended;
    await site.close();
    for (const { service, simulated } of hosts.values()) {
      await service.close();
      await simulated.close();
    }
    await blobs.stop();
  });

  async function startAgent(id: HostId) {
    const driver = { type: 'powershell', roots: [site.folderOn(id), sharedVolume] };
    const host = hosts.get(id);
    const agent = await site.launch({ ...site.configOf(id), driver }, host && workerEnvironment(host.service));
    await agent.ready;
    return agent;
  }

  async function startApp(): Promise<[ChildProcess, HyperferryApi]> {
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

  /** Runs a migration to its end and answers its receipt. */
  async function migrate(kind: string, from: HostId, to: HostId, more: object = {}): Promise<Receipt> {
    const id = migrationId.parse(`ps-${kind}`);
    const request = { id, kind, sourceHost: from, ...(to !== from && { destinationHost: to }), ...more };
    const started = await api.startMigration(migrationRequest.parse(request));
    if (!started.ok) throw new Error(JSON.stringify(started.error));
    for (;;) {
      const looked = await api.migration(id);
      if (!looked.ok) throw new Error(JSON.stringify(looked.error));
      const { state, question } = looked.value;
      if (question !== null) throw new Error(JSON.stringify(question));
      if (runEnded(state)) break;
      await delay(500);
    }
    const read = await api.receipt(id);
    if (!read.ok) throw new Error(JSON.stringify(read.error));
    return read.value.receipt;
  }

  /** The VM that is no role of the cluster, with its files. */
  const withFiles = (kind: string, to: HostId) => ({ vmId: site.vmId, destinationFolder: site.folderOn(to, kind) });

  const runsOn = async (id: HostId, vm: VmId): Promise<boolean> =>
    (await hosts.get(id)?.simulated.vm(vm))?.state === 'running';

  test('quick-storage: the VM is there and runs, its disks compared, and the source is kept', async () => {
    const receipt = await migrate('quick-storage', source, destination, {
      ...withFiles('quick-storage', destination),
      policy: { retire: 'keep' },
    });
    expect(receipt).toMatchObject({ state: 'completed', failure: null });
    expect(receipt.leftovers.map(({ what }) => what)).toEqual(['retired-vm']);
    expect(receipt.verified.length).toBe(1);
    expect(await runsOn(destination, site.vmId)).toBe(true);
    expect(await runsOn(source, site.vmId)).toBe(false);
  });

  test('lan: back to where it came from, in another folder, and nothing is left there but what was kept', async () => {
    const receipt = await migrate('lan', destination, source, {
      ...withFiles('lan', source),
      policy: { retire: 'delete' },
    });
    expect(receipt).toMatchObject({ state: 'completed', failure: null });
    expect(await runsOn(source, site.vmId)).toBe(true);
    expect(await hosts.get(destination)?.simulated.vm(site.vmId)).toBeUndefined();
  });

  test('warm: rounds by reference points while the guest writes, then the rest, and no point is left', async () => {
    const receipt = await migrate('warm', source, destination, {
      ...withFiles('warm', destination),
      policy: { retire: 'keep', outageMsMax: 1_000, roundsMax: 2, ifNotShrinking: 'cut-over' },
    });
    expect(receipt).toMatchObject({ state: 'completed', failure: null });
    expect(receipt.rounds.length).toBeGreaterThan(1);
    expect(receipt.rounds.slice(1).some(({ whole }) => whole)).toBe(false);
    expect(receipt.verified.length).toBe(1);
    expect(await runsOn(destination, site.vmId)).toBe(true);
    expect(await hosts.get(source)?.hyperV.checkpoints.points()).toEqual([]);
  });

  test('quick: the role goes to the other node, with its VM as it was saved, and nothing is left', async () => {
    const receipt = await migrate('quick', source, destination, { vmId: role });
    expect(receipt).toMatchObject({ state: 'completed', failure: null, leftovers: [] });
    expect(receipt.outage.type).toBe('measured');
    expect(await runsOn(destination, role)).toBe(true);
    expect(await hosts.get(source)?.simulated.vm(role)).toBeUndefined();
  });

  const isNotTold = { type: 'not-measured', because: expect.stringContaining('Hyper-V') as string };
  const isDone = { state: 'completed', failure: null, leftovers: [], outage: isNotTold };

  test('storage: the files of a VM that runs go to another folder of its host, and none is left where they were', async () => {
    const destinationFolder = site.folderOn(source, 'storage');
    const receipt = await migrate('storage', source, source, { vmId: moving, destinationFolder });
    expect(receipt).toMatchObject(isDone);
    const vm = await hosts.get(source)?.simulated.vm(moving);
    expect(vm).toMatchObject({ state: 'running' });
    for (const { path } of vm?.disks ?? []) expect(path.startsWith(destinationFolder)).toBe(true);
    expect(receipt.configurationChanges.length).toBeGreaterThan(0);
  });

  test('shared-nothing: a VM that runs goes to the other host with its files, and the source has nothing of it', async () => {
    const destinationFolder = site.folderOn(destination, 'shared-nothing');
    const receipt = await migrate('shared-nothing', source, destination, { vmId: moving, destinationFolder });
    expect(receipt).toMatchObject(isDone);
    expect(await runsOn(destination, moving)).toBe(true);
    expect(await hosts.get(source)?.simulated.vm(moving)).toBeUndefined();
    expect(await hosts.get(destination)?.hyperV.notesOf(moving)).toBe('');
  });

  test('live: the role of a VM that runs goes back to the first node, and its files stay', async () => {
    const before = await hosts.get(destination)?.simulated.vm(role);
    const receipt = await migrate('live', destination, source, { vmId: role });
    expect(receipt).toMatchObject(isDone);
    const after = await hosts.get(source)?.simulated.vm(role);
    expect(after).toMatchObject({ state: 'running', disks: before?.disks.map(({ path }) => ({ path })) });
    expect(await hosts.get(destination)?.simulated.vm(role)).toBeUndefined();
  });

  test('export and import: a VM that runs is exported and goes on, and runs once more under an id that Hyper-V draws', async () => {
    const host = (await runsOn(source, site.vmId)) ? source : destination;
    const written = await migrate('export', host, host, {
      vmId: site.vmId,
      destinationFolder: site.folderOn(host, 'exports'),
    });
    expect(written).toMatchObject({ state: 'completed', failure: null, leftovers: [] });
    const folder = site.folderOn(host, 'exports', 'web');
    expect(written.configurationChanges).toEqual([`The export is ${folder}.`]);
    expect(await runsOn(host, site.vmId)).toBe(true);

    const newVmId = '99999999-2222-4333-8444-555555555555';
    const imported = await migrate('import', host, host, {
      vmId: site.vmId,
      sourceFolder: folder,
      destinationFolder: site.folderOn(host, 'copies'),
      newVmId,
      name: 'web-copy',
      policy: { fixUps: 'apply', start: true },
    });
    expect(imported).toMatchObject({ state: 'completed', failure: null, leftovers: [] });
    const told = imported.configurationChanges.join(' ');
    const [, id = ''] = /The id was \S+ and is now (\S+)\./.exec(told) ?? [];
    expect(told).toContain('The name was web and is now web-copy.');
    expect(id).not.toBe(newVmId);
    expect(await hosts.get(host)?.simulated.vm(vmIdOf.parse(id))).toMatchObject({ name: 'web-copy', state: 'running' });
    expect(await runsOn(host, site.vmId)).toBe(true);
  });
});
