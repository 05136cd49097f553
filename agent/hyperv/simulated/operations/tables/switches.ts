import type { switchOperations } from '../../../../../contracts/operations/switches';
import { makeSwitch, removeSwitch } from '../switches';
import type { TableOf } from './entry';

export const switchesTable: TableOf<keyof typeof switchOperations> = {
  'make-switch': { handler: makeSwitch, scope: 'both' },
  'remove-switch': { handler: removeSwitch, scope: 'both' },
};
