import { forgetPieces } from '../../../agent/disks/spare-memory';
import type { LogFields } from '../../../agent/log';
import { Draw } from '../platform/chance';
import { Loop } from '../platform/loop';
import { done } from '../platform/file-fates';
import { inheritPages, type FileTree } from '../platform/file-tree';
import { MachineFiles } from '../platform/machine-files';
import { usePlatform } from '../platform/modules';
import { Network } from '../platform/network';
import { inheritMemory } from '../platform/page-memory';
import { currentProgram, outside } from '../platform/program';
import { RelayService, type Call, type Passage } from '../platform/relay-service';
import { Cloud } from './cloud';
import { signingKeyOf } from './keys';
import { Machine, syncMsMax, writtenBytesPerMs } from './machine';
import { sharedStorage } from './make-vms';
import type { Templates } from './templates';
import type { VmId } from '../../../contracts/ids';

export type SitePlan = {
  readonly seed: number;
  readonly bytesPerSecond: number;
  readonly lookMsMax: number;
  /** The VMs of each machine. */
  readonly machines: ReadonlyMap<string, readonly VmId[]>;
  readonly isJoined: boolean;
};

/** What watches a site: told of everything that may break a promise. */
export type SiteWatch = {
  readonly log: (machine: string, level: string, event: string, fields: LogFields) => void;
  readonly names: (machine: string, path: string) => void;
  readonly written: (machine: string, path: string) => void;
  readonly commit: () => void;
  /** Files of what is no machine of the site. */
  readonly filesOf: (name: string) => MachineFiles | undefined;
};

const startMs = Date.UTC(2027, 0, 1);
const latencyMs = 4;
const appKey = signingKeyOf('the app of the simulation');

/** Machines, network, relay, storage and cloud of one seed, joined in one process on virtual time. */
export class Site {
  readonly loop = new Loop(startMs);
  readonly network: Network;
  readonly relay: RelayService;
  readonly machines = new Map<string, Machine>();
  /** What the machines share; undefined where they share nothing. */
  readonly shared: MachineFiles | undefined;
  readonly cloud: Cloud;
  /** Asked for the passage of each call; the first that answers decides. */
  readonly relayFaults = new Set<(call: Pick<Call, 'host' | 'method'>) => Passage | undefined>();
  readonly cloudLines: string[] = [];
  /** Something is on its way that arrives by then. */
  arrivesUntilMs = 0;

  constructor(plan: SitePlan, templates: Templates, watch: SiteWatch) {
    // The world before this one is over.
    inheritPages();
    forgetPieces();
    inheritMemory();
    const { seed, bytesPerSecond } = plan;
    const { loop } = this;
    this.network = new Network({ loop, draw: new Draw(seed, 'network'), bytesPerSecond, latencyMs });
    const passages = new Draw(seed, 'passages');
    this.relay = new RelayService({
      loop,
      draw: new Draw(seed, 'relay'),
      latencyMs,
      passageOf: (call) => this.#passageOf(passages, call),
      isCutOff: (host) => this.network.cutOff.has(host),
    });
    this.cloud = new Cloud({
      seed,
      loop,
      relay: this.relay,
      appKey,
      lookMsMax: plan.lookMsMax,
      hosts: [...plan.machines.keys()],
      bytesPerSecond,
      isCutOff: (machine) => this.network.cutOff.has(machine),
      onCommit: watch.commit,
      log: (line) => void this.cloudLines.push(line),
    });
    for (const [name, vms] of plan.machines) {
      const machine = new Machine({
        name,
        seed,
        loop,
        network: this.network,
        relay: this.relay,
        appKey,
        staging: this.cloud.staging,
        onLog: watch.log,
        onNames: watch.names,
        onWritten: watch.written,
      });
      machine.files.tree = templates.machine(name, vms, plan.isJoined);
      this.machines.set(name, machine);
    }
    this.shared = plan.isJoined ? this.#shared(plan, templates, watch) : undefined;
    usePlatform({
      filesOf: (name) => (name === sharedStorage ? this.shared : this.machines.get(name)?.files) ?? watch.filesOf(name),
      network: this.network,
      relay: this.relay,
    });
  }

  start(): void {
    for (const machine of this.machines.values()) this.loop.schedule(0, () => machine.start(), outside);
    this.loop.schedule(0, () => this.cloud.start(), outside);
  }

  machine(name: string): Machine {
    const machine = this.machines.get(name);
    if (machine === undefined) throw new Error(`there is no machine ${name}`);
    return machine;
  }

  /** Faults of a machine's files strike what it does to shared ones too. */
  #shared({ seed, machines }: SitePlan, templates: Templates, { names, written }: SiteWatch): MachineFiles {
    const files = new MachineFiles({
      loop: this.loop,
      draw: new Draw(seed, 'shared files'),
      syncMsMax,
      writtenBytesPerMs,
      fateOf: (act) => this.machines.get(currentProgram().name)?.fateOf(act) ?? done,
      namesChanged: (path) => names(sharedStorage, path),
      written: (path) => written(sharedStorage, path),
    });
    const owners = [...machines].flatMap(([name, vms]) => vms.map((vm): [VmId, string] => [vm, name]));
    files.tree = templates.shared(new Map(owners));
    return files;
  }

  /** The files of a machine, or what the machines share. */
  tree(name: string): FileTree {
    if (name !== sharedStorage) return this.machine(name).files.tree;
    if (this.shared === undefined) throw new Error('these machines share nothing');
    return this.shared.tree;
  }

  #passageOf(draw: Draw, call: Pick<Call, 'host' | 'method'>): Passage {
    for (const fault of this.relayFaults) {
      const passage = fault(call);
      if (passage !== undefined) return passage;
    }
    return {
      requestDelayMs: draw.between(0, 15),
      replyDelayMs: draw.between(0, 15),
      lost: 'nothing',
      againAfterMs: null,
    };
  }
}
