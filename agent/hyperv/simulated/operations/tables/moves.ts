import type { moveOperations } from '../../../../../contracts/operations/moves';
import { admitVm, withdrawVm } from '../admit-vm';
import { describeVm } from '../describe-vm';
import { locateVm } from '../locate-vm';
import { moveLive, moveWhole } from '../move-live';
import { moveRole, returnRole, startRole } from '../move-role';
import { moveStorage } from '../move-storage';
import type { TableOf } from './entry';

export const movesTable: TableOf<keyof typeof moveOperations> = {
  'describe-vm': { handler: describeVm, scope: 'vm' },
  'admit-vm': { handler: admitVm, scope: 'room' },
  'withdraw-vm': { handler: withdrawVm, scope: 'both' },
  'locate-vm': { handler: locateVm, scope: 'nothing' },
  'move-live': { handler: moveLive, scope: 'vm' },
  'move-storage': { handler: moveStorage, scope: 'vm' },
  'move-whole': { handler: moveWhole, scope: 'vm' },
  'move-role': { handler: moveRole, scope: 'vm' },
  'return-role': { handler: returnRole, scope: 'vm' },
  'start-role': { handler: startRole, scope: 'vm' },
};
