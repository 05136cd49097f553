import { exportConfiguration, removeExport } from '../export-configuration';
import { importConfiguration } from '../import-configuration';
import { placeVm, removePlaceholder } from '../place-vm';
import type { TableOf } from './entry';

import type { placeholderOperations } from '../../../../../contracts/operations/placeholder';

export const placeholderTable: TableOf<keyof typeof placeholderOperations> = {
  'place-vm': { handler: placeVm, scope: 'room' },
  'remove-placeholder': { handler: removePlaceholder, scope: 'placeholder' },
  'export-configuration': { handler: exportConfiguration, scope: 'vm' },
  'remove-export': { handler: removeExport, scope: 'vm' },
  'import-configuration': { handler: importConfiguration, scope: 'placeholder' },
};
