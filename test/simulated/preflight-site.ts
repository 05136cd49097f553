import { mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { Agents, type AgentTransport } from '../../activities/agents';
import { gather, runChecks } from '../../activities/preflight';
import type { HyperVDriver } from '../../agent/hyperv/driver';
import { createFabric, createHost, createRole, createVm, openSimulatedDriver } from '../../agent/hyperv/simulated';
import { succeeded } from '../../contracts/failure';
import type { VmId } from '../../contracts/ids';
import { inspectionRequest } from '../../contracts/inspection';
import { kindTakes, migrationRequest, type Kind } from '../../contracts/migration';
import type { PreflightAnswer } from '../../contracts/preflight';
import { valueOf } from '../conformance/hyperv-move';
import { noContainers } from './no-staging';
import { smallVm } from './test-hosts';

const gib = 1024 ** 3;

export type Where = 'local' | 'shared' | 'lun';
type Document = Record<string, unknown>;

/** What of the state files is otherwise than on a healthy site: of the hosts, of the VM that is asked about, of their fabric. */
export type Changed = {
  readonly hostA?: Document;
  readonly hostB?: Document;
  readonly vm?: Document;
  readonly fabric?: (record: Document) => Document;
};

const document = z.record(z.string(), z.unknown());

/** Two simulated hosts of one fabric with a VM of each sort, whose state files a test changes as a person would. */
export class PreflightSite {
  private readonly vms = new Map<Where, VmId>();

  private constructor(private readonly folder: string) {}

  static async make(): Promise<PreflightSite> {
    const site = new PreflightSite(await realpath(await mkdtemp(join(tmpdir(), 'hyperferry-preflight-'))));
    const fabric = site.path('fabric');
    await createFabric(fabric, {
      cluster: {
        name: 'c1',
        nodes: ['host-a', 'host-b'],
        sharedVolumes: [{ name: 'csv1', sizeBytes: 64 * gib }],
      },
      luns: [{ name: 'lun-7', sizeBytes: 64 * gib, visibleTo: ['host-a', 'host-b'], attachedTo: 'host-a' }],
    });
    for (const name of ['host-a', 'host-b']) await createHost(site.path(name), { fabric: { folder: fabric, name } });
    await site.addVm('local', undefined);
    await site.addVm('shared', join(fabric, 'volumes', 'csv1'));
    await site.addVm('lun', join(fabric, 'luns', 'lun-7'));
    await createRole(fabric, site.vmOf('shared'), 'host-a');
    return site;
  }

  private async addVm(name: Where, root: string | undefined): Promise<void> {
    const spec = { ...smallVm, name, ...(root !== undefined && { root }) };
    this.vms.set(name, valueOf(await createVm(this.path('host-a'), spec)));
  }

  path(...names: string[]): string {
    return join(this.folder, ...names);
  }

  vmOf(where: Where): VmId {
    const vm = this.vms.get(where);
    if (vm === undefined) throw new Error(`there is no VM ${where}`);
    return vm;
  }

  remove(): Promise<void> {
    return rm(this.folder, { recursive: true, force: true });
  }

  /** Asks both hosts, as they are with these changes, and judges what they tell. */
  async preflight(kind: Kind, where: Where, changed: Changed, request: object = {}): Promise<PreflightAnswer> {
    const restore = await this.change(this.vmOf(where), changed);
    const drivers = new Map<string, HyperVDriver>();
    try {
      for (const name of ['host-a', 'host-b'])
        drivers.set(name, valueOf(await openSimulatedDriver({ folder: this.path(name) })));
      await whenAwake(drivers);
      const agents = new Agents(transportTo(drivers));
      const now = (): Date => new Date();
      return runChecks(
        await gather(
          { agents, now, staging: noContainers },
          migrationRequest.parse(this.request(kind, where, request)),
          null,
        ),
      );
    } finally {
      for (const driver of drivers.values()) await driver.close();
      await restore();
    }
  }

  private request(kind: Kind, where: Where, more: object): object {
    const host = kindTakes(kind, 'destinationFolder') && !kindTakes(kind, 'destinationHost') ? 'host-a' : 'host-b';
    return {
      ...{ kind, vmId: this.vmOf(where), sourceHost: 'host-a' },
      ...(kindTakes(kind, 'destinationHost') ? { destinationHost: 'host-b' } : {}),
      ...(kindTakes(kind, 'destinationFolder') ? { destinationFolder: this.path(host, 'volumes', 'vms', 'new') } : {}),
      ...more,
    };
  }

  private async change(vm: VmId, { hostA, hostB, vm: ofVm, fabric }: Changed): Promise<() => Promise<void>> {
    const vmFile = this.path('host-a', 'vms', vm, 'vm.json');
    const edits: [string, (record: Document) => Document][] = [
      [this.path('host-a', 'host.json'), (record) => ({ ...record, ...hostA })],
      [this.path('host-b', 'host.json'), (record) => ({ ...record, ...hostB })],
      [this.path('fabric', 'fabric.json'), fabric ?? ((record) => record)],
      [vmFile, (record) => ({ ...record, ...ofVm, hardware: { ...hardwareOf(record), ...hardwareOf(ofVm) } })],
    ];
    const before: [string, string][] = [];
    for (const [file, edit] of edits) {
      const text = await readFile(file, 'utf8');
      before.push([file, text]);
      await writeFile(file, JSON.stringify(edit(document.parse(JSON.parse(text)))));
    }
    return async () => {
      for (const [file, text] of before) await writeFile(file, text);
    };
  }
}

const hardwareOf = (record: Document | undefined): Document => document.parse(record?.['hardware'] ?? {});

/** Until every guest that runs has looked at its disks. */
async function whenAwake(drivers: ReadonlyMap<string, HyperVDriver>): Promise<void> {
  for (const driver of drivers.values())
    for (let looks = 0; looks < 2000; looks++) {
      const vms = await driver.vms();
      if (vms.every(({ state, heartbeat }) => state !== 'running' || heartbeat === 'ok')) break;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
}

const transportTo = (drivers: ReadonlyMap<string, HyperVDriver>): AgentTransport => ({
  send: async ({ hostId, body }) => {
    const driver = drivers.get(hostId);
    if (driver === undefined) throw new Error(`there is no host ${hostId}`);
    const seen = await driver.inspect(inspectionRequest.parse(body));
    // As it travels.
    return succeeded({ status: 200, body: JSON.parse(JSON.stringify({ agentVersion: '1', contract: 1, ...seen })) });
  },
});
