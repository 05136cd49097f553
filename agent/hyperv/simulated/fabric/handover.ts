import {
  describeThrown,
  failed,
  failureOf,
  succeeded,
  type Failure,
  type Outcome,
} from '../../../../contracts/failure';
import type { HostId } from '../../../../contracts/ids';
import { readJson, removeDurably, writeJsonAtomic } from '../../files';
import type { SimulatedHost } from '../host';
import type { VmRecord, VmRegistration } from '../records';
import { refuse } from '../../refuse';
import { renamedFirst, type Fabric } from './fabric';
import { fileOf, has, offerIn } from './inbound';
import { accepted, arrived, refused, type Offer } from './records';

const lookMs = 20;
/** How long the other host may take to answer. */
const answerMsMax = 10_000;
const arrivalMsMax = 60_000;

export type Asked = Pick<Offer, 'runId' | 'type' | 'folder' | 'switchName' | 'needs'> & { readonly to: HostId };

/**
 * The side of a handover that gives a VM away. The VM is here until `commit`, whose rename makes it the other host's: from then on this host
 * never starts it again, whatever happens to it, and before it the other host never does.
 */
export class Giving {
  private constructor(
    private readonly host: SimulatedHost,
    private readonly fabric: Fabric,
    private readonly offered: Offer,
    readonly home: string,
  ) {}

  /** Offers the VM and waits for the answer. A refusal is the other host's own, without effect. */
  static async begin(host: SimulatedHost, vm: VmRecord, asked: Asked, signal: AbortSignal): Promise<Outcome<Giving>> {
    const { fabric } = host;
    if (fabric === undefined || asked.to === fabric.host)
      return refuse('MoveFailed', vm.vmId, `Host ${asked.to} cannot be reached from here.`, '0x8007274D');
    const offered: Offer = {
      ...asked,
      schema: 1,
      jobId: host.newGuid(),
      vmId: vm.vmId,
      from: fabric.host,
      final: null,
    };
    await host.state.saveVm({ ...vm, leaving: offered.jobId });
    const folder = fabric.layout.handover(vm.vmId, offered.jobId);
    let answer: Outcome<string> | undefined;
    try {
      await writeJsonAtomic(fileOf(folder, 'offer'), offered);
      await host.reached('move-offered');
      answer = await answerTo(host, folder, signal);
    } finally {
      if (answer?.ok !== true) await takeBackNowOrLater(host, offered);
    }
    return answer.ok ? succeeded(new Giving(host, fabric, offered, answer.value)) : answer;
  }

  get folder(): string {
    return this.fabric.layout.handover(this.offered.vmId, this.offered.jobId);
  }

  /** Whether the VM is the other host's. */
  isCommitted(): Promise<boolean> {
    return isGone(this.folder);
  }

  /**
   * Sends the last state of the VM, which stands still now, and hands it over when the other host is ready to start it. Where it throws,
   * `isCommitted` tells whether it was handed over.
   */
  async commit(final: VmRegistration): Promise<Outcome<void>> {
    await writeJsonAtomic(fileOf(this.folder, 'offer'), { ...this.offered, final });
    await this.host.reached('move-blackout');
    const ready = await this.waitFor('ready', answerMsMax);
    if (!ready.ok) return ready;
    const mine = await renamedFirst(fileOf(this.folder, 'ready'), fileOf(this.folder, 'committed'), this.folder);
    if (!mine) return failed(moveFailed(this.offered, 'the other host took its consent back', '0x80072746'));
    await this.host.reached('move-committed');
    return succeeded(undefined);
  }

  /** The VM stays: nothing of the offer counts any more. Not after a commit. Never rejects. */
  abandon(): Promise<void> {
    return takeBackNowOrLater(this.host, this.offered);
  }

  private async waitFor(name: 'ready', msMax: number): Promise<Outcome<void>> {
    const { clock } = this.host;
    const beganAtMs = clock.now();
    for (;;) {
      if (await has(this.folder, name)) return succeeded(undefined);
      const refusal = await refusalIn(this.folder);
      if (refusal !== undefined) return failed(refusal);
      if (clock.now() - beganAtMs > msMax)
        return failed(moveFailed(this.offered, `the other host did not answer in ${msMax} ms`, '0x8007274C'));
      await clock.sleep(lookMs);
    }
  }
}

const moveFailed = (offered: Pick<Offer, 'vmId' | 'to'>, why: string, native: string): Failure =>
  failureOf('MoveFailed', {
    message: `The hypervisor could not move VM ${offered.vmId} to ${offered.to}: ${why}.`,
    subject: { vmId: offered.vmId },
    native,
  });

async function refusalIn(folder: string): Promise<Failure | undefined> {
  const read = await readJson(fileOf(folder, 'refused'), refused);
  return read.state === 'read' ? { ...read.value.failure, effect: 'none' } : undefined;
}

async function answerTo(host: SimulatedHost, folder: string, signal: AbortSignal): Promise<Outcome<string>> {
  const beganAtMs = host.clock.now();
  while (host.clock.now() - beganAtMs <= answerMsMax) {
    const yes = await readJson(fileOf(folder, 'accepted'), accepted);
    if (yes.state === 'read') return succeeded(yes.value.home);
    const refusal = await refusalIn(folder);
    if (refusal !== undefined) return failed(refusal);
    if (signal.aborted)
      return failed(failureOf('CanceledByOperator', { message: 'The move was stopped.', effect: 'none' }));
    await host.clock.sleep(lookMs, signal);
  }
  const message = `The hypervisor of the other host did not answer in ${answerMsMax} ms.`;
  return failed(failureOf('MoveFailed', { message, native: '0x8007274C' }));
}

const isGone = async (folder: string): Promise<boolean> =>
  (await has(folder, 'committed')) || (await has(folder, 'arrived'));

/** Where a disk refuses it, the host goes on trying by itself. */
async function takeBackNowOrLater(host: SimulatedHost, { vmId, jobId }: Offer): Promise<void> {
  const vm = host.state.vm(vmId);
  if (vm?.leaving !== jobId) return;
  try {
    await settleLeaving(host, vm);
  } catch (thrown) {
    host.log(`the handover of VM ${vmId} is taken back later: ${describeThrown(thrown)}`);
    host.bringUpLater(vmId);
  }
}

async function takeBack(host: SimulatedHost, vmId: Offer['vmId'], jobId: string): Promise<void> {
  const { fabric } = host;
  const folder = fabric?.layout.handover(vmId, jobId);
  if (folder !== undefined) {
    await renamedFirst(fileOf(folder, 'ready'), fileOf(folder, 'withdrawn'), folder);
    await removeDurably(folder);
  }
  const vm = host.state.vm(vmId);
  if (vm?.leaving === jobId) await host.state.saveVm({ ...vm, leaving: null });
}

/** What becomes of an offer that nobody works on any more: a VM that was handed over is gone from here, any other stays. */
export async function settleLeaving(host: SimulatedHost, vm: VmRecord): Promise<void> {
  if (vm.leaving === null) return;
  const folder = host.fabric?.layout.handover(vm.vmId, vm.leaving);
  if (folder === undefined) return;
  if (await isGone(folder)) await host.state.dropVm(vm.vmId);
  else await takeBack(host, vm.vmId, vm.leaving);
}

/** When a VM that this host handed over for the run arrived; undefined while it has not. */
export async function arrivalOf(
  host: SimulatedHost,
  runId: Offer['runId'],
  vmId: Offer['vmId'],
): Promise<string | undefined> {
  // The listener of this host may forget a handover that has arrived at any moment; it notes it first.
  const seenAt = host.state.run(runId, vmId).moved?.arrivedAt;
  if (typeof seenAt === 'string') return seenAt;
  for (const folder of (await host.fabric?.handovers(vmId)) ?? []) {
    const read = await readJson(fileOf(folder, 'arrived'), arrived);
    // What another host handed over came here before, and does not count.
    if (read.state === 'read' && (await offerIn(folder))?.from === host.fabric?.host) return read.value.at;
  }
  return undefined;
}

/** Waits until a VM that was handed over has arrived. */
export async function awaitArrival(
  host: SimulatedHost,
  runId: Offer['runId'],
  vmId: Offer['vmId'],
  signal: AbortSignal,
): Promise<Outcome<string>> {
  const beganAtMs = host.clock.now();
  while (host.clock.now() - beganAtMs <= arrivalMsMax && !signal.aborted) {
    const at = await arrivalOf(host, runId, vmId);
    if (at !== undefined) return succeeded(at);
    await host.clock.sleep(lookMs, signal);
  }
  const message = `VM ${vmId} was handed over, and the other host does not say that it has it.`;
  return failed(failureOf('MoveFailed', { message, effect: 'unknown', native: '0x8007274C' }));
}
