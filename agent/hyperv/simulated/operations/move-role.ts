import { succeeded, type Outcome } from '../../../../contracts/failure';
import type { HostId } from '../../../../contracts/ids';
import { isoTime } from '../../../clock';
import type { DriverContext } from '../../driver';
import { awaitArrival, Giving } from '../fabric/handover';
import { withdrawConsent } from '../fabric/inbound';
import { bootGuest } from '../guests';
import type { Handler, SimulatedHost } from '../host';
import type { VmRecord, VmRegistration } from '../records';
import { refuse } from '../../refuse';
import { registeredVm, reservedVm } from '../refusals';
import { memoryFreeBytes } from '../volumes';
import { needsOf } from './describe-vm';

/** A saved VM goes to another node of its cluster as it is. */
export const moveRole: Handler<'move-role'> = async (host, context, { vmId, peerHost }) => {
  const { runId } = context;
  if (host.state.vm(vmId) === undefined && host.state.run(runId, vmId).moved !== null)
    return arrived(host, context, vmId);
  const reserved = reservedVm(host, runId, vmId);
  if (!reserved.ok) return reserved;
  const vm = reserved.value;
  if (vm.state !== 'saved')
    return refuse('VmStateWrong', vmId, `VM ${vm.name} is ${vm.state}; its role moves while it is saved.`);
  return handOver(host, context, vm, peerHost);
};

/** Works where the role is, and does nothing elsewhere; one that is on its way here is waited for. A VM that runs stays. */
export const returnRole: Handler<'return-role'> = async (host, context, { vmId, peerHost }) => {
  const { runId } = context;
  const vm = host.state.vm(vmId);
  if (vm === undefined) {
    if (host.state.run(runId, vmId).moved !== null) return arrived(host, context, vmId);
    if (await withdrawConsent(host, runId, vmId)) return succeeded({});
    return refuse('VmBusy', vmId, `VM ${vmId} was handed over to this host and has yet to arrive.`);
  }
  if (vm.reservedBy !== runId) return refuse('VmStateWrong', vmId, `Run ${runId} has not brought VM ${vm.name} here.`);
  if (vm.state === 'running')
    return refuse('RefusedAfterStart', vmId, `VM ${vm.name} runs on this node: its role stays.`);
  return handOver(host, context, vm, peerHost);
};

async function handOver(
  host: SimulatedHost,
  context: DriverContext,
  vm: VmRecord,
  to: HostId,
): Promise<Outcome<Record<string, never>>> {
  const { runId, signal } = context;
  const needs = await needsOf(host, vm);
  if (!needs.ok) return needs;
  const giving = await Giving.begin(
    host,
    vm,
    { runId, to, type: 'role', folder: null, switchName: null, needs: needs.value },
    signal,
  );
  if (!giving.ok) return giving;
  const { setAside: _none, ...registration } = host.state.vm(vm.vmId) ?? vm;
  const committed = await untilCommitted(giving.value, registration).catch(async (thrown: unknown) => {
    // Where something failed behind the handover, the VM is the other host's.
    if (await giving.value.isCommitted()) return succeeded(undefined);
    await giving.value.abandon();
    throw thrown;
  });
  if (!committed.ok) {
    await giving.value.abandon();
    await host.state.saveRun({ ...host.state.run(runId, vm.vmId), moved: null });
    return committed;
  }
  return arrived(host, context, vm.vmId);

  async function untilCommitted(offered: Giving, final: VmRegistration): Promise<Outcome<void>> {
    const moved = { answer: {}, remove: [], home: null, arrivedAt: null };
    await host.state.saveRun({ ...host.state.run(runId, vm.vmId), moved });
    return offered.commit(final);
  }
}

async function arrived(
  host: SimulatedHost,
  { runId, signal }: DriverContext,
  vmId: VmRecord['vmId'],
): Promise<Outcome<Record<string, never>>> {
  if (host.state.vm(vmId) !== undefined) await host.state.dropVm(vmId);
  const there = await awaitArrival(host, runId, vmId, signal);
  if (!there.ok) return there;
  await host.state.saveRun({ ...host.state.run(runId, vmId), moved: null });
  return succeeded({});
}

/** Starts what this run brought here. A VM that somebody else started meanwhile runs, which is what was wanted. */
export const startRole: Handler<'start-role'> = async (host, { runId }, { vmId }) => {
  const registered = registeredVm(host, vmId);
  if (!registered.ok) return registered;
  const vm = registered.value;
  if (vm.reservedBy !== runId) return refuse('VmStateWrong', vmId, `Run ${runId} has not brought VM ${vm.name} here.`);
  const startedAt = vm.startedBy?.runId === runId ? vm.startedBy.startedAt : isoTime(host.clock.now());
  if (vm.state === 'running' && host.guests.has(vmId)) return succeeded({ startedAt });
  const freeBytes = memoryFreeBytes(host.record, host.state, vmId);
  if (freeBytes < vm.memoryBytes)
    return refuse(
      'NotEnoughMemory',
      vmId,
      `VM ${vm.name} needs ${vm.memoryBytes} bytes of memory; ${freeBytes} are free.`,
      '0x800705AA',
    );
  const running = await host.state.saveVm({ ...vm, state: 'running', startedBy: { runId, startedAt } });
  await host.reached('start-committed');
  const booted = await bootGuest(host, running);
  return booted.ok ? succeeded({ startedAt }) : booted;
};
