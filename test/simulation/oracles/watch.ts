import type { LogFields } from '../../../agent/log';
import { convertedTo, isStaged } from '../../../contracts/requests';
import { destinationHostOf } from '../../../contracts/migration';
import type { Site } from '../world/site';
import { sharedStorage } from '../world/make-vms';
import { snapshots } from './contents';
import { checkContent, leftoversOf } from './ends';
import { OperationLogs, operationsLog } from './operation-logs';
import { pathsBelow, textOf } from './registrations';
import type { Plan } from '../plan';
import { WatchedRun, type RunFacts } from './runs';
import { WatchedVm } from './vms';
import type { Violation } from './violation';

/** A move of the batch: its run, as its status tells it, and its VM, as the machines show it. */
export type WatchedMove = {
  readonly run: WatchedRun;
  readonly vm: WatchedVm;
  /** A person left something undone; what remains is theirs. */
  excused: boolean;
};

const hasCompleted = (run: WatchedRun): boolean => run.ended === 'completed';

const vmFile = /^\/host\/vms\/([0-9a-f-]{36})\/vm\.json$/;
const handoverFile = /^\/handovers\/([0-9a-f-]{36})\//;
const diskFile = /\.a?vhdx?$/;

/** Everything that is checked after every event, and at the end. */
export class Watch {
  readonly violations: Violation[] = [];
  readonly marks = new Map<string, number>();
  readonly moves: WatchedMove[] = [];
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
    if (event === 'agent started') this.#logs.begins(machine);
    if (event === 'operation resumed') this.mark('an operation resumed by a new agent');
    if (event === 'torn end of the operation log cut off') this.mark('a torn operation log cut off');
    if (event === 'byte route serves') this.#served(fields);
    if (event === 'byte route failed by a bug' || event === 'request not answered')
      this.complain('no bug shows', `${machine}: ${event} ${JSON.stringify(fields)}`);
    if (event === 'operation ended' && fields['state'] === 'failed')
      this.mark(`an operation failed: ${String(fields['code'])}`);
  };

  readonly names = (machine: string, path: string): void => {
    const [, vm] = (machine === sharedStorage ? handoverFile : vmFile).exec(path) ?? [];
    if (vm !== undefined) this.#dirtyVms.add(vm);
    if (diskFile.test(path)) this.#disksChanged = true;
    if (path === operationsLog) this.written(machine, path);
  };

  readonly written = (machine: string, path: string): void => {
    if (path === operationsLog) this.#logs.changed(machine, this.#here.tree(machine));
  };

  readonly replyLost = (machine: string): void => {
    for (const { run, vm } of this.moves)
      if (vm.request.sourceHost === machine || destinationHostOf(vm.request) === machine) run.replyLost();
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
      const vm = new WatchedVm(site, request, this.complain);
      const run = new WatchedRun(vm.runId, request.kind, this.complain, this.mark, () => onReport(index));
      this.moves.push({ run, vm, excused: false });
    }
  }

  get facts(): RunFacts {
    const { loop, cloud } = this.#here;
    return { nowMs: loop.nowMs, cloudRuns: cloud.runs, cloudKills: cloud.kills };
  }

  /** After every event. */
  readonly check = (): void | Promise<void> => {
    if (this.#committed) this.#readStatuses();
    for (const { run } of this.moves) if (run.isActive) run.look(this.facts);
    if (this.#dirtyVms.size === 0 && !this.#disksChanged) return undefined;
    this.#disksChanged = false;
    const dirty = this.moves.filter(({ vm }) => this.#dirtyVms.has(vm.vmId));
    this.#dirtyVms.clear();
    return this.#checkVms(dirty);
  };

  get isOver(): boolean {
    return this.moves.every(({ run }) => run.ended !== undefined);
  }

  /** What of the runs is there now and should not be, once everything has ended and every machine runs again. */
  leftovers(): string[] {
    const left = this.moves.flatMap(({ vm, run, excused }) => (excused ? [] : leftoversOf(this.#here, vm, run)));
    const isExcused = this.moves.some(({ excused }) => excused);
    return isExcused ? left : [...left, ...this.#here.cloud.staging.names.map((name) => `storage: container ${name}`)];
  }

  /** The content of every VM, at the same time. */
  async checkContents(): Promise<void> {
    for (const { vm, run } of this.moves) await checkContent(this.#here, vm, run, this.complain);
  }

  get #here(): Site {
    if (this.site === undefined) throw new Error('nothing is watched yet');
    return this.site;
  }

  #readStatuses(): void {
    this.#committed = false;
    const { facts } = this;
    let underWay = 0;
    for (const { run, vm } of this.moves) {
      const row = this.#here.cloud.store.instance(run.runId);
      if (row === undefined || run.ended !== undefined) continue;
      run.generation(row.executionId);
      run.shown(row.customStatus, facts);
      if (row.status === 'Running' || row.status === 'Pending') {
        underWay++;
        continue;
      }
      run.end(facts);
      if (hasCompleted(run) && isStaged(vm.request)) this.mark('a staged run completed');
      if (hasCompleted(run) && convertedTo(vm.request) !== undefined) this.mark('a converting run completed');
      if (row.status !== 'Completed')
        this.complain(
          'every run ends, or is parked with a question',
          `${run.runId} is ${row.status}: ${String(row.output).slice(0, 300)}`,
        );
    }
    if (underWay > this.#concurrentMax)
      this.complain('no more moves at once than the batch says', `${underWay}, and ${this.#concurrentMax} is the most`);
  }

  async #checkVms(dirty: readonly WatchedMove[]): Promise<void> {
    for (const { vm } of dirty) await vm.check();
    for (const { vm } of this.moves) vm.checkWhole();
  }

  /** Whether a source serves what the destination already has a durable part of. */
  #served(fields: LogFields): void {
    const destination = fields['destinationHost'];
    const subject = String(fields['subject']);
    if (typeof destination !== 'string' || !this.#here.machines.has(destination)) return;
    const tree = this.#here.tree(destination);
    const journals = [...pathsBelow(tree, '/host/volumes')].filter((path) => path.endsWith('.journal'));
    for (const path of journals) {
      const name = path.split('/').at(-1)?.replace('.journal', '') ?? '';
      const [disk = '', index = ''] = name.split(/-(?=\d+$)/);
      const isIt = subject.includes(`"${disk}"`) && (index === '' || subject.includes(`"index":${index}}`));
      const text = textOf(tree, path) ?? '';
      if (isIt && /"record":"mark","sentBytes":[1-9]/.test(text) && !text.includes('"record":"finish"'))
        this.mark('resumed in mid-disk');
    }
  }
}
