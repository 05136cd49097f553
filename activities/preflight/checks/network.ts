import type { MigrationRequest } from '../../../contracts/migration';
import { check } from '../check';
import { moves, toOtherHost } from './applies';

/** The switch that a request maps the VM to; null where it keeps the one of the same name. */
const mappedSwitch = (request: MigrationRequest): string | null =>
  'destinationSwitch' in request ? request.destinationSwitch : null;

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
    looksAt: ['destination.switches'],
    finds: 'The switch that the request names is not there.',
    remedy: 'Name a switch that exists, or make one of that name (New-VMSwitch).',
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
