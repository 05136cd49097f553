import type { roleOperations } from '../../../../../contracts/operations/roles';
import { makeRole, removeRole, restoreRole } from '../change-role';
import type { TableOf } from './entry';

export const rolesTable: TableOf<keyof typeof roleOperations> = {
  'remove-role': { handler: removeRole, scope: 'vm' },
  'restore-role': { handler: restoreRole, scope: 'vm' },
  'make-role': { handler: makeRole, scope: 'vm' },
};
