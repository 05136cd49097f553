import type { preCopyOperations } from '../../../../../contracts/operations/pre-copy';
import { beginRound } from '../begin-round';
import { endRound, lookAtChanges } from '../end-round';
import type { TableOf } from './entry';

export const preCopyTable: TableOf<keyof typeof preCopyOperations> = {
  'begin-round': { handler: beginRound, scope: 'vm' },
  'end-round': { handler: endRound, scope: 'vm' },
  'look-at-changes': { handler: lookAtChanges, scope: 'nothing' },
};
