import type { DriverOperationKind } from '../../driver';
import type { Handler } from '../host';
import { beginRound } from './begin-round';
import { admitVm, withdrawVm } from './admit-vm';
import { describeVm } from './describe-vm';
import { moveLive, moveWhole } from './move-between-hosts';
import { moveStorage } from './move-storage';
import { makeRole, removeRole, restoreRole } from './change-role';
import { checkDisks } from './check-disks';
import { endRound, lookAtChanges } from './end-round';
import { locateVm } from './locate-vm';
import { attachLun, surrenderLun } from './lun-at-destination';
import { detachLun, forgetSource, reattachLun } from './lun-at-source';
import { removeConfiguration, writeConfiguration } from './lun-configuration';
import { fenceVm, unfenceVm } from './fence';
import { adoptImport } from './adopt-import';
import { compareImport } from './compare-import';
import { copyImport } from './copy-import';
import { exportVm } from './export-vm';
import { publishExport, removeUnpublished } from './publish-export';
import { awaitHeartbeat, resumeVm, saveVm, shutDownVm } from './power';
import { exportConfiguration, removeExport } from './configuration';
import { digestDisks } from './digest-disks';
import { importConfiguration } from './import-configuration';
import { mergeDisks } from './merge-disks';
import { moveRole, returnRole, startRole } from './move-role';
import { placeVm, removePlaceholder } from './placeholder';
import { registerFromLun, unregisterFromLun } from './register-from-lun';
import { release, reserveVm } from './reservation';
import { reserveRoom } from './reserve-room';
import { retireVm } from './retire-vm';
import { startVm } from './start-vm';
import { makeSwitch, removeSwitch } from './switches';
import { removeVmCheckpoint, takeVmCheckpoint } from './vm-checkpoint';

/** `room`: the VM and the promises of the host. */
export type Scope = 'vm' | 'room' | 'nothing';

type Table = {
  readonly [K in DriverOperationKind]: {
    readonly handler: Handler<K>;
    /** Whether it keeps other operations from the VM meanwhile. */
    readonly locks: Scope;
  };
};

/** How this driver carries each operation out. */
export const operationTable = {
  'reserve-vm': { handler: reserveVm, locks: 'vm' },
  'reserve-room': { handler: reserveRoom, locks: 'room' },
  release: { handler: release, locks: 'vm' },
  'check-disks': { handler: checkDisks, locks: 'vm' },
  'take-vm-checkpoint': { handler: takeVmCheckpoint, locks: 'vm' },
  'remove-vm-checkpoint': { handler: removeVmCheckpoint, locks: 'vm' },
  'begin-round': { handler: beginRound, locks: 'vm' },
  'end-round': { handler: endRound, locks: 'vm' },
  'look-at-changes': { handler: lookAtChanges, locks: 'nothing' },
  'move-role': { handler: moveRole, locks: 'vm' },
  'return-role': { handler: returnRole, locks: 'vm' },
  'remove-role': { handler: removeRole, locks: 'vm' },
  'restore-role': { handler: restoreRole, locks: 'vm' },
  'make-role': { handler: makeRole, locks: 'vm' },
  'start-role': { handler: startRole, locks: 'vm' },
  'save-vm': { handler: saveVm, locks: 'vm' },
  'shut-down-vm': { handler: shutDownVm, locks: 'vm' },
  'resume-vm': { handler: resumeVm, locks: 'vm' },
  'fence-vm': { handler: fenceVm, locks: 'vm' },
  'unfence-vm': { handler: unfenceVm, locks: 'vm' },
  'place-vm': { handler: placeVm, locks: 'room' },
  'remove-placeholder': { handler: removePlaceholder, locks: 'vm' },
  'export-configuration': { handler: exportConfiguration, locks: 'vm' },
  'remove-export': { handler: removeExport, locks: 'vm' },
  'import-configuration': { handler: importConfiguration, locks: 'vm' },
  'merge-disks': { handler: mergeDisks, locks: 'vm' },
  'digest-disks': { handler: digestDisks, locks: 'vm' },
  'start-vm': { handler: startVm, locks: 'vm' },
  'retire-vm': { handler: retireVm, locks: 'vm' },
  'export-vm': { handler: exportVm, locks: 'vm' },
  'publish-export': { handler: publishExport, locks: 'vm' },
  'remove-unpublished': { handler: removeUnpublished, locks: 'vm' },
  'compare-import': { handler: compareImport, locks: 'nothing' },
  'copy-import': { handler: copyImport, locks: 'vm' },
  'adopt-import': { handler: adoptImport, locks: 'room' },
  'await-heartbeat': { handler: awaitHeartbeat, locks: 'nothing' },
  'locate-vm': { handler: locateVm, locks: 'nothing' },
  'describe-vm': { handler: describeVm, locks: 'vm' },
  'admit-vm': { handler: admitVm, locks: 'room' },
  'withdraw-vm': { handler: withdrawVm, locks: 'room' },
  'move-live': { handler: moveLive, locks: 'vm' },
  'move-storage': { handler: moveStorage, locks: 'vm' },
  'move-whole': { handler: moveWhole, locks: 'vm' },
  'write-configuration': { handler: writeConfiguration, locks: 'vm' },
  'remove-configuration': { handler: removeConfiguration, locks: 'vm' },
  'detach-lun': { handler: detachLun, locks: 'vm' },
  'attach-lun': { handler: attachLun, locks: 'vm' },
  'reattach-lun': { handler: reattachLun, locks: 'vm' },
  'surrender-lun': { handler: surrenderLun, locks: 'vm' },
  'register-vm': { handler: registerFromLun, locks: 'room' },
  'unregister-vm': { handler: unregisterFromLun, locks: 'vm' },
  'forget-source': { handler: forgetSource, locks: 'vm' },
  'make-switch': { handler: makeSwitch, locks: 'vm' },
  'remove-switch': { handler: removeSwitch, locks: 'vm' },
} as const satisfies Table;
