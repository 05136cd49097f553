import { failed, failureOf, succeeded, type Outcome } from '../../../../contracts/failure';
import { isSameHost, type HostId, type VmId } from '../../../../contracts/ids';
import { isoTime } from '../../../clock';
import type { DriverContext } from '../../driver';
import { refuse } from '../../refuse';
import type { RoleValue } from '../calls/roles';
import type { VmValue } from '../calls/vm';
import { isSettled, memoryBytesOf, stateOf, underWayOf } from '../facts';
import { findVm, registeredVm, reservedVm, type Handler, type RealHost } from '../host';
import { marksIn } from '../marks';

type Done = Record<string, never>;

/** A saved VM goes to another node of its cluster as it is. Where the reply was lost, the cluster is asked where it is. */
export const moveRole: Handler<'move-role'> = async (host, context, { vmId, peerHost }) => {
  const { runId } = context;
  const found = await findVm(host, vmId);
  if (!found.ok) return found;
  const noted = await host.runs.read(runId, vmId);
  if (!noted.ok) return noted;
  if (found.value === undefined && noted.value.role?.to === peerHost) return awaitOwner(host, context, vmId, peerHost);
  const reserved = await reservedVm(host, runId, vmId);
  if (!reserved.ok) return reserved;
  const vm = reserved.value;
  if (stateOf(vm) !== 'saved' || !isSettled(vm))
    return refuse('VmStateWrong', vmId, `VM ${vm.name} is ${vm.state}; its role moves while it is saved.`);
  return handOver(host, context, vm, peerHost);
};

/** Works where the role is, and does nothing elsewhere; one that is on its way here is waited for. A VM that runs stays. */
export const returnRole: Handler<'return-role'> = async (host, context, { vmId, peerHost }) => {
  const found = await findVm(host, vmId);
  if (!found.ok) return found;
  const vm = found.value;
  if (vm === undefined) {
    const looked = await lookAtRole(host, vmId);
    if (!looked.ok) return looked;
    const role = looked.value;
    return role === null || (isOwner(role, peerHost) && !isPending(role))
      ? succeeded({})
      : refuse('VmBusy', vmId, `The role of VM ${vmId} has not come back (${role.owner}, ${role.state}).`);
  }
  const { reservedBy } = marksIn(vm.notes);
  if (reservedBy !== context.runId)
    return refuse('VmStateWrong', vmId, `Run ${context.runId} has not brought VM ${vm.name} here.`);
  if (stateOf(vm) === 'running')
    return refuse('RefusedAfterStart', vmId, `VM ${vm.name} runs on this node: its role stays.`);
  return handOver(host, context, vm, peerHost);
};

async function handOver(host: RealHost, context: DriverContext, vm: VmValue, to: HostId): Promise<Outcome<Done>> {
  const { runId } = context;
  const { id } = vm;
  const busy = underWayOf(vm);
  if (busy !== null) return refuse('VmBusy', id, `Hyper-V has a job for VM ${vm.name} (${busy}).`);
  const noted = await host.runs.read(runId, id);
  if (!noted.ok) return noted;
  await host.runs.write({ ...noted.value, role: { to, startedAt: null } });
  const moved = await host.client.call('move-cluster-role', { VmId: id, Node: to }, { vmId: id });
  if (!moved.ok) {
    if (moved.failure.effect === 'none') await host.runs.write(noted.value);
    return moved;
  }
  return awaitOwner(host, context, id, to);
}

const lookMs = 1_000;
/** How long a role may be on its way without a change of what the cluster tells of it. */
const silenceMsMax = 5 * 60_000;

/** Looks until the other node has the role and this one has the VM no more. What the cluster said when it was asked is not counted on. */
async function awaitOwner(
  host: RealHost,
  { signal, report }: DriverContext,
  vmId: VmId,
  to: HostId,
): Promise<Outcome<Done>> {
  let said = '';
  let changedAtMs = host.clock.now();
  for (;;) {
    const looked = await lookAtRole(host, vmId);
    if (!looked.ok) return failed({ ...looked.failure, effect: 'unknown' });
    const found = await findVm(host, vmId);
    if (!found.ok) return failed({ ...found.failure, effect: 'unknown' });
    const role = looked.value;
    const isThere = role !== null && isOwner(role, to) && !isPending(role);
    if (isThere && found.value === undefined) return succeeded({});
    const now = role === null ? 'no role' : `${role.owner}, ${role.state}`;
    if (now !== said) changedAtMs = host.clock.now();
    said = now;
    const isSilent = host.clock.now() - changedAtMs > silenceMsMax;
    if (signal.aborted || isSilent) {
      const message = `The role of VM ${vmId} has not come to ${to}: the cluster says ${said}.`;
      const code = signal.aborted ? 'CanceledByOperator' : 'HyperVRefused';
      return failed(failureOf(code, { message, subject: { vmId }, effect: 'unknown' }));
    }
    report({ bytesDone: 0, bytesTotal: 0, bytesPerSecond: 0, waitingFor: `the role of VM ${vmId}: ${said}` });
    await host.clock.sleep(lookMs, signal);
  }
}

async function lookAtRole({ client }: RealHost, vmId: VmId): Promise<Outcome<RoleValue | null>> {
  const looked = await client.call('read-cluster-role', { VmId: vmId }, { vmId });
  return looked.ok ? succeeded(looked.value.role) : looked;
}

const isPending = ({ state }: RoleValue): boolean => state === 'Pending';

/** Windows tells computers apart without regard to capitals. */
const isOwner = ({ owner }: RoleValue, host: HostId): boolean => isSameHost(owner, host);

/** Starts what this run brought here. When is noted before: a VM that somebody else started meanwhile runs, which is what was wanted. */
export const startRole: Handler<'start-role'> = async (host, { runId }, { vmId }) => {
  const registered = await registeredVm(host, vmId);
  if (!registered.ok) return registered;
  const vm = registered.value;
  if (marksIn(vm.notes).reservedBy !== runId)
    return refuse('VmStateWrong', vmId, `Run ${runId} has not brought VM ${vm.name} here.`);
  const noted = await host.runs.read(runId, vmId);
  if (!noted.ok) return noted;
  const before = noted.value.role;
  const startedAt = before?.startedAt ?? isoTime(host.clock.now());
  const isRunning = stateOf(vm) === 'running';
  const ready = isRunning ? succeeded(undefined) : await checkMemory(host, vm);
  if (!ready.ok) return ready;
  await host.runs.write({ ...noted.value, role: { to: before?.to ?? null, startedAt } });
  if (isRunning) return succeeded({ startedAt });
  const started = await host.client.call('start-vm', { VmId: vmId }, { vmId });
  if (!started.ok) {
    if (started.failure.effect === 'none') await host.runs.write(noted.value);
    return started;
  }
  if (stateOf(started.value) !== 'running') {
    const message = `VM ${vm.name} is ${started.value.state} after it was started.`;
    return failed(failureOf('HyperVRefused', { message, subject: { vmId }, effect: 'unknown' }));
  }
  return succeeded({ startedAt });
};

async function checkMemory(host: RealHost, vm: VmValue): Promise<Outcome<void>> {
  const facts = await host.client.call('read-host', { Roots: [...host.roots] }, { vmId: vm.id });
  if (!facts.ok) return facts;
  const { memoryFreeBytes } = facts.value;
  const neededBytes = memoryBytesOf(vm);
  return memoryFreeBytes >= neededBytes
    ? succeeded(undefined)
    : refuse(
        'NotEnoughMemory',
        vm.id,
        `VM ${vm.name} needs ${neededBytes} bytes of memory; ${memoryFreeBytes} are free.`,
      );
}
