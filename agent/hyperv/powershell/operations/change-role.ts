import { failed, failureOf, succeeded, type Outcome } from '../../../../contracts/failure';
import type { RunId } from '../../../../contracts/ids';
import type { RemovedRole } from '../../../../contracts/operations';
import { refuse } from '../../refuse';
import { settingsAmong, toldSettings, unlike } from '../../role-settings';
import type { VmValue } from '../calls/vm';
import { isSettled, stateOf, underWayOf } from '../facts';
import { fencedAgainst, registeredVm, reservedVm, type Handler, type RealHost } from '../host';
import { isOnSharedVolume } from '../inspect/storage';
import { marksIn } from '../marks';
import { awaitSteady, lookAtSettings, makeAsWanted, type Role } from '../roles';
import type { RunFile } from '../run-files';
import { classify } from '../worker/classify';

/** The role is noted, and then removed. The VM is to go on as it did, which is looked at. */
export const removeRole: Handler<'remove-role'> = async (host, { runId }, { vmId }) => {
  const reserved = await reservedVm(host, runId, vmId);
  if (!reserved.ok) return reserved;
  const vm = reserved.value;
  const noted = await host.runs.read(runId, vmId);
  if (!noted.ok) return noted;
  const before = noted.value.removedRole;
  const looked = await lookAtSettings(host, vmId);
  if (!looked.ok) return looked;
  const { clusterName, role } = looked.value;
  if (role === null) return before === null ? succeeded({ removed: null }) : removed(vm, before);
  const ready = checkRemovable(vm, role);
  if (!ready.ok) return ready;
  // One that is noted already is the role as it was before a restore that did not end.
  const note = before ?? { clusterName, settings: role.settings, wasRunning: stateOf(vm) === 'running' };
  await host.runs.write({ ...noted.value, removedRole: note });
  const done = await host.client.call('remove-cluster-role', { VmId: vmId }, { vmId });
  if (!done.ok) {
    if (done.failure.effect === 'none') await host.runs.write(noted.value);
    return done;
  }
  if (done.value.role !== null) {
    const message = `The role of VM ${vm.name} is still there after it was removed.`;
    return failed(failureOf('HyperVRefused', { message, subject: { vmId }, effect: 'unknown' }));
  }
  const now = await registeredVm(host, vmId);
  return now.ok ? removed(now.value, note) : failed({ ...now.failure, effect: 'applied' });
};

const steadyStates: readonly string[] = ['Online', 'Offline', 'PartialOnline'];

function checkRemovable(vm: VmValue, { state, owner, others }: Role): Outcome<void> {
  const { id, name } = vm;
  const busy = underWayOf(vm);
  if (busy !== null) return refuse('VmBusy', id, `Hyper-V has a job for VM ${name} (${busy}).`);
  if (!isSettled(vm)) return refuse('VmStateWrong', id, `VM ${name} is ${vm.state}; its role stays.`);
  if (state === 'Failed')
    return refuse('VmStateWrong', id, `The role of VM ${name} has failed: the cluster may start it elsewhere.`);
  if (!steadyStates.includes(state))
    return refuse('VmBusy', id, `The role of VM ${name} is on its way (${owner}, ${state}).`);
  return others.length === 0
    ? succeeded(undefined)
    : refuse('RoleHoldsMore', id, `The role of VM ${name} holds more: ${others.join(', ')}.`);
}

/** A VM that ran is not to stand still because its cluster let go of it. */
function removed(
  vm: VmValue,
  { wasRunning, ...role }: RemovedRole & { wasRunning: boolean },
): Outcome<{ removed: RemovedRole }> {
  if (!wasRunning || stateOf(vm) === 'running') return succeeded({ removed: role });
  const message = `VM ${vm.name} ran before its role was removed, and is ${vm.state} now.`;
  return failed(failureOf('VmStateWrong', { message, subject: { vmId: vm.id }, effect: 'applied' }));
}

/** Makes the role that this run removed here, with what it was set to. One that is there already is set to that. */
export const restoreRole: Handler<'restore-role'> = async (host, context, { vmId }) => {
  const noted = await host.runs.read(context.runId, vmId);
  if (!noted.ok) return noted;
  const note = noted.value.removedRole;
  if (note === null) return succeeded({});
  const reserved = await reservedVm(host, context.runId, vmId);
  if (!reserved.ok) return reserved;
  const looked = await lookAtSettings(host, vmId);
  if (!looked.ok) return looked;
  const wanted = settingsAmong(note.settings, looked.value.nodes);
  const made = await makeAsWanted(host, vmId, wanted);
  if (!made.ok) return made;
  const steady = await awaitSteady(host, context, reserved.value);
  if (!steady.ok) return steady;
  const left = unlike(wanted, steady.value.settings);
  if (left.length > 0) {
    const message = `The role of VM ${reserved.value.name} is there again, and not set to ${toldSettings(wanted, left)}.`;
    return failed(failureOf('RoleNotKept', { message, subject: { vmId }, effect: 'applied' }));
  }
  // What is left of a removal that went wrong, and of no stop of the run, which undoes those itself.
  if (noted.value.stop === null) {
    const asBefore = removed(reserved.value, note);
    if (!asBefore.ok) return asBefore;
  }
  await host.runs.write({ ...noted.value, removedRole: null });
  return succeeded({});
};

/** Makes the VM that this run brought here a role of the cluster. One that somebody else made a role is left as it is. */
export const makeRole: Handler<'make-role'> = async (host, context, { vmId, settings }) => {
  const noted = await host.runs.read(context.runId, vmId);
  if (!noted.ok) return noted;
  const arrived = await broughtVm(host, context.runId, noted.value);
  if (!arrived.ok) return arrived;
  const vm = arrived.value;
  const ready = await checkPlace(host, vm);
  if (!ready.ok) return ready;
  const looked = await lookAtSettings(host, vmId);
  if (!looked.ok) return looked;
  const { clusterName, nodes, role } = looked.value;
  if (role === null || noted.value.isMakingRole) {
    await host.runs.write({ ...noted.value, isMakingRole: true });
    const wanted = settings === null ? null : settingsAmong(settings, nodes);
    const made = await makeAsWanted(host, vmId, wanted);
    if (!made.ok) return made;
  }
  const steady = await awaitSteady(host, context, vm);
  if (!steady.ok) return steady;
  const { settings: is } = steady.value;
  return succeeded({ clusterName, name: is.name, without: settings === null ? [] : unlike(settings, is) });
};

async function broughtVm(host: RealHost, runId: RunId, { vmId, placed }: RunFile): Promise<Outcome<VmValue>> {
  const registered = await registeredVm(host, vmId);
  if (!registered.ok) return registered;
  const open = fencedAgainst(registered.value, runId);
  if (!open.ok) return open;
  const { reservedBy } = marksIn(open.value.notes);
  const { name } = open.value;
  if (reservedBy !== null && reservedBy !== runId)
    return refuse('VmBusy', vmId, `Run ${reservedBy} has reserved VM ${name}.`);
  return reservedBy === runId || (placed !== null && placed.startedAt !== null)
    ? open
    : refuse('VmStateWrong', vmId, `Run ${runId} has not brought VM ${name} here.`);
}

/** Another node must find every file where this one has it. */
async function checkPlace({ client }: RealHost, vm: VmValue): Promise<Outcome<void>> {
  const { id: vmId, name } = vm;
  const inspected = await client.call('inspect-host', { Folder: '' }, { vmId });
  if (!inspected.ok) return inspected;
  const { cluster } = inspected.value;
  if (!cluster.known) return failed(classify(cluster.error, false, { vmId }));
  switch (isOnSharedVolume(cluster.value, vm)) {
    case 'no-cluster':
      return refuse('NotClustered', vmId, 'This host is no node of a cluster.');
    case 'elsewhere':
      return refuse('StorageNotShared', vmId, `Files of VM ${name} are on no shared volume of the cluster.`);
    case 'shared':
      return succeeded(undefined);
  }
}

/** Whether this run removed the role of a VM that stays here, and did not make it again. Where the cluster does not tell, it counts as lost. */
export async function isRoleLost(host: RealHost, file: RunFile, vm: VmValue | undefined): Promise<boolean> {
  if (file.removedRole === null || vm === undefined) return false;
  const { fencedBy, retiredBy } = marksIn(vm.notes);
  if ([fencedBy, retiredBy].includes(file.runId)) return false;
  const looked = await lookAtSettings(host, file.vmId);
  return !looked.ok || looked.value.role === null;
}
