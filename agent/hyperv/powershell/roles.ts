import { failed, failureOf, succeeded, type Outcome } from '../../../contracts/failure';
import type { VmId } from '../../../contracts/ids';
import type { RoleSettings } from '../../../contracts/operations';
import { hadEffect } from '../afterwards';
import type { DriverContext } from '../driver';
import { refuse } from '../refuse';
import { unlike, type WantedSettings } from '../role-settings';
import type { CallArguments } from './calls/definitions';
import type { RoleSettingsValue } from './calls/roles';
import type { VmValue } from './calls/vm';
import { stateOf } from './facts';
import { findVm, type RealHost } from './host';

export type Role = NonNullable<RoleSettingsValue['role']>;

/** The cluster of this host, with what it keeps of the role of a VM. */
export async function lookAtSettings({ client }: RealHost, vmId: VmId): Promise<Outcome<RoleSettingsValue>> {
  return client.call('read-role-settings', { VmId: vmId }, { vmId });
}

/**
 * Makes the role where there is none, and sets what it does not have as it is wanted; null leaves all of it to the cluster. Settings that
 * the cluster does not keep are no failure here: whoever looks next sees them.
 */
export async function makeAsWanted(host: RealHost, vmId: VmId, wanted: WantedSettings | null): Promise<Outcome<void>> {
  const { client } = host;
  const before = await lookAtSettings(host, vmId);
  if (!before.ok) return before;
  if (before.value.clusterName === '') return refuse('NotClustered', vmId, 'This host is no node of a cluster.');
  const made =
    before.value.role === null
      ? await client.call('add-cluster-role', { VmId: vmId, Name: wanted?.name ?? '' }, { vmId })
      : before;
  if (!made.ok) return made;
  const { role } = made.value;
  if (role === null) {
    const message = `VM ${vmId} is no role after it was made one.`;
    return failed(failureOf('HyperVRefused', { message, subject: { vmId }, effect: 'unknown' }));
  }
  const left = wanted === null ? [] : unlike(wanted, role.settings).filter((name) => name !== 'name');
  if (left.length === 0 || wanted === null) return succeeded(undefined);
  const set = await client.call('set-cluster-role', argumentsOf(vmId, left, { ...role.settings, ...given(wanted) }), {
    vmId,
  });
  return set.ok ? succeeded(undefined) : failed(hadEffect(set.failure));
}

const given = (wanted: WantedSettings): Partial<RoleSettings> =>
  Object.fromEntries(Object.entries(wanted).filter(([, value]) => value !== null));

const argumentsOf = (vmId: VmId, names: string[], settings: RoleSettings): CallArguments<'set-cluster-role'> => ({
  VmId: vmId,
  Settings: names,
  Priority: settings.priority,
  PreferredOwners: settings.preferredOwners,
  PossibleOwners: settings.possibleOwners ?? [],
  FailoverThreshold: settings.failoverThreshold,
  FailoverPeriodHours: settings.failoverPeriodHours,
  AutoFailbackType: settings.autoFailbackType,
  FailbackWindowStart: settings.failbackWindowStart,
  FailbackWindowEnd: settings.failbackWindowEnd,
  AntiAffinityClassNames: settings.antiAffinityClassNames,
});

const lookMs = 1_000;
/** How long a new role may be on its way to the state of its VM. */
const steadyMsMax = 2 * 60_000;

/**
 * Looks until the cluster has taken the VM as it is: a role of a VM that runs is online. The VM is to run on where it ran before; a cluster that
 * started or stopped it, or took it to another node, has done what nobody asked for.
 */
export async function awaitSteady(host: RealHost, { signal }: DriverContext, before: VmValue): Promise<Outcome<Role>> {
  const { id: vmId, name } = before;
  const beganAtMs = host.clock.now();
  for (;;) {
    const looked = await lookAtSettings(host, vmId);
    if (!looked.ok) return failed(hadEffect(looked.failure));
    const found = await findVm(host, vmId);
    if (!found.ok) return failed(hadEffect(found.failure));
    const { role } = looked.value;
    const isSame = found.value !== undefined && stateOf(found.value) === stateOf(before);
    if (role !== null && isSame && isSteady(role, before)) return succeeded(role);
    if (signal.aborted || host.clock.now() - beganAtMs > steadyMsMax) {
      const code = signal.aborted ? 'CanceledByOperator' : 'HyperVRefused';
      const message = `The role of VM ${name} is ${role?.state ?? 'not there'}, and the VM ${found.value?.state ?? 'not here'}.`;
      return failed(failureOf(code, { message, subject: { vmId }, effect: 'unknown' }));
    }
    await host.clock.sleep(lookMs, signal);
  }
}

/** A role whose VM stands still may be online in part: its configuration is a resource of its own. */
const isSteady = ({ state }: Role, vm: VmValue): boolean =>
  stateOf(vm) === 'running' ? state === 'Online' : ['Online', 'Offline', 'PartialOnline'].includes(state);
