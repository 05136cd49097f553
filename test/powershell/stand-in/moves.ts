import { randomUUID } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import type { DriverContext, HyperVDriver } from '../../../agent/hyperv/driver';
import { exists, filesBelow, makeFolder, removeDurably } from '../../../agent/hyperv/files';
import { homeLayout } from '../../../agent/hyperv/home/layout';
import { hostBehind } from '../../../agent/hyperv/simulated/driver';
import type { VmFacts } from '../../../contracts/facts';
import type { Failure, Outcome } from '../../../contracts/failure';
import { hostId, vmId as vmIdOf, type RunId } from '../../../contracts/ids';
import { perform } from '../../conformance/hyperv-move';
import { HyperVRefusal } from './refusal';
import type { StandInRoles } from './roles';

type How = 'live' | 'whole' | 'storage';

/** A migration job as Msvm_MigrationJob tells it. */
type Job = {
  readonly id: string;
  readonly vmId: string;
  readonly type: number;
  readonly destinationHost: string;
  state: number;
  percent: number;
  errorCode: number;
  description: string;
  errors: { id: string; text: string }[];
  readonly stop: AbortController;
};

/** A move that was compared with the other host, where the VM is planned since. */
type Plan = {
  readonly vm: VmFacts;
  readonly vmId: string;
  readonly peer: string;
  readonly folder: string;
  switchName: string | null;
};

const types = { live: 305, whole: 306, storage: 307 } as const;
const [running, completed, terminated, exception] = [4, 7, 8, 10];
const failedCode = 32768;

/** What the moves need of the Hyper-V of a host. */
type HyperVOfHost = {
  readonly simulated: HyperVDriver;
  readonly moves: StandInMoves;
  readonly roles: StandInRoles;
  own(vmId: string): Promise<{ readonly name: string }>;
  isRegistered(vmId: string): boolean;
  shutDown(vmId: string): Promise<void>;
  notesOf(vmId: string): Promise<string>;
  setNotes(vmId: string, notes: string): Promise<void>;
};

/** What Hyper-V does to move a running VM, by simulated hosts that hand it over. Its jobs outlive the workers, as the real ones do. */
export class StandInMoves {
  /** Other hosts, by the names that Hyper-V knows them by. */
  peers: ReadonlyMap<string, HyperVOfHost> = new Map();
  /** Moves begin their work when it resolves; their jobs are there before. */
  gate: Promise<unknown> = Promise.resolve();
  /** Whether a move that fails leaves files and the planned VM at the other host, as a real one may. */
  leavesRests = false;
  /** Jobs are forgotten as soon as they end, as the real ones are after minutes. */
  forgetsJobs = false;
  /** How the next job fails, whatever the hosts would do. */
  breaks: { readonly description: string; readonly errorCode?: number; readonly messageId?: string } | undefined;
  /** VMs that are planned here by a move of another host. */
  readonly inbound = new Set<string>();
  readonly outbound = new Map<string, Plan>();
  private readonly jobs: Job[] = [];
  private readonly atWork = new Set<Promise<void>>();

  constructor(
    private readonly hyperV: HyperVOfHost,
    private readonly simulated: HyperVDriver,
    private readonly by: RunId,
  ) {}

  list() {
    return this.jobs.map(({ stop: _stop, ...job }) => job);
  }

  isMoving(vmId: string): boolean {
    return this.jobs.some((job) => job.vmId === vmId && job.state === running);
  }

  /** Plans the VM at the other host. It stays planned there when the one who asked for it dies. */
  async plan(vmId: string, peerName: string, folder: string): Promise<string> {
    const peer = this.peerOf(peerName);
    if (peer.isRegistered(vmId))
      throw new HyperVRefusal('OperationFailed', `A VM ${vmId} is registered on ${peerName}.`, 0x800700b7 | 0);
    if (peer.moves.inbound.has(vmId))
      throw new HyperVRefusal('OperationFailed', `A planned VM ${vmId} is on ${peerName} already.`, 0x800700b7 | 0);
    peer.moves.inbound.add(vmId);
    const vm = await this.simulated.vm(vmIdOf.parse(vmId));
    if (vm === undefined) throw new HyperVRefusal('InvalidParameter', `There is no VM ${vmId}.`);
    this.outbound.set(vmId, { vm, vmId, peer: peerName, folder, switchName: vm.switchName });
    return vmId;
  }

  plans() {
    return [...this.outbound.values()].map(({ vm, vmId, folder, switchName }) => ({
      id: vmId,
      name: vm.name,
      root: folder,
      generation: vm.generation,
      version: vm.configurationVersion,
      processorCount: vm.processorCount,
      memoryBytes: vm.memoryBytes,
      state: 'Running',
      switchName,
      disks: [],
    }));
  }

  async incompatibilities(vmId: string) {
    const { peer, switchName } = this.planned(vmId);
    const { switches } = await this.peerOf(peer).simulated.host();
    const isThere = switchName === null || switches.includes(switchName);
    return isThere ? [] : [{ id: 33012, type: 'adapter', diskId: null, message: `There is no switch ${switchName}.` }];
  }

  setSwitch(vmId: string, switchName: string | null): void {
    this.planned(vmId).switchName = switchName;
  }

  /** Has the job begun when this answers. */
  async start(how: How, vmId: string, target: { readonly peer?: string; readonly folder?: string }): Promise<string> {
    const vm = await this.hyperV.own(vmId);
    if (this.isMoving(vmId)) throw new HyperVRefusal('InvalidState', `${vm.name} is being moved.`);
    const plan = how === 'whole' ? this.planned(vmId) : undefined;
    const peer = target.peer ?? plan?.peer;
    const job: Job = {
      id: randomUUID().toUpperCase(),
      vmId,
      type: types[how],
      destinationHost: peer ?? '',
      state: running,
      percent: 0,
      errorCode: 0,
      description: '',
      errors: [],
      stop: new AbortController(),
    };
    this.jobs.push(job);
    const work = this.work(job, how, peer, plan?.folder ?? target.folder ?? '', plan?.switchName ?? null);
    this.atWork.add(work);
    void work.finally(() => this.atWork.delete(work));
    return job.id;
  }

  stop(id: string): void {
    this.jobs.find((job) => job.id === id)?.stop.abort();
  }

  stopOf(vmId: string): void {
    for (const job of this.jobs) if (job.vmId === vmId && job.state === running) job.stop.abort();
  }

  async idle(): Promise<void> {
    await Promise.all(this.atWork);
  }

  private async work(job: Job, how: How, peer: string | undefined, home: string, switchName: string | null) {
    const outcome = await this.carryOut(job, how, peer, home, switchName).catch(asFailure);
    this.outbound.delete(job.vmId);
    if (outcome.ok || !this.leavesRests) this.peers.get(peer ?? '')?.moves.inbound.delete(job.vmId);
    if (outcome.ok) job.percent = 100;
    else tell(job, outcome.failure);
    job.state = outcome.ok ? completed : job.stop.signal.aborted ? terminated : exception;
    if (this.forgetsJobs) this.jobs.splice(this.jobs.indexOf(job), 1);
  }

  private async carryOut(
    job: Job,
    how: How,
    peer: string | undefined,
    home: string,
    switchName: string | null,
  ): Promise<Outcome<unknown>> {
    await Promise.race([this.gate, aborted(job.stop.signal)]);
    const { breaks } = this;
    this.breaks = undefined;
    if (breaks !== undefined) {
      const { description: message, errorCode = failedCode, messageId = '' } = breaks;
      job.errorCode = errorCode;
      if (how === 'whole' && this.leavesRests) await leaveRest(home);
      return { ok: false, failure: { message, native: messageId } as Failure };
    }
    switch (how) {
      case 'storage':
        return this.inMadeHome(home, () => this.ask(job, 'move-storage', { folder: dirname(home) }));
      case 'live':
        return this.toPeer(job, peer, { type: 'memory' }, (peerHost) => this.ask(job, 'move-live', { peerHost }));
      case 'whole':
        return this.inMadeHome(home, () => {
          const folder = dirname(home);
          return this.toPeer(job, peer, { type: 'files', folder, switchName }, (peerHost) =>
            this.ask(job, 'move-whole', { peerHost, folder, switchName }),
          );
        });
    }
  }

  private ask(job: Job, kind: 'move-storage' | 'move-live' | 'move-whole', input: object): Promise<Outcome<unknown>> {
    const report: DriverContext['report'] = ({ bytesDone, bytesTotal }) => {
      job.percent = bytesTotal === 0 ? 0 : Math.min(99, Math.floor((100 * bytesDone) / bytesTotal));
    };
    const context = { runId: this.by, signal: job.stop.signal, report };
    return this.simulated.perform(kind, context, { ...input, vmId: vmIdOf.parse(job.vmId) } as never);
  }

  /** The other host takes the VM on, as its own Hyper-V would, and gets what people wrote of it. */
  private async toPeer(
    job: Job,
    peer: string | undefined,
    brings: { readonly type: 'memory' } | { readonly type: 'files'; folder: string; switchName: string | null },
    move: (peerHost: ReturnType<typeof hostId.parse>) => Promise<Outcome<unknown>>,
  ): Promise<Outcome<unknown>> {
    const other = this.peerOf(peer ?? '');
    const ofVm = { vmId: vmIdOf.parse(job.vmId) };
    const needs = await perform(this.simulated, this.by, 'describe-vm', ofVm);
    if (!needs.ok) return needs;
    const admitted = await perform(other.simulated, this.by, 'admit-vm', { ...ofVm, needs: needs.value, brings });
    if (!admitted.ok) return admitted;
    await other.setNotes(job.vmId, await this.hyperV.notesOf(job.vmId));
    const moved = await move(hostId.parse(peer));
    if (!moved.ok) {
      await perform(other.simulated, this.by, 'withdraw-vm', ofVm);
      return moved;
    }
    for (const driver of [this.simulated, other.simulated]) await perform(driver, this.by, 'release', ofVm);
    await this.hyperV.setNotes(job.vmId, '');
    return moved;
  }

  /** Hyper-V takes a folder that is there already; a simulated host makes its own, so this one goes meanwhile. */
  private async inMadeHome(home: string, move: () => Promise<Outcome<unknown>>): Promise<Outcome<unknown>> {
    const { markFile, mark } = homeLayout(home);
    const text = (await exists(markFile)) ? await readFile(markFile, 'utf8') : undefined;
    const inTheWay = (await filesBelow(home)).filter(({ path }) => path !== markFile);
    const first = inTheWay[0];
    if (first !== undefined)
      return { ok: false, failure: { message: `${first.path} exists. (0x80070050)`, native: '' } as Failure };
    await removeDurably(home);
    const moved = await move();
    if (moved.ok || text === undefined) return moved;
    await makeFolder(mark);
    await writeFile(markFile, text);
    if (this.leavesRests) await leaveRest(home);
    return moved;
  }

  private peerOf(name: string): HyperVOfHost {
    const peer = this.peers.get(name);
    if (peer === undefined) throw new HyperVRefusal('OperationFailed', `There is no host ${name}.`, 0x8009030e | 0);
    return peer;
  }

  private planned(vmId: string): Plan {
    const plan = this.outbound.get(vmId);
    if (plan === undefined) throw new HyperVRefusal('InvalidParameter', `No move of VM ${vmId} is planned.`);
    return plan;
  }
}

/** A disk that was copied in part. */
async function leaveRest(home: string): Promise<void> {
  const { disks } = homeLayout(home);
  await makeFolder(disks);
  await writeFile(`${disks}/rest.vhdx`, basename(home));
}

/** What the call would have thrown, had it not ended when the job began. */
function asFailure(thrown: unknown): Outcome<unknown> {
  if (!(thrown instanceof HyperVRefusal)) throw thrown;
  const native = `0x${(thrown.hresult >>> 0).toString(16).toUpperCase()}`;
  return { ok: false, failure: { message: thrown.message, native } as Failure };
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });

/** As the real one: a general code, and what happened in words, with a number among them where there is one. */
function tell(job: Job, { message, native }: Failure): void {
  if (job.errorCode === 0) job.errorCode = failedCode;
  const number = native?.startsWith('0x') === true ? ` (${native})` : '';
  job.description = `Fehler beim Verschieben. ${message}${number}`;
  const messageId = native?.replace(/^event /, '') ?? '';
  job.errors = /^[0-9]+$/.test(messageId) ? [{ id: messageId, text: message }] : [];
}

/** Numbers by which processors are compared: who made them, and what they can do. */
export function processorVectors(simulated: HyperVDriver, vmId: string | null) {
  const host = hostBehind(simulated);
  const { maker, features } = host.record.processor;
  const vm = vmId === null ? undefined : host.state.vm(vmIdOf.parse(vmId));
  const inCommon = ['sse4.2', 'aes'];
  const shown = vm?.processorCompatibility === true ? features.filter((one) => inCommon.includes(one)) : features;
  const bits = shown.reduce((sum, feature) => sum | (1n << BigInt(known.indexOf(feature) + 1)), 1n << 63n);
  return [
    { id: 1, operation: 0, value: `${maker.length}` },
    { id: 7, operation: 2, value: `${bits}` },
  ];
}
const known = ['sse4.2', 'aes', 'avx', 'avx2', 'avx512'];
