import type { MigrationRequest } from '../../../contracts/migration';
import { whySwitchIsUnfit } from '../../../contracts/switches';
import { check, type Scenario } from '../check';
import { moves, toOtherHost } from './applies';

/** The switch that a request maps the VM to; null where it keeps the one of the same name. */
const mappedSwitch = (request: MigrationRequest): string | null =>
  'destinationSwitch' in request ? request.destinationSwitch : null;

const makesSwitch: Scenario = {
  when: 'where it makes a switch',
  holds: (request) => request.kind === 'import' && request.makeSwitch !== undefined,
};

export const networkChecks = [
  check({
    id: 'switch',
    severity: 'critical',
    code: 'SwitchMissing',
    kinds: moves,
    looksAt: ['vm.name', 'vm.network', 'destination.switches'],
    finds: 'The destination host has no virtual switch of the name that the VM will use.',
    remedy: 'Map it to a switch that exists (--switch), or make one of that name (New-VMSwitch).',
    source: 'Microsoft: Compare-VM, message 33012; Troubleshoot live migration issues, event 21125',
    look(see, request) {
      const wanted = mappedSwitch(request) ?? see['vm.network'].switchName;
      const switches = see['destination.switches'];
      if (wanted === null || switches.includes(wanted)) return undefined;
      return {
        message: `VM ${see['vm.name']} needs virtual switch "${wanted}"; the destination host has ${switches.join(', ') || 'none'}.`,
      };
    },
  }),
  check({
    id: 'import-switch',
    severity: 'critical',
    code: 'SwitchMissing',
    kinds: ['import'],
    scenario: { when: 'where it makes no switch', holds: (request) => !makesSwitch.holds(request) },
    looksAt: ['destination.switches'],
    finds: 'The switch that the request names is not there.',
    remedy:
      'Name a switch that exists, or have one of that name made (--make-switch private or internal; New-VMSwitch).',
    source: 'Microsoft: Compare-VM, message 33012',
    look(see, request) {
      const wanted = mappedSwitch(request);
      const switches = see['destination.switches'];
      if (wanted === null || switches.includes(wanted)) return undefined;
      return {
        message: `destinationSwitch is "${wanted}"; the host has ${switches.join(', ') || 'no virtual switch'}.`,
      };
    },
  }),
  check({
    id: 'import-switch-type',
    severity: 'critical',
    code: 'SwitchUnfit',
    kinds: ['import'],
    scenario: makesSwitch,
    looksAt: ['destination.switchTypes'],
    finds: 'The host has a switch of the name that is to be made, of another type or written otherwise.',
    remedy: 'Name another switch to be made; or name the one that is there, just as it is written, and have none made.',
    source: 'Microsoft: New-VMSwitch, "-SwitchType"; Get-VMSwitch',
    look(see, request) {
      if (request.kind !== 'import' || request.makeSwitch === undefined) return undefined;
      const { destinationSwitch, makeSwitch } = request;
      const why = whySwitchIsUnfit(see['destination.switchTypes'], destinationSwitch ?? '', makeSwitch);
      return why === undefined
        ? undefined
        : { message: `destinationSwitch is "${destinationSwitch ?? ''}", makeSwitch is ${makeSwitch}. ${why}` };
    },
  }),
  check({
    id: 'vlan',
    severity: 'critical',
    code: 'VlanMissing',
    kinds: moves,
    scenario: toOtherHost,
    looksAt: ['vm.name', 'vm.network', 'destination.vlans'],
    finds: 'The switches of the destination host do not carry the VLAN of the VM: it would be without its network.',
    remedy: 'Allow the VLAN on the switch and on the port of the physical network behind it.',
    source: 'Microsoft: Get-VMNetworkAdapterVlan; Troubleshoot live migration issues, event 21024',
    look(see) {
      const { vlanId } = see['vm.network'];
      const vlans = see['destination.vlans'];
      if (vlanId === null || vlans === null || vlans.includes(vlanId)) return undefined;
      return {
        message: `VM ${see['vm.name']} is in VLAN ${vlanId}; the destination host carries ${vlans.join(', ') || 'none'}.`,
      };
    },
  }),
  check({
    id: 'mac-in-use',
    severity: 'critical',
    code: 'PreflightFailed',
    kinds: moves,
    scenario: toOtherHost,
    looksAt: ['vm.name', 'vm.network', 'destination.macAddresses'],
    finds: 'A VM of the destination host has the same MAC address: both would lose their network.',
    remedy: 'Give one of the two another MAC address (Set-VMNetworkAdapter).',
    source: 'Microsoft: Set-VMNetworkAdapter, "-StaticMacAddress"',
    look(see) {
      const { macAddress } = see['vm.network'];
      const other = see['destination.macAddresses'].inUse.find(({ address }) => address === macAddress);
      if (macAddress === null || other === undefined) return undefined;
      return {
        message: `VM ${see['vm.name']} has MAC address ${macAddress}, as VM ${other.vmName} of the destination host.`,
      };
    },
  }),
  check({
    id: 'mac-pool',
    severity: 'warning',
    code: 'PreflightFailed',
    kinds: moves,
    scenario: toOtherHost,
    looksAt: ['vm.name', 'vm.network', 'destination.macAddresses'],
    finds: 'The MAC address, kept by the move, is of the range that the destination host gives to new VMs.',
    remedy: 'Make the address static, and take it out of the range of the host (Set-VMHost).',
    source: 'Microsoft: Set-VMHost, "-MacAddressMinimum"',
    look(see) {
      const { macAddress } = see['vm.network'];
      const { poolFirst, poolLast } = see['destination.macAddresses'];
      if (macAddress === null || macAddress < poolFirst || macAddress > poolLast) return undefined;
      return {
        message: `VM ${see['vm.name']} has MAC address ${macAddress}; the destination host gives out ${poolFirst} to ${poolLast}.`,
      };
    },
  }),
];
