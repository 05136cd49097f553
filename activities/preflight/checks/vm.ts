import { movableStates } from '../../../contracts/requests/states';
import { check } from '../check';
import { byRoute, ofVm } from './applies';

const unfit = /[\\/:*?"<>|\p{Cc}]/u;
/** What Hyper-V takes as the name of a VM. */
const nameCharactersMax = 100;

export const vmChecks = [
  check({
    id: 'vm-exists',
    severity: 'critical',
    code: 'VmNotFound',
    kinds: ofVm,
    looksAt: ['vm.isThere'],
    finds: 'The source host has no VM with this id.',
    remedy: 'Check the VM and its host: hyperferry vms lists them.',
    source: 'Microsoft: Get-VM, "-Id"',
    look: (see, { sourceHost, vmId }) =>
      see['vm.isThere'] ? undefined : { message: `${sourceHost} has no VM ${vmId}.` },
  }),
  check({
    id: 'vm-state',
    severity: 'critical',
    code: 'VmStateWrong',
    kinds: ofVm,
    looksAt: ['vm.name', 'vm.state'],
    finds: 'The VM is in a state in which this kind does not move it.',
    remedy: 'Start the VM, or choose the kind "lan", which moves it as it is.',
    source: 'Microsoft: Move-VM; hyperferry: README, "How a VM moves"',
    look(see, { kind }) {
      const state = see['vm.state'];
      if (movableStates[kind].includes(state)) return undefined;
      return {
        message: `VM ${see['vm.name']} is ${state}; "${kind}" moves a VM that is ${movableStates[kind].join(' or ')}.`,
      };
    },
  }),
  check({
    id: 'vm-reserved',
    severity: 'critical',
    code: 'VmBusy',
    mayPass: true,
    kinds: ofVm,
    looksAt: ['vm.name', 'vm.marks'],
    finds: 'Another run has reserved the VM.',
    remedy: 'Wait for the other run to end, or cancel it.',
    source: 'hyperferry: design, guarantee 2',
    look(see) {
      const { reservedBy } = see['vm.marks'];
      return reservedBy === null ? undefined : { message: `Run ${reservedBy} has reserved VM ${see['vm.name']}.` };
    },
  }),
  check({
    id: 'vm-fenced',
    severity: 'critical',
    code: 'VmFenced',
    kinds: ofVm,
    looksAt: ['vm.name', 'vm.marks'],
    finds: 'Another run has fenced the VM: it can neither start nor change.',
    remedy: 'Finish or cancel that run first. If it is gone, read its receipt before you remove the fence.',
    source: 'hyperferry: design, guarantee 2',
    look(see) {
      const { fencedBy, retiredBy } = see['vm.marks'];
      return fencedBy === null || retiredBy !== null
        ? undefined
        : { message: `Run ${fencedBy} has fenced VM ${see['vm.name']}.` };
    },
  }),
  check({
    id: 'vm-retired',
    severity: 'critical',
    code: 'VmFenced',
    kinds: ofVm,
    looksAt: ['vm.name', 'vm.marks'],
    finds: 'This is the retired source of an earlier run: the VM itself runs elsewhere.',
    remedy: 'Move the VM from the host where it is now: hyperferry vms shows it.',
    source: 'hyperferry: design, guarantee 2',
    look(see) {
      const { retiredBy } = see['vm.marks'];
      const message = `VM ${see['vm.name']} runs elsewhere since run ${retiredBy ?? ''}; this is its retired source.`;
      return retiredBy === null ? undefined : { message };
    },
  }),
  check({
    id: 'vm-name',
    severity: 'warning',
    code: 'PreflightFailed',
    kinds: ofVm,
    looksAt: ['vm.name'],
    finds: 'The name of the VM has characters that no file can have, or is longer than Hyper-V takes.',
    remedy: 'Rename the VM (Rename-VM); folders that are named after it get "_" in place of such characters.',
    source: 'Microsoft: Rename-VM; Naming Files, Paths, and Namespaces',
    look(see) {
      const name = see['vm.name'];
      if (name.length > nameCharactersMax)
        return {
          message: `The name of the VM has ${name.length} characters; Hyper-V takes ${nameCharactersMax}: ${name}`,
        };
      const found = unfit.exec(name);
      return found === null ? undefined : { message: `The name "${name}" has ${JSON.stringify(found[0])} in it.` };
    },
  }),
  check({
    id: 'vm-under-way',
    severity: 'critical',
    code: 'VmBusy',
    mayPass: true,
    kinds: ofVm,
    looksAt: ['vm.name', 'vm.underWay'],
    finds: 'The hypervisor merges, backs up, exports or moves the VM, or takes a VM checkpoint of it.',
    remedy: 'Wait until that is done; remove a recovery VM checkpoint that a failed backup left (Remove-VMSnapshot).',
    source: 'Microsoft: Msvm_ComputerSystem, "OperationalStatus"; Troubleshoot live migration issues',
    look(see) {
      const underWay = see['vm.underWay'];
      return underWay === null
        ? undefined
        : { message: `VM ${see['vm.name']} is not still: a ${underWay} is under way or was left half done.` };
    },
  }),
  check({
    id: 'replication-lost',
    severity: 'critical',
    code: 'PreflightFailed',
    kinds: [...byRoute, 'san'],
    looksAt: ['vm.name', 'vm.isReplicated'],
    finds: 'The VM is replicated, and the VM that this kind registers at the destination would not be.',
    remedy:
      'Stop its replication (Remove-VMReplication) and begin it again at the destination, or choose "shared-nothing".',
    source: 'Microsoft: Set up Hyper-V Replica; Get-VMReplication',
    look: (see) =>
      see['vm.isReplicated'] ? { message: `VM ${see['vm.name']} is replicated (Hyper-V Replica).` } : undefined,
  }),
  check({
    id: 'replication-follows',
    severity: 'warning',
    code: 'PreflightFailed',
    kinds: ['live', 'quick', 'shared-nothing', 'storage'],
    looksAt: ['vm.name', 'vm.isReplicated'],
    finds: 'The VM is replicated: its replication has to be told of the new place.',
    remedy: 'Check its replication after the move (Get-VMReplication), and set its primary server (Set-VMReplication).',
    source: 'Microsoft: Set-VMReplication',
    look: (see) =>
      see['vm.isReplicated'] ? { message: `VM ${see['vm.name']} is replicated (Hyper-V Replica).` } : undefined,
  }),
];
