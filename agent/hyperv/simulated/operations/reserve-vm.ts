import { succeeded } from '../../../../contracts/failure';
import type { Handler } from '../host';
import { refuse } from '../../refuse';
import { fencedAgainst, registeredVm } from '../refusals';

/** Refuses what another run holds, and what an earlier run left here as its retired source. */
export const reserveVm: Handler<'reserve-vm'> = async (host, { runId }, { vmId }) => {
  const registered = registeredVm(host, vmId);
  if (!registered.ok) return registered;
  const vm = registered.value;
  if (vm.retiredBy !== null && vm.retiredBy !== runId)
    return refuse(
      'VmFenced',
      vmId,
      `VM ${vm.name} runs elsewhere since run ${vm.retiredBy}; this is its retired source.`,
    );
  const open = fencedAgainst(vm, runId);
  if (!open.ok) return open;
  if (vm.reservedBy !== null && vm.reservedBy !== runId)
    return refuse('VmBusy', vmId, `Run ${vm.reservedBy} has reserved VM ${vm.name}.`);
  if (vm.reservedBy === null) await host.state.saveVm({ ...vm, reservedBy: runId });
  return succeeded({});
};
