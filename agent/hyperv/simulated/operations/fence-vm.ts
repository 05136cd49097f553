import { succeeded } from '../../../../contracts/failure';
import type { Handler } from '../host';
import { refuse } from '../../refuse';
import { reservedVm } from '../refusals';

export const fenceVm: Handler<'fence-vm'> = async (host, { runId }, { vmId }) => {
  const reserved = reservedVm(host, runId, vmId);
  if (!reserved.ok) return reserved;
  const vm = reserved.value;
  if (vm.fencedBy === runId) return succeeded({});
  if (vm.state === 'running')
    return refuse('VmStateWrong', vmId, `VM ${vm.name} runs: a fence keeps it from starting, it does not stop it.`);
  await host.state.saveVm({ ...vm, fencedBy: runId });
  return succeeded({});
};

/** Another run's fence is not this run's to remove; the fence of a retired source stays for good. */
export const unfenceVm: Handler<'unfence-vm'> = async (host, { runId }, { vmId }) => {
  const vm = host.state.vm(vmId);
  if (vm?.fencedBy !== runId) return succeeded({});
  if (vm.retiredBy !== null)
    return refuse(
      'VmStateWrong',
      vmId,
      `VM ${vm.name} runs elsewhere since run ${vm.retiredBy}: its source stays fenced.`,
    );
  await host.state.saveVm({ ...vm, fencedBy: null });
  return succeeded({});
};
