import { failed, failureOf, succeeded, type Outcome } from '../../../../contracts/failure';
import type { DriverContext } from '../../driver';
import type { SimulatedHost } from '../host';
import type { VmRecord } from '../records';

/** Passes over the memory before the hypervisor stops the VM for the last of it, whatever is left. */
const passesMax = 10;
const stepMs = 50;
/** What the last pass may leave to be sent while the VM stands still. */
const restBytesMax = 4 * 1024 * 1024;
/** A guest changes more of its memory than it writes to its disks. */
const dirtyFactor = 2;

/**
 * Sends the memory of a running VM in passes at the pace of the host's migration network; what the guest changes meanwhile is sent again.
 * Answers the bytes sent.
 */
export async function precopy(host: SimulatedHost, context: DriverContext, vm: VmRecord): Promise<Outcome<number>> {
  const { bytesPerSecond } = host.record.liveMigration;
  const dirtyBytesPerMs = (vm.guest.writeBytesPerSecond * dirtyFactor) / 1000;
  let sentBytes = 0;
  let leftBytes = vm.memoryBytes;
  for (let pass = 1; pass <= passesMax; pass++) {
    const passMs = (leftBytes * 1000) / bytesPerSecond;
    for (let spentMs = 0; spentMs < passMs; spentMs += stepMs) {
      if (context.signal.aborted)
        return failed(failureOf('CanceledByOperator', { message: 'The move was stopped.', effect: 'none' }));
      await host.clock.sleep(Math.min(stepMs, passMs - spentMs), context.signal);
      const bytesDone = Math.min(vm.memoryBytes, Math.round((leftBytes * Math.min(spentMs + stepMs, passMs)) / passMs));
      const shown = pass === 1 ? bytesDone : vm.memoryBytes;
      context.report({ bytesDone: shown, bytesTotal: vm.memoryBytes, bytesPerSecond, waitingFor: null });
    }
    sentBytes += leftBytes;
    leftBytes = Math.min(vm.memoryBytes, Math.round(dirtyBytesPerMs * passMs));
    if (leftBytes <= restBytesMax) break;
  }
  return succeeded(sentBytes + leftBytes);
}
