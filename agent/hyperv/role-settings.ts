import { isSameHost, type VmId } from '../../contracts/ids';
import type { RemovedRole, RoleSettings } from '../../contracts/operations';

/** What a role is to have where it is made; null in place of a setting that is left to the cluster. */
export type WantedSettings = { readonly [K in keyof RoleSettings]: RoleSettings[K] | null };

const isAmong = (names: readonly string[], name: string): boolean => names.some((one) => isSameHost(one, name));

/**
 * What of a role's settings a cluster with these nodes can have. Preferred owners are those that are nodes of it. A limit of owners is taken
 * whole or not at all: of a part of it nobody can say that it is what was meant.
 */
export function settingsAmong(settings: RoleSettings, nodes: readonly string[]): WantedSettings {
  const preferred = settings.preferredOwners.filter((name) => isAmong(nodes, name));
  const { possibleOwners } = settings;
  const isWhole = possibleOwners?.every((name) => isAmong(nodes, name)) === true;
  return {
    ...settings,
    preferredOwners: preferred.length === 0 ? null : preferred,
    possibleOwners: isWhole ? possibleOwners : null,
  };
}

const settingNames = [
  'name',
  'priority',
  'preferredOwners',
  'possibleOwners',
  'failoverThreshold',
  'failoverPeriodHours',
  'autoFailbackType',
  'failbackWindowStart',
  'failbackWindowEnd',
  'antiAffinityClassNames',
] as const satisfies readonly (keyof RoleSettings)[];

/** Settings that a role does not have as they are wanted. */
export function unlike(wanted: WantedSettings, is: RoleSettings): (keyof RoleSettings)[] {
  return settingNames.filter((name) => {
    const value = wanted[name];
    return value !== null && keyOf(name, value) !== keyOf(name, is[name]);
  });
}

/** Capitals mean nothing to a cluster. Of preferred owners the order counts; of the others it does not. */
function keyOf(name: keyof RoleSettings, value: RoleSettings[keyof RoleSettings]): string {
  if (!Array.isArray(value)) return String(value).toLowerCase();
  const texts = value.map((one) => one.toLowerCase());
  return JSON.stringify(name === 'preferredOwners' ? texts : texts.sort());
}

/** Settings with their values, for a person who is to set them. */
export const toldSettings = (settings: WantedSettings, names: readonly (keyof RoleSettings)[] = settingNames): string =>
  names.map((name) => `${name} ${JSON.stringify(settings[name])}`).join(', ');

/** What a person needs to make a role again by hand. */
export const describeRole = (vmId: VmId, { clusterName, settings }: RemovedRole): string =>
  `the role of VM ${vmId} in cluster ${clusterName}: ${toldSettings(settings)}`;
