import { failed, failureOf, succeeded, type Outcome } from '../../../../contracts/failure';
import type { DriverContext } from '../../driver';
import type { VmValue } from '../calls/vm';
import { isMerging } from '../facts';
import { registeredVm, type RealHost } from '../host';

const lookMs = 1_000;

/** Looks until no chain has a file that is to go, and Hyper-V says that it merges nothing. */
export async function awaitMerge(
  host: RealHost,
  { runId, signal, report }: DriverContext,
  { id, name }: VmValue,
): Promise<Outcome<void>> {
  for (;;) {
    const registered = await registeredVm(host, id);
    if (!registered.ok) return registered;
    const noted = await host.runs.read(runId, id);
    if (!noted.ok) return noted;
    const going = new Set(noted.value.merging ?? []);
    const vm = registered.value;
    const isThere = vm.disks.some(
      ({ path, images }) => going.has(path) || images.some((image) => going.has(image.path)),
    );
    if (!isThere && !isMerging(vm)) return succeeded(undefined);
    if (signal.aborted)
      return failed(
        failureOf('CanceledByOperator', {
          message: `VM ${name} still merges its disks; Hyper-V goes on with it.`,
          subject: { vmId: id },
          effect: 'applied',
        }),
      );
    report({ bytesDone: 0, bytesTotal: 0, bytesPerSecond: 0, waitingFor: `the merge of the disks of VM ${name}` });
    await host.clock.sleep(lookMs, signal);
  }
}
