import { missingFrom } from '../../../contracts/processor';
import { check } from '../check';
import { byRoute, moves, ofVm, toOtherHost } from './applies';

export const vmCheckpointChecks = [
  check({
    id: 'vm-checkpoint-aside',
    severity: 'critical',
    code: 'VmStateWrong',
    kinds: [...byRoute, 'export', 'storage'],
    looksAt: ['vm.name', 'vm.vmCheckpoints'],
    finds: 'A VM checkpoint is on another branch of the chain than the one that the VM runs on: a copy would lose it.',
    remedy: 'Delete that VM checkpoint, or export it on its own first (--part vm-checkpoint).',
    source: 'Microsoft: Msvm_VirtualSystemSettingData, "VirtualSystemType"; hyperferry: design, guarantee 1',
    look(see) {
      const aside = see['vm.vmCheckpoints'].filter(({ isAside }) => isAside);
      if (aside.length === 0) return undefined;
      const names = aside.map(({ name }) => `"${name}"`).join(', ');
      return { message: `VM ${see['vm.name']} does not run on the files of its VM checkpoints ${names}.` };
    },
  }),
  check({
    id: 'vm-checkpoint-memory',
    severity: 'warning',
    code: 'ProcessorIncompatible',
    kinds: moves,
    scenario: toOtherHost,
    looksAt: ['vm.vmCheckpoints', 'vm.processor', 'destination.processor'],
    finds: 'A VM checkpoint with memory cannot be applied on a processor of another kind.',
    remedy: 'Delete such VM checkpoints, or apply them with their memory dropped.',
    source: 'Microsoft: Processor compatibility mode in Hyper-V',
    look(see) {
      const withMemory = see['vm.vmCheckpoints'].filter(({ hasMemory }) => hasMemory);
      const [has, needs] = [see['destination.processor'], see['vm.processor']];
      const fits = has.maker === needs.maker && missingFrom(has, needs).length === 0;
      if (withMemory.length === 0 || fits) return undefined;
      const names = withMemory.map(({ name }) => `"${name}"`).join(', ');
      return { message: `VM checkpoints with memory (${names}) fit the processor of the source host only.` };
    },
  }),
  check({
    id: 'vm-checkpoints',
    severity: 'information',
    code: 'PreflightFailed',
    kinds: ofVm,
    looksAt: ['vm.name', 'vm.vmCheckpoints'],
    finds: 'The VM has VM checkpoints: they go along, with more files to move.',
    remedy: 'Delete those that nobody needs before the move.',
    source: 'Microsoft: Using checkpoints to revert virtual machines to a previous state',
    look(see) {
      const { length } = see['vm.vmCheckpoints'];
      return length === 0 ? undefined : { message: `VM ${see['vm.name']} has ${length} VM checkpoints.` };
    },
  }),
];
