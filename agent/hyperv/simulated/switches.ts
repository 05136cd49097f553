import { isSameSwitchName, type SwitchFacts } from '../../../contracts/switches';
import type { SimulatedHost } from './host';

type Switches = Pick<SimulatedHost, 'record' | 'state'>;

/** The virtual switches of a host: those that it had from the beginning, which are external unless host.json says otherwise, and made ones. */
export const switchesOf = ({ record, state }: Switches): SwitchFacts[] => [
  ...record.switches.map((name) => ({ name, type: record.switchTypes[name] ?? 'external' })),
  ...state.switches.map(({ name, type }) => ({ name, type })),
];

export const switchNamesOf = (host: Switches): string[] => switchesOf(host).map(({ name }) => name);

export const hasSwitch = (host: Switches, name: string): boolean => switchNamesOf(host).includes(name);

/** A VM of the host that is connected to a switch, in words; a placeholder counts. */
export function userOfSwitch({ state }: Pick<SimulatedHost, 'state'>, name: string): string | undefined {
  const uses = (used: string | null | undefined): boolean => typeof used === 'string' && isSameSwitchName(used, name);
  const vm = state.vms.find(({ switchName }) => uses(switchName));
  if (vm !== undefined) return `VM ${vm.name} (${vm.vmId})`;
  const planned = state.planned.find(({ imported }) => uses(imported?.vm.switchName));
  return planned && `the placeholder of VM ${planned.vmName} (${planned.vmId})`;
}
