import type { lunOperations } from '../../../../../contracts/operations/luns';
import {
  attachLun,
  detachLun,
  forgetSource,
  reattachLun,
  registerVm,
  removeConfiguration,
  surrenderLun,
  unregisterVm,
  writeConfiguration,
} from '../luns';
import type { TableOf } from './entry';

export const lunsTable: TableOf<keyof typeof lunOperations> = {
  'write-configuration': { handler: writeConfiguration, scope: 'vm' },
  'remove-configuration': { handler: removeConfiguration, scope: 'vm' },
  'detach-lun': { handler: detachLun, scope: 'both' },
  'attach-lun': { handler: attachLun, scope: 'both' },
  'reattach-lun': { handler: reattachLun, scope: 'both' },
  'surrender-lun': { handler: surrenderLun, scope: 'both' },
  'register-vm': { handler: registerVm, scope: 'both' },
  'unregister-vm': { handler: unregisterVm, scope: 'both' },
  'forget-source': { handler: forgetSource, scope: 'vm' },
};
