import { missingFrom } from '../../../contracts/processor';
import { check } from '../check';
import { carriesMemory, moves, toOtherHost } from './applies';

/** Whether the destination host can run the VM. */
export const fitChecks = [
  check({
    id: 'processor-maker',
    severity: 'critical',
    code: 'ProcessorIncompatible',
    kinds: moves,
    scenario: toOtherHost,
    looksAt: ['vm.name', 'vm.state', 'vm.processor', 'destination.processor'],
    finds: 'The memory of the VM is of a processor of another maker than the one of the destination host.',
    remedy: 'Choose a host with processors of that maker, or a kind that shuts the VM down (lan --stop shut-down).',
    source: 'Microsoft: Processor compatibility mode in Hyper-V',
    look(see, request) {
      const [from, to] = [see['vm.processor'].maker, see['destination.processor'].maker];
      if (from === to || !carriesMemory(request, see['vm.state'])) return undefined;
      return {
        message: `VM ${see['vm.name']} has the state of a processor of ${from}; the destination host has one of ${to}.`,
      };
    },
  }),
  check({
    id: 'processor-features',
    severity: 'critical',
    code: 'ProcessorIncompatible',
    kinds: moves,
    scenario: toOtherHost,
    looksAt: ['vm.name', 'vm.state', 'vm.processor', 'destination.processor'],
    finds: 'The guest may use features that the processor of the destination host does not have.',
    remedy:
      'Shut the VM down and switch processor compatibility on (Set-VMProcessor -CompatibilityForMigrationEnabled), or choose another host.',
    source: 'Microsoft: Msvm_CompatibilityVector; Processor compatibility mode in Hyper-V',
    look(see, request) {
      const [has, needs] = [see['destination.processor'], see['vm.processor']];
      const missing = missingFrom(has, needs);
      const concerns = has.maker === needs.maker && missing.length > 0 && carriesMemory(request, see['vm.state']);
      if (!concerns) return undefined;
      return {
        message: `VM ${see['vm.name']} may use ${missing.join(', ')}, which the destination's processor does not have.`,
        // Compatibility mode, where it is on already, hides no more.
        ...(needs.compatibilityMode && {
          remedy: 'Choose another host, or a kind that shuts the VM down (lan --stop shut-down).',
        }),
      };
    },
  }),
  check({
    id: 'configuration-version',
    severity: 'critical',
    code: 'ConfigurationVersionUnsupported',
    kinds: moves,
    scenario: toOtherHost,
    looksAt: ['vm.name', 'vm.configurationVersion', 'destination.configurationVersions'],
    finds: 'The destination host does not know the configuration version of the VM.',
    remedy: 'Choose a host that does; a version can be raised (Update-VMVersion), never lowered.',
    source: 'Microsoft: Upgrade virtual machine version in Hyper-V; Get-VMHostSupportedVersion',
    look(see) {
      const [version, known] = [see['vm.configurationVersion'], see['destination.configurationVersions']];
      if (known.includes(version)) return undefined;
      return {
        message: `VM ${see['vm.name']} has configuration version ${version}; the destination host supports ${known.join(', ')}.`,
      };
    },
  }),
  check({
    id: 'logical-processors',
    severity: 'critical',
    code: 'PreflightFailed',
    kinds: moves,
    scenario: toOtherHost,
    looksAt: ['vm.name', 'vm.processorCount', 'destination.logicalProcessors'],
    finds: 'The VM has more processors than the destination host has logical ones: it would not start.',
    remedy: 'Choose a larger host, or give the VM fewer processors while it is off.',
    source: 'Microsoft: Set-VMProcessor, "-Count"',
    look(see) {
      const [wanted, has] = [see['vm.processorCount'], see['destination.logicalProcessors']];
      if (wanted <= has) return undefined;
      return {
        message: `VM ${see['vm.name']} has ${wanted} processors; the destination host has ${has} logical ones.`,
      };
    },
  }),
  check({
    id: 'memory',
    severity: 'critical',
    code: 'NotEnoughMemory',
    kinds: moves,
    scenario: toOtherHost,
    looksAt: ['vm.name', 'vm.memoryBytes', 'destination.memory'],
    finds: 'The destination host has less memory free than the VM needs.',
    remedy: 'Free memory on the destination host, or choose another.',
    source: 'Microsoft: Troubleshoot live migration issues, "0x800705AA"',
    look(see) {
      const [needed, { freeBytes }] = [see['vm.memoryBytes'], see['destination.memory']];
      if (freeBytes >= needed) return undefined;
      return {
        message: `VM ${see['vm.name']} needs ${needed} bytes of memory; the destination host has ${freeBytes} free.`,
      };
    },
  }),
];
