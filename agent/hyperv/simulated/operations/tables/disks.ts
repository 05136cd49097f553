import { checkDisks } from '../check-disks';
import { digestDisks } from '../digest-disks';
import { mergeDisks } from '../merge-disks';
import { removeVmCheckpoint } from '../remove-vm-checkpoint';
import { takeVmCheckpoint } from '../take-vm-checkpoint';
import type { TableOf } from './entry';

import type { diskOperations } from '../../../../../contracts/operations/disks';

export const disksTable: TableOf<keyof typeof diskOperations> = {
  'check-disks': { handler: checkDisks, scope: 'vm' },
  'take-vm-checkpoint': { handler: takeVmCheckpoint, scope: 'vm' },
  'remove-vm-checkpoint': { handler: removeVmCheckpoint, scope: 'vm' },
  'merge-disks': { handler: mergeDisks, scope: 'placeholder' },
  'digest-disks': { handler: digestDisks, scope: 'both' },
};
