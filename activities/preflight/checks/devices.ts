import { check } from '../check';
import { byLiveMigration, moves, toOtherHost } from './applies';

export const deviceChecks = [
  check({
    id: 'media-inserted',
    severity: 'critical',
    code: 'PreflightFailed',
    kinds: moves,
    scenario: toOtherHost,
    looksAt: ['vm.name', 'vm.media'],
    finds: 'A drive of the VM has an image file or a drive of the source host in it: the VM would not start elsewhere.',
    remedy: 'Eject it (Set-VMDvdDrive -Path $null); insert it again at the destination.',
    source: 'Microsoft: Troubleshoot live migration issues, "0xC03A0014"',
    look(see) {
      // What is on a share has the same path everywhere.
      const local = see['vm.media'].filter(({ path }) => !path.startsWith('\\\\'));
      if (local.length === 0) return undefined;
      const drives = local.map(({ drive, path }) => `${drive} has ${path}`).join('; ');
      return { message: `VM ${see['vm.name']}: ${drives}.` };
    },
  }),
  check({
    id: 'device-assigned',
    severity: 'critical',
    code: 'PreflightFailed',
    kinds: [...moves, 'export'],
    looksAt: ['vm.name', 'vm.assignedDevices'],
    finds:
      'The VM has a device or a GPU partition of the host: it can be neither saved, nor checkpointed, nor moved with it.',
    remedy:
      'Shut the VM down, remove the device (Remove-VMAssignableDevice, Remove-VMGpuPartitionAdapter), then move it.',
    source: 'Microsoft: Deploy graphics devices by using Discrete Device Assignment; GPU partitioning',
    look(see) {
      const devices = see['vm.assignedDevices'].map(({ type, name }) => `${name} (${type})`).join(', ');
      return devices === '' ? undefined : { message: `VM ${see['vm.name']} has ${devices}.` };
    },
  }),
  check({
    id: 'nested-vms',
    severity: 'critical',
    code: 'PreflightFailed',
    kinds: byLiveMigration,
    looksAt: ['vm.name', 'vm.runsNestedVms'],
    finds: 'VMs run inside of the VM, and it cannot be moved live meanwhile.',
    remedy: 'Shut the VMs inside down, or choose "lan", which stops it.',
    source: 'Microsoft: What is nested virtualization?, "Limitations"',
    look: (see) => (see['vm.runsNestedVms'] ? { message: `VMs run inside of VM ${see['vm.name']}.` } : undefined),
  }),
  check({
    id: 'key-protector',
    severity: 'critical',
    code: 'PreflightFailed',
    kinds: moves,
    scenario: toOtherHost,
    looksAt: ['vm.name', 'vm.security', 'destination.guardians'],
    finds: 'The destination host lacks the guardian whose key protects the virtual TPM: the VM would not start there.',
    remedy:
      'Bring the guardian over, once for the two hosts: "hyperferry agent guardian offer" on the destination host, "export" on the source host, ' +
      '"import" on the destination host (docs/hyper-v-host.md).',
    source: 'Microsoft: Troubleshoot live migration issues, "The key protector could not be unwrapped"',
    look(see) {
      const { guardian } = see['vm.security'];
      const there = see['destination.guardians'];
      if (guardian === null || there.some(({ key }) => key === guardian.key)) return undefined;
      const { name, key } = guardian;
      const lacks = `VM ${see['vm.name']} is protected by guardian "${name}" (${key}), which the destination host does not have.`;
      const other = there.find((one) => one.name === name);
      return { message: other === undefined ? lacks : `${lacks} Its guardian of that name is another (${other.key}).` };
    },
  }),
  check({
    id: 'shielded',
    severity: 'critical',
    code: 'PreflightFailed',
    kinds: moves,
    scenario: toOtherHost,
    looksAt: ['vm.name', 'vm.security', 'destination.attestedBy'],
    finds: 'The VM is shielded, and no host guardian service attests the destination host.',
    remedy: 'Choose a guarded host of the same host guardian service.',
    source: 'Microsoft: Guarded fabric and shielded VMs overview',
    look(see) {
      if (!see['vm.security'].isShielded || see['destination.attestedBy'] !== null) return undefined;
      return { message: `VM ${see['vm.name']} is shielded, and the destination host is not guarded.` };
    },
  }),
];
