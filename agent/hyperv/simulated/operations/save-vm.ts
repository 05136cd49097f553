import { succeeded } from '../../../../contracts/failure';
import type { RunId } from '../../../../contracts/ids';
import { isoTime } from '../../../clock';
import { vmSizes } from '../facts';
import { bootGuest, isAwake, saveGuest, shutDownGuest } from '../guests';
import type { Handler, SimulatedHost } from '../host';
import type { VmRecord } from '../records';
import { afterwards } from '../../afterwards';
import { refuse } from '../../refuse';
import { fencedAgainst, registeredVm, reservedVm } from '../refusals';
import { memoryFreeBytes, volumeOf, volumeUse } from '../volumes';

export const saveVm: Handler<'save-vm'> = async (host, { runId, signal }, { vmId }) => {
  const reserved = reservedVm(host, runId, vmId);
  if (!reserved.ok) return reserved;
  const vm = reserved.value;
  if (vm.state === 'saved' && vm.savedState?.runId === runId) return answer(host, vm);
  const guest = host.guests.get(vmId);
  if (vm.state !== 'running' || guest === undefined)
    return refuse('VmStateWrong', vmId, `VM ${vm.name} is ${vm.state}; it must be running to be saved.`);
  if (!(await isAwake(host, guest, signal))) return refuse('VmBusy', vmId, `VM ${vm.name} is still starting.`);
  const volume = volumeOf(vm.home, host.record);
  const freeBytes = volume === undefined ? 0 : (await volumeUse(volume, host.state)).freeBytes;
  if (freeBytes < vm.guest.savedStateBytes)
    return refuse(
      'NotEnoughRoom',
      vmId,
      `The memory of VM ${vm.name} takes ${vm.guest.savedStateBytes} bytes, its volume has ${freeBytes} free.`,
    );
  const file = await saveGuest(host, vm, guest);
  if (!file.ok) return file;
  await host.reached('saved-state-written');
  const savedState = { ...file.value, savedAt: isoTime(host.clock.now()), runId };
  const saved = await host.state.saveVm({
    ...(host.state.vm(vmId) ?? vm),
    state: 'saved',
    savedState,
    stop: { runId, stoppedAt: savedState.savedAt, resumedAt: null },
  });
  await host.reached('vm-saved');
  return answer(host, saved);
};

async function answer(host: SimulatedHost, vm: VmRecord): ReturnType<typeof saveVm> {
  const sizes = await afterwards(() => vmSizes(host, vm));
  if (!sizes.ok) return sizes;
  const { savedState } = vm;
  if (savedState === null) throw new Error('a VM that is saved has a saved state');
  return succeeded({ ...sizes.value, savedAt: savedState.savedAt, memoryFileBytes: savedState.sizeBytes });
}

/** As Hyper-V asks the guest to shut down: what it had in memory is written to its disks, and gone. */
export const shutDownVm: Handler<'shut-down-vm'> = async (host, { runId, signal }, { vmId }) => {
  const reserved = reservedVm(host, runId, vmId);
  if (!reserved.ok) return reserved;
  const vm = reserved.value;
  if (vm.state === 'off' && vm.shutDownBy?.runId === runId) return answerShutDown(host, vm, vm.shutDownBy.shutDownAt);
  const guest = host.guests.get(vmId);
  if (vm.state !== 'running' || guest === undefined)
    return refuse('VmStateWrong', vmId, `VM ${vm.name} is ${vm.state}; it must be running to be shut down.`);
  if (!(await isAwake(host, guest, signal))) return refuse('VmBusy', vmId, `VM ${vm.name} is still starting.`);
  const lastWriteAtMs = await shutDownGuest(host, vm, guest);
  const shutDownAt = isoTime(host.clock.now());
  const now = host.state.vm(vmId) ?? vm;
  const off = await host.state.saveVm({
    ...now,
    state: 'off',
    shutDownBy: { runId, shutDownAt, lastWriteAtMs },
    stop: { runId, stoppedAt: shutDownAt, resumedAt: null },
  });
  await host.reached('vm-shut-down');
  return answerShutDown(host, off, shutDownAt);
};

async function answerShutDown(host: SimulatedHost, vm: VmRecord, shutDownAt: string): ReturnType<typeof shutDownVm> {
  const sizes = await afterwards(() => vmSizes(host, vm));
  return sizes.ok ? succeeded({ ...sizes.value, shutDownAt }) : sizes;
}

/** Starts only what this run saved or shut down. A VM that runs, or that somebody else saved or turned off, is left as it is. */
export const resumeVm: Handler<'resume-vm'> = async (host, { runId }, { vmId }) => {
  const registered = registeredVm(host, vmId);
  if (!registered.ok) return registered;
  const vm = registered.value;
  const isOurs = vm.savedState?.runId === runId || vm.shutDownBy?.runId === runId;
  if (!isOurs || (vm.state === 'running' && host.guests.has(vmId))) return succeeded({ outageMs: outageOf(vm, runId) });
  const open = fencedAgainst(vm, runId);
  if (!open.ok) return open;
  if (vm.fencedBy !== null)
    return refuse('VmFenced', vmId, `VM ${vm.name} is fenced by this run: remove the fence before the VM starts.`);
  const freeBytes = memoryFreeBytes(host.record, host.state, vmId);
  if (freeBytes < vm.memoryBytes)
    return refuse(
      'NotEnoughMemory',
      vmId,
      `VM ${vm.name} needs ${vm.memoryBytes} bytes of memory; ${freeBytes} are free.`,
    );
  const stop = vm.stop && { ...vm.stop, resumedAt: isoTime(host.clock.now()) };
  const running = await host.state.saveVm({ ...vm, state: 'running', stop });
  await host.reached('vm-resuming');
  const booted = await bootGuest(host, running);
  return booted.ok ? succeeded({ outageMs: outageOf(running, runId) }) : booted;
};

/** How long this run had the VM stopped; null when it had not. */
function outageOf({ stop }: VmRecord, run: RunId): number | null {
  if (stop?.runId !== run || stop.resumedAt === null) return null;
  return Math.max(0, Date.parse(stop.resumedAt) - Date.parse(stop.stoppedAt));
}
