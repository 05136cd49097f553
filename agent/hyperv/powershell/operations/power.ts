import { failed, failureOf, succeeded, type Outcome } from '../../../../contracts/failure';
import type { RunId, VmId } from '../../../../contracts/ids';
import { isoTime } from '../../../clock';
import { afterwards } from '../../afterwards';
import { refuse } from '../../refuse';
import type { VmValue } from '../calls/vm';
import { isChanging, sizesOf, stateOf } from '../facts';
import { fencedAgainst, registeredVm, reservedVm, type Handler, type RealHost } from '../host';
import { marksIn } from '../marks';
import type { RunFile } from '../run-files';

type Stopped = { readonly vm: VmValue; readonly stoppedAt: string };
const callOf = { saved: 'save-vm', off: 'shut-down-vm' } as const;

/**
 * Stops a running VM. What the run is about to do is noted before, so that a stop whose reply was lost, or whose agent was killed, is still
 * known as this run's: `resume-vm` starts no VM that anybody else stopped.
 */
async function stop(host: RealHost, runId: RunId, vmId: VmId, how: keyof typeof callOf): Promise<Outcome<Stopped>> {
  const reserved = await reservedVm(host, runId, vmId);
  if (!reserved.ok) return reserved;
  const vm = reserved.value;
  const noted = await host.runs.read(runId, vmId);
  if (!noted.ok) return noted;
  const state = stateOf(vm);
  const before = noted.value.stop;
  if (state === how && before?.how === how && before.resumedAt === null)
    return succeeded({ vm, stoppedAt: before.stoppedAt });
  if (isChanging(vm)) return refuse('VmBusy', vmId, `VM ${vm.name} is ${vm.state}.`);
  if (state !== 'running')
    return refuse('VmStateWrong', vmId, `VM ${vm.name} is ${state}; it must be running to be stopped.`);
  const stoppedAt = isoTime(host.clock.now());
  await host.runs.write({ ...noted.value, stop: { how, stage: 'stopping', stoppedAt, resumedAt: null } });
  const stopped = await host.client.call(callOf[how], { VmId: vmId }, { vmId });
  if (!stopped.ok) {
    if (stopped.failure.effect === 'none') await host.runs.write(noted.value);
    return stopped;
  }
  if (stateOf(stopped.value) !== how) {
    const message = `VM ${vm.name} is ${stopped.value.state} after it was to be ${how}.`;
    return failed(failureOf('HyperVRefused', { message, subject: { vmId }, effect: 'unknown' }));
  }
  await host.runs.write({ ...noted.value, stop: { how, stage: 'stopped', stoppedAt, resumedAt: null } });
  return succeeded({ vm: stopped.value, stoppedAt });
}

export const saveVm: Handler<'save-vm'> = async (host, { runId }, { vmId }) => {
  const stopped = await stop(host, runId, vmId, 'saved');
  if (!stopped.ok) return stopped;
  const { vm, stoppedAt } = stopped.value;
  const sizes = await afterwards(() => sizesOf(vm));
  return sizes.ok ? succeeded({ ...sizes.value, savedAt: stoppedAt, memoryFileBytes: vm.runtimeStateBytes }) : sizes;
};

export const shutDownVm: Handler<'shut-down-vm'> = async (host, { runId }, { vmId }) => {
  const stopped = await stop(host, runId, vmId, 'off');
  if (!stopped.ok) return stopped;
  const sizes = await afterwards(() => sizesOf(stopped.value.vm));
  return sizes.ok ? succeeded({ ...sizes.value, shutDownAt: stopped.value.stoppedAt }) : sizes;
};

/** Starts only what this run stopped. A VM that runs, or that somebody else stopped, is left as it is. */
export const resumeVm: Handler<'resume-vm'> = async (host, { runId }, { vmId }) => {
  const registered = await registeredVm(host, vmId);
  if (!registered.ok) return registered;
  const vm = registered.value;
  const noted = await host.runs.read(runId, vmId);
  if (!noted.ok) return noted;
  const { stop } = noted.value;
  if (isChanging(vm)) return refuse('VmBusy', vmId, `VM ${vm.name} is ${vm.state}.`);
  const isOurs = stop !== null && stop.resumedAt === null && stateOf(vm) === stop.how;
  if (!isOurs) {
    // Started, by this run whose reply was lost or by a person: since when is not known better than now.
    const runsAgain = stop?.stage === 'stopped' && stop.resumedAt === null && stateOf(vm) === 'running';
    return succeeded({ outageMs: runsAgain ? await noteResumed(noted.value) : outageOf(noted.value) });
  }
  const open = fencedAgainst(vm, runId);
  if (!open.ok) return open;
  if (marksIn(vm.notes).fencedBy !== null)
    return refuse('VmFenced', vmId, `VM ${vm.name} is fenced by this run: remove the fence before the VM starts.`);
  const started = await host.client.call('start-vm', { VmId: vmId }, { vmId });
  if (!started.ok) return started;
  return succeeded({ outageMs: await noteResumed(noted.value) });

  async function noteResumed(file: RunFile): Promise<number | null> {
    const resumed = { ...file, stop: file.stop && { ...file.stop, resumedAt: isoTime(host.clock.now()) } };
    await host.runs.write(resumed);
    return outageOf(resumed);
  }
};

/** How long this run had the VM stopped; null when it had not. */
function outageOf({ stop }: RunFile): number | null {
  if (stop?.resumedAt === null || stop === null) return null;
  return Math.max(0, Date.parse(stop.resumedAt) - Date.parse(stop.stoppedAt));
}

const lookMs = 1_000;

/** Looks only, a second apart: it holds up no other operation of the VM. */
export const awaitHeartbeat: Handler<'await-heartbeat'> = async (host, { signal, report }, { vmId, waitMsMax }) => {
  const beganAtMs = host.clock.now();
  for (;;) {
    const registered = await registeredVm(host, vmId);
    if (!registered.ok) return registered;
    const vm = registered.value;
    const state = stateOf(vm);
    if (state === 'running' && vm.heartbeat.startsWith('Ok')) return succeeded({ seenAt: isoTime(host.clock.now()) });
    const leftMs = waitMsMax - (host.clock.now() - beganAtMs);
    const message = `No heartbeat of VM ${vm.name} in ${waitMsMax} ms; it is ${state}.`;
    if (signal.aborted || leftMs <= 0) return failed(failureOf('HeartbeatMissing', { message, subject: { vmId } }));
    report({ bytesDone: 0, bytesTotal: 0, bytesPerSecond: 0, waitingFor: `the heartbeat of VM ${vm.name}` });
    await host.clock.sleep(Math.min(lookMs, leftMs), signal);
  }
};
