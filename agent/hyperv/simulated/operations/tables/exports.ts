import type { exportOperations } from '../../../../../contracts/operations/exports';
import { adoptImport, compareImport, copyImport } from '../import-folder';
import { exportVm } from '../export-vm';
import { publishExport, removeUnpublished } from '../publish-export';
import type { TableOf } from './entry';

export const exportsTable: TableOf<keyof typeof exportOperations> = {
  'export-vm': { handler: exportVm, scope: 'vm' },
  'publish-export': { handler: publishExport, scope: 'vm' },
  'remove-unpublished': { handler: removeUnpublished, scope: 'vm' },
  'compare-import': { handler: compareImport, scope: 'nothing' },
  'copy-import': { handler: copyImport, scope: 'placeholder' },
  'adopt-import': { handler: adoptImport, scope: 'room' },
};
