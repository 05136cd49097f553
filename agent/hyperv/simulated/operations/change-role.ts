import { failed, failureOf, succeeded, type Outcome } from '../../../../contracts/failure';
import { isSameHost, type RunId, type VmId } from '../../../../contracts/ids';
import type { RoleSettings } from '../../../../contracts/operations';
import { refuse } from '../../refuse';
import { settingsAmong, toldSettings, unlike, type WantedSettings } from '../../role-settings';
import type { Fabric } from '../fabric/fabric';
import { isOpen } from '../fabric/inbound';
import type { RoleRecord } from '../fabric/records';
import { filesOfVm } from '../file-use';
import type { Handler, SimulatedHost } from '../host';
import type { RunRecord, VmRecord } from '../records';
import { fencedAgainst, registeredVm, reservedVm } from '../refusals';
import { storageOf } from './describe-vm';

/** What a cluster gives to a new role. */
export const newRole = (name: string): RoleSettings => ({
  name,
  priority: 2000,
  preferredOwners: [],
  possibleOwners: null,
  failoverThreshold: 0xffff_ffff,
  failoverPeriodHours: 6,
  autoFailbackType: 0,
  failbackWindowStart: 0xffff_ffff,
  failbackWindowEnd: 0xffff_ffff,
  antiAffinityClassNames: [],
});

/** As the cluster tells them. */
export const settingsOf = ({ vmId, settings }: RoleRecord): RoleSettings => settings ?? newRole(vmId);

/** The role is noted, and then removed. The VM goes on as it does. */
export const removeRole: Handler<'remove-role'> = async (host, { runId }, { vmId }) => {
  const reserved = reservedVm(host, runId, vmId);
  if (!reserved.ok) return reserved;
  const run = host.state.run(runId, vmId);
  const { fabric } = host;
  const role = (await fabric?.readRole(vmId)) ?? null;
  if (fabric === undefined || role === null) return succeeded({ removed: run.removedRole });
  const ready = await checkRemovable(fabric, reserved.value, role);
  if (!ready.ok) return ready;
  const clusterName = fabric.cluster?.name ?? '';
  const removed = run.removedRole ?? { clusterName, settings: settingsOf(role) };
  await host.state.saveRun({ ...run, removedRole: removed });
  await host.reached('role-noted');
  await fabric.removeRole(vmId);
  await host.reached('role-removed');
  return succeeded({ removed });
};

async function checkRemovable(fabric: Fabric, vm: VmRecord, role: RoleRecord): Promise<Outcome<void>> {
  const { vmId, name, leaving } = vm;
  const handovers = await Promise.all((await fabric.handovers(vmId)).map(isOpen));
  if (!isSameHost(role.owner, fabric.host) || leaving !== null || handovers.includes(true))
    return refuse('VmBusy', vmId, `The role of VM ${name} is on its way (${role.owner}, Pending).`);
  if (role.otherResources.length === 0) return succeeded(undefined);
  return refuse('RoleHoldsMore', vmId, `The role of VM ${name} holds more: ${role.otherResources.join(', ')}.`);
}

/** Makes the role that this run removed here, with what it was set to. One that is there already is set to that. */
export const restoreRole: Handler<'restore-role'> = async (host, { runId }, { vmId }) => {
  const { removedRole } = host.state.run(runId, vmId);
  if (removedRole === null) return succeeded({});
  const reserved = reservedVm(host, runId, vmId);
  if (!reserved.ok) return reserved;
  const vm = reserved.value;
  const cluster = clusterOf(host, vmId);
  if (!cluster.ok) return cluster;
  const { fabric, nodes } = cluster.value;
  const wanted = settingsAmong(removedRole.settings, nodes);
  const known = await fabric.readRole(vmId);
  const owner = known?.owner ?? fabric.host;
  const set = await settingsFor(fabric, vm, wanted);
  const settings = known === null ? set : { ...set, name: settingsOf(known).name };
  await fabric.writeRole({ schema: 1, vmId, owner, settings, otherResources: known?.otherResources ?? [] });
  await host.reached('role-restored');
  const left = unlike(wanted, settings);
  if (left.length > 0) {
    const message = `The role of VM ${vm.name} is there again, and not set to ${toldSettings(wanted, left)}.`;
    return failed(failureOf('RoleNotKept', { message, subject: { vmId }, effect: 'applied' }));
  }
  await host.state.saveRun({ ...host.state.run(runId, vmId), removedRole: null });
  return succeeded({});
};

/** Makes the VM that this run brought here a role of the cluster. One that is a role already is left as it is. */
export const makeRole: Handler<'make-role'> = async (host, { runId }, { vmId, settings }) => {
  const arrived = broughtVm(host, runId, vmId);
  if (!arrived.ok) return arrived;
  const vm = arrived.value;
  const cluster = clusterOf(host, vmId);
  if (!cluster.ok) return cluster;
  const { fabric, nodes, clusterName } = cluster.value;
  const files = (await filesOfVm(host, vm)).map(({ path }) => path);
  if (storageOf(host, vm, files)?.type !== 'shared-volume')
    return refuse('StorageNotShared', vmId, `Files of VM ${vm.name} are on no shared volume of the cluster.`);
  const given = settings ?? newRole(vm.name);
  const known = await fabric.readRole(vmId);
  const is = known === null ? await settingsFor(fabric, vm, settingsAmong(given, nodes)) : settingsOf(known);
  if (known === null) await fabric.writeRole({ schema: 1, vmId, owner: fabric.host, settings: is, otherResources: [] });
  await host.reached('role-made');
  return succeeded({ clusterName, name: is.name, without: settings === null ? [] : unlike(settings, is) });
};

/** Whether this run removed the role of a VM that stays here, and did not make it again. */
export async function isRoleLost({ state, fabric }: SimulatedHost, run: RunRecord): Promise<boolean> {
  const vm = state.vm(run.vmId);
  if (run.removedRole === null || vm === undefined || [vm.fencedBy, vm.retiredBy].includes(run.runId)) return false;
  return ((await fabric?.readRole(run.vmId)) ?? null) === null;
}

function broughtVm(host: SimulatedHost, runId: RunId, vmId: VmId): Outcome<VmRecord> {
  const registered = registeredVm(host, vmId);
  if (!registered.ok) return registered;
  const open = fencedAgainst(registered.value, runId);
  if (!open.ok) return open;
  const { reservedBy, startedBy, name } = open.value;
  if (reservedBy !== null && reservedBy !== runId)
    return refuse('VmBusy', vmId, `Run ${reservedBy} has reserved VM ${name}.`);
  return reservedBy === runId || startedBy?.runId === runId
    ? open
    : refuse('VmStateWrong', vmId, `Run ${runId} has not brought VM ${name} here.`);
}

type Cluster = { readonly fabric: Fabric; readonly clusterName: string; readonly nodes: readonly string[] };

function clusterOf({ fabric }: SimulatedHost, vmId: VmId): Outcome<Cluster> {
  const cluster = fabric?.cluster;
  return fabric === undefined || cluster === null || cluster === undefined
    ? refuse('NotClustered', vmId, 'This host is no node of a cluster.')
    : succeeded({ fabric, clusterName: cluster.name, nodes: cluster.nodes });
}

/** What is wanted, over what a cluster gives to a new role. Names of roles are taken once. */
async function settingsFor(fabric: Fabric, { vmId, name }: VmRecord, wanted: WantedSettings): Promise<RoleSettings> {
  const others = (await fabric.roles()).filter((role) => role.vmId !== vmId).map(settingsOf);
  const isTaken = others.some((other) => other.name.toLowerCase() === wanted.name?.toLowerCase());
  const given = Object.fromEntries(Object.entries(wanted).filter(([, value]) => value !== null));
  const settings = { ...newRole(name), ...(given as Partial<RoleSettings>) };
  return isTaken ? { ...settings, name: `${name} ${vmId}` } : settings;
}
