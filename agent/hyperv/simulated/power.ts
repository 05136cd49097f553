import { describeThrown } from '../../../contracts/failure';
import type { VmId } from '../../../contracts/ids';
import { settleLeaving } from './fabric/handover';
import { bootGuest, removeStraySavedStates } from './guests';
import type { SimulatedHost } from './host';

/** How long the host waits before it tries again to bring a VM up. */
const againMs = 5_000;

/**
 * Finishes what a crash or an error of a disk cut short of one VM: a handover that nobody works on ends, and a VM that is to run has a
 * guest. False when that has to be tried again. To be called with the lock of the VM held.
 */
export async function bringUp(host: SimulatedHost, vmId: VmId): Promise<boolean> {
  try {
    const found = host.state.vm(vmId);
    if (found !== undefined) await settleLeaving(host, found);
    const vm = host.state.vm(vmId);
    if (vm?.state !== 'running' || host.guests.has(vmId)) return true;
    await removeStraySavedStates(vm);
    const booted = await bootGuest(host, vm);
    if (!booted.ok) host.log(booted.failure.message);
    return booted.ok;
  } catch (thrown) {
    host.log(`VM ${vmId} could not be brought up: ${describeThrown(thrown)}`);
    return false;
  }
}

/** Brings VMs up as soon as nothing else is done to them, again and again until it goes or the host closes. */
export function bringingUp(host: SimulatedHost, ending: AbortSignal): (vmId: VmId) => void {
  const underWay = new Set<VmId>();
  const untilUp = async (vmId: VmId): Promise<void> => {
    while (!ending.aborted) {
      const isUp = await host.locks.with(vmId, async () => ending.aborted || (await bringUp(host, vmId)));
      if (isUp) break;
      await host.clock.sleep(againMs, ending);
    }
    underWay.delete(vmId);
  };
  return (vmId) => {
    if (underWay.has(vmId)) return;
    underWay.add(vmId);
    void untilUp(vmId);
  };
}
