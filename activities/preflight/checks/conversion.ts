import type { InspectedDisk } from '../../../contracts/inspection';
import { convertedTo } from '../../../contracts/migration';
import { check, type Scenario } from '../check';
import { carriesMemory } from './applies';

/** Disks that are to arrive as VHDX and are none. */
const converted = (disks: readonly InspectedDisk[]): readonly InspectedDisk[] =>
  disks.filter(({ attachment, format }) => attachment === 'file' && format === 'vhd');

const named = (disks: readonly InspectedDisk[]): string => disks.map(({ diskId }) => diskId).join(', ');

const whereConverted: Scenario = {
  when: 'where disks are to be converted',
  holds: (request) => convertedTo(request) !== undefined,
};

export const conversionChecks = [
  check({
    id: 'convert-memory',
    severity: 'critical',
    code: 'VmStateWrong',
    kinds: ['lan', 'warm'],
    scenario: whereConverted,
    looksAt: ['vm.name', 'vm.state', 'vm.disks'],
    finds: 'The VM would arrive with its memory, of a guest that knows its disks as VHD, and they are to be VHDX.',
    remedy: 'Choose --stop shut-down; start a VM that is saved, or drop its memory (Remove-VMSavedState), first.',
    source: 'Microsoft: Convert-VHD, which takes disks that no VM uses; hyperferry: decision 0017',
    look(see, request) {
      const [state, disks] = [see['vm.state'], converted(see['vm.disks'])];
      if (disks.length === 0 || !carriesMemory(request, state)) return undefined;
      const how = state === 'saved' ? 'is saved' : 'runs and would be saved';
      return { message: `VM ${see['vm.name']} ${how}; ${named(disks)} would be converted under its guest.` };
    },
  }),
  check({
    id: 'convert-vm-checkpoints',
    severity: 'critical',
    code: 'VmStateWrong',
    kinds: ['lan', 'warm'],
    scenario: whereConverted,
    looksAt: ['vm.name', 'vm.disks', 'vm.vmCheckpoints'],
    finds: 'VM checkpoints go along, which name the disks as the VHD that they were.',
    remedy: 'Delete the VM checkpoints and let them merge, or leave --convert-to out.',
    source: 'Microsoft: Convert-VHD; hyperferry: decision 0017',
    look(see) {
      const { length } = see['vm.vmCheckpoints'];
      const disks = converted(see['vm.disks']);
      if (disks.length === 0 || length === 0) return undefined;
      return { message: `VM ${see['vm.name']} has ${length} VM checkpoints on ${named(disks)}.` };
    },
  }),
];
