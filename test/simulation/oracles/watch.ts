import type { LogFields } from '../../../agent/log';
import type { VmId } from '../../../contracts/ids';
import type { AcceptedRequest } from '../../../contracts/migration';
import { runIdOf } from '../../../contracts/ids';
import { destinationHostOf } from '../../../contracts/migration';
import type { Site } from '../world/site';
import type { FileTree } from '../platform/file-tree';
import { differenceBetween, snapshots, strangeContent, type Snapshot } from './contents';
import { OperationLogs, operationsLog } from './operation-logs';
import {
  isRunnable,
  isThere,
  pathsBelow,
  registrationOf,
  textOf,
  withinMachine,
  type Registration,
} from './registrations';
import type { Plan } from '../plan';
import { WatchedRun, type RunFacts } from './runs';
import type { Violation } from './violation';

/** A VM of the batch: where it began, and what is known of where it is whole. */
type WatchedVm = {
  readonly vmId: VmId;
  readonly request: AcceptedRequest;
  readonly run: WatchedRun;
  readonly beginning: Snapshot;
  readonly guestSeed: number;
  /** As it was when its source was fenced. */
  fence: Snapshot | undefined;
  /** The machine that surely holds a whole copy of every disk. */
  owner: string;
  /** The disks of that copy. */
  whole: readonly string[];
  moved: boolean;
  /** A person left something undone; what remains is theirs. */
  excused: boolean;
};

const vmFile = /^\/host\/vms\/([0-9a-f-]{36})\/vm\.json$/;
const diskFile = /\.a?vhdx$/;

/** What a state file of a VM says of runs, but for when the last one stopped and resumed it: that holds nobody up. */
const marksIn = (text: string): string => {
  const { stop: _, ...marks } = JSON.parse(text) as Readonly<Record<string, unknown>>;
  return JSON.stringify(marks);
};

/** Everything that is checked after every event, and at the end. */
export class Watch {
  readonly violations: Violation[] = [];
  readonly marks = new Map<string, number>();
  readonly vms: WatchedVm[] = [];
  site: Site | undefined;
  #beganAtMs = 0;
  readonly #dirtyVms = new Set<string>();
  #disksChanged = false;
  #concurrentMax = 1;
  #committed = false;
  readonly #logs = new OperationLogs((oracle, detail) => this.complain(oracle, detail));

  mark = (mark: string): void => {
    this.marks.set(mark, (this.marks.get(mark) ?? 0) + 1);
  };

  complain = (oracle: string, detail: string): void => {
    const atMs = (this.site?.loop.nowMs ?? 0) - this.#beganAtMs;
    if (!this.violations.some((one) => one.oracle === oracle)) this.violations.push({ oracle, detail, atMs });
  };

  // What the site tells.

  readonly log = (machine: string, event: string, fields: LogFields): void => {
    if (event === 'operation resumed') this.mark('an operation resumed by a new agent');
    if (event === 'torn end of the operation log cut off') this.mark('a torn operation log cut off');
    if (event === 'byte route serves') this.#served(fields);
    if (event === 'byte route failed by a bug' || event === 'request not answered')
      this.complain('no bug shows', `${machine}: ${event} ${JSON.stringify(fields)}`);
    if (event === 'operation ended' && fields['state'] === 'failed')
      this.mark(`an operation failed: ${String(fields['code'])}`);
  };

  readonly names = (machine: string, path: string): void => {
    const [, vm] = vmFile.exec(path) ?? [];
    if (vm !== undefined) this.#dirtyVms.add(vm);
    if (diskFile.test(path)) this.#disksChanged = true;
    if (path === operationsLog) this.written(machine, path);
  };

  readonly written = (machine: string, path: string): void => {
    if (path === operationsLog) this.#logs.changed(machine, this.#tree(machine));
  };

  readonly commit = (): void => {
    this.#committed = true;
  };

  readonly filesOf = (name: string) => snapshots.get(name);

  /** The batch is about to begin. */
  begin(
    site: Site,
    { requests, concurrentMax }: Pick<Plan, 'requests' | 'concurrentMax'>,
    onReport: (move: number) => void,
  ): void {
    this.site = site;
    this.#concurrentMax = concurrentMax;
    this.#beganAtMs = site.loop.nowMs;
    for (const [index, request] of requests.entries()) {
      const { vmId, sourceHost } = request;
      const vm = registrationOf(this.#tree(sourceHost), vmId);
      if (vm === undefined) throw new Error(`${vmId} is not on ${sourceHost}`);
      const run = new WatchedRun(runIdOf(request.id), this.complain, this.mark, () => onReport(index));
      const guest = JSON.parse(textOf(this.#tree(sourceHost), `host/vms/${vmId}/vm.json`) ?? '{}') as {
        guest: { seed: number };
      };
      this.vms.push({
        vmId,
        request,
        run,
        beginning: { tree: this.#tree(sourceHost).copy(), vm },
        guestSeed: guest.guest.seed,
        fence: undefined,
        owner: sourceHost,
        whole: vm.disks.map((disk) => withinMachine(disk.path)),
        moved: false,
        excused: false,
      });
    }
  }

  get facts(): RunFacts {
    const { loop, cloud } = this.#here;
    return { nowMs: loop.nowMs, cloudRuns: cloud.runs, cloudKills: cloud.kills };
  }

  /** After every event. */
  readonly check = (): void | Promise<void> => {
    if (this.#committed) this.#readStatuses();
    for (const { run } of this.vms) if (run.isActive) run.look(this.facts);
    if (this.#dirtyVms.size === 0 && !this.#disksChanged) return undefined;
    this.#disksChanged = false;
    const dirty = this.vms.filter(({ vmId }) => this.#dirtyVms.has(vmId));
    this.#dirtyVms.clear();
    return this.#checkVms(dirty);
  };

  get isOver(): boolean {
    return this.vms.every(({ run }) => run.ended !== undefined);
  }

  /** When everything has ended and every machine runs again. */
  async checkEnd(): Promise<void> {
    for (const vm of this.vms) {
      this.#checkLeftovers(vm);
      await this.#checkContent(vm);
    }
  }

  get #here(): Site {
    if (this.site === undefined) throw new Error('nothing is watched yet');
    return this.site;
  }

  #tree(machine: string): FileTree {
    return this.#here.machine(machine).files.tree;
  }

  #readStatuses(): void {
    this.#committed = false;
    const { facts } = this;
    let underWay = 0;
    for (const { run } of this.vms) {
      const row = this.#here.cloud.store.instance(run.runId);
      if (row === undefined || run.ended !== undefined) continue;
      run.shown(row.customStatus, facts);
      if (row.status === 'Running' || row.status === 'Pending') {
        underWay++;
        continue;
      }
      run.ended = run.report?.state ?? 'parked';
      this.mark(row.status === 'Completed' ? `run ${run.ended}` : `instance ${row.status}`);
      if (row.status !== 'Completed')
        this.complain(
          'every run ends, or is parked with a question',
          `${run.runId} is ${row.status}: ${String(row.output).slice(0, 300)}`,
        );
    }
    this.#checkConcurrency(underWay);
  }

  #checkConcurrency(underWay: number): void {
    if (underWay > this.#concurrentMax)
      this.complain('no more moves at once than the batch says', `${underWay}, and ${this.#concurrentMax} is the most`);
  }

  async #checkVms(dirty: readonly WatchedVm[]): Promise<void> {
    for (const vm of this.vms) {
      if (dirty.includes(vm)) await this.#checkPlaces(vm);
      this.#checkWhole(vm);
    }
  }

  async #checkPlaces(vm: WatchedVm): Promise<void> {
    const places = [...this.#here.machines.keys()].flatMap((machine) => {
      const found = registrationOf(this.#tree(machine), vm.vmId);
      return found === undefined ? [] : [{ machine, found }];
    });
    const runnable = places.filter(({ found }) => isRunnable(found));
    if (runnable.length > 1)
      this.complain(
        'never are two able to run',
        `${vm.vmId} on ${runnable.map(({ machine }) => machine).join(' and ')}`,
      );
    if (places.length === 0) this.complain('a VM is never lost', `${vm.vmId} is registered nowhere`);
    const { runId } = vm.run;
    const fenced = places.find(({ found }) => found.fencedBy === runId && found.startedBy?.runId !== runId);
    if (fenced !== undefined && vm.fence === undefined)
      vm.fence = { tree: this.#tree(fenced.machine).copy(), vm: fenced.found };
    const started = places.find(({ found }) => found.startedBy?.runId === runId);
    if (fenced === undefined && started === undefined) vm.fence = undefined;
    if (started !== undefined && !vm.moved) await this.#checkArrival(vm, started.machine, started.found);
  }

  /** The moment at which the VM belongs to the destination. */
  async #checkArrival(vm: WatchedVm, machine: string, found: Registration): Promise<void> {
    vm.moved = true;
    if (vm.fence === undefined) {
      this.complain('the source is fenced before the destination starts', `${vm.vmId} started on ${machine}`);
      return;
    }
    const mark = `/state/started/${vm.run.runId}.${vm.vmId}`.toLowerCase();
    if (!isThere(this.#tree(machine), mark))
      this.complain('a start is on record before it happens', `${machine} has no ${mark}`);
    const different = await differenceBetween(vm.fence, { tree: this.#tree(machine), vm: found });
    if (different !== undefined)
      this.complain('the destination holds what the source held at the fence', `${vm.vmId}: ${different}`);
    vm.owner = machine;
    vm.whole = found.disks.map((disk) => withinMachine(disk.path));
  }

  #checkWhole({ owner, whole, vmId }: WatchedVm): void {
    const tree = this.#tree(owner);
    const missing = whole.find((path) => !isThere(tree, path));
    if (missing !== undefined)
      this.complain('one whole copy is there always', `${vmId}: ${missing} is gone from ${owner}`);
  }

  #checkLeftovers(vm: WatchedVm): void {
    if (vm.excused) return;
    const { runId } = vm.run;
    const request = vm.request;
    const kept = vm.run.ended === 'completed';
    for (const machine of new Set([request.sourceHost, destinationHostOf(request)])) {
      const tree = this.#tree(machine);
      for (const path of pathsBelow(tree, '/host')) {
        if (path.includes(runId) && !(kept && path.startsWith('/host/retired/')))
          this.complain('nothing of a run is left', `${machine}: ${path}`);
        if (
          path.endsWith('.tmp') ||
          path.includes('.hyperferry/') ||
          path.endsWith('.merged') ||
          path.endsWith('.pulled')
        )
          this.complain('nothing of a run is left', `${machine}: ${path}`);
        if (!path.endsWith('vm.json')) continue;
        if (!kept && marksIn(textOf(tree, path) ?? '{}').includes(runId))
          this.complain('nothing of a run is left', `${machine}: ${path} names ${runId}`);
      }
    }
  }

  async #checkContent(vm: WatchedVm): Promise<void> {
    const { request, run } = vm;
    const machine = run.ended === 'completed' ? destinationHostOf(request) : request.sourceHost;
    const found = registrationOf(this.#tree(machine), vm.vmId);
    if (found === undefined || !isRunnable(found)) {
      this.complain(
        'a run that ended leaves the VM able to run',
        `${vm.vmId} on ${machine} after ${run.ended ?? 'nothing'}`,
      );
      return;
    }
    if (found.state !== 'running')
      this.complain(
        'a run that ended leaves the VM running',
        `${vm.vmId} on ${machine} is ${found.state} after ${run.ended ?? 'nothing'}`,
      );
    const strange = await strangeContent({ tree: this.#tree(machine), vm: found }, vm.beginning, vm.guestSeed);
    if (strange !== undefined) this.complain('no byte is another', `${vm.vmId} on ${machine}: ${strange}`);
  }

  /** Whether a source serves what the destination already has a durable part of. */
  #served(fields: LogFields): void {
    const destination = fields['destinationHost'];
    const subject = String(fields['subject']);
    if (typeof destination !== 'string' || !this.#here.machines.has(destination)) return;
    const journals = [...pathsBelow(this.#tree(destination), '/host/volumes')].filter((path) =>
      path.endsWith('.journal'),
    );
    for (const path of journals) {
      const name = path.split('/').at(-1)?.replace('.journal', '') ?? '';
      const [disk = '', index = ''] = name.split(/-(?=\d+$)/);
      const isIt = subject.includes(`"${disk}"`) && (index === '' || subject.includes(`"index":${index}}`));
      const text = textOf(this.#tree(destination), path) ?? '';
      if (isIt && /"record":"mark","sentBytes":[1-9]/.test(text) && !text.includes('"record":"finish"'))
        this.mark('resumed in mid-disk');
    }
  }
}
