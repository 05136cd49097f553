import type { DriverOperationKind } from '../../driver';
import type { Handler } from '../host';
import { awaitHeartbeat } from './await-heartbeat';
import { checkDisks } from './check-disks';
import { digestDisks } from './digest-disks';
import { exportConfiguration, removeExport } from './export-configuration';
import { fenceVm, unfenceVm } from './fence-vm';
import { importConfiguration } from './import-configuration';
import { mergeDisks } from './merge-disks';
import { placeVm, removePlaceholder } from './place-vm';
import { release } from './release';
import { removeVmCheckpoint } from './remove-vm-checkpoint';
import { reserveRoom } from './reserve-room';
import { reserveVm } from './reserve-vm';
import { retireVm } from './retire-vm';
import { resumeVm, saveVm } from './save-vm';
import { startVm } from './start-vm';
import { takeVmCheckpoint } from './take-vm-checkpoint';

/**
 * What an operation keeps others from touching meanwhile: `vm` its registered VM, `placeholder` the run's, `both`, `room` the
 * reservations of the host as well as the placeholder, `nothing` for those that only look.
 */
export type Scope = 'vm' | 'placeholder' | 'both' | 'room' | 'nothing';

type Entry<K extends DriverOperationKind> = { readonly handler: Handler<K>; readonly scope: Scope };

export const operationTable: { readonly [K in DriverOperationKind]: Entry<K> } = {
  'reserve-vm': { handler: reserveVm, scope: 'vm' },
  'reserve-room': { handler: reserveRoom, scope: 'room' },
  release: { handler: release, scope: 'both' },
  'check-disks': { handler: checkDisks, scope: 'vm' },
  'place-vm': { handler: placeVm, scope: 'room' },
  'remove-placeholder': { handler: removePlaceholder, scope: 'placeholder' },
  'take-vm-checkpoint': { handler: takeVmCheckpoint, scope: 'vm' },
  'remove-vm-checkpoint': { handler: removeVmCheckpoint, scope: 'vm' },
  'save-vm': { handler: saveVm, scope: 'vm' },
  'resume-vm': { handler: resumeVm, scope: 'vm' },
  'fence-vm': { handler: fenceVm, scope: 'vm' },
  'unfence-vm': { handler: unfenceVm, scope: 'vm' },
  'export-configuration': { handler: exportConfiguration, scope: 'vm' },
  'remove-export': { handler: removeExport, scope: 'vm' },
  'import-configuration': { handler: importConfiguration, scope: 'placeholder' },
  'merge-disks': { handler: mergeDisks, scope: 'placeholder' },
  'digest-disks': { handler: digestDisks, scope: 'both' },
  'start-vm': { handler: startVm, scope: 'both' },
  'await-heartbeat': { handler: awaitHeartbeat, scope: 'nothing' },
  'retire-vm': { handler: retireVm, scope: 'vm' },
};
