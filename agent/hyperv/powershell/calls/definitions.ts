import type { z } from 'zod';
import type { Arguments } from '../worker/worker';
import { closeFirewallArguments, firewallValue, openFirewallArguments } from './firewall';
import { doctorArguments, doctorValue } from './doctor';
import {
  exportedGuardian,
  exportGuardianArguments,
  guardiansValue,
  importedGuardian,
  importGuardianArguments,
  readGuardiansArguments,
} from './guardians';
import { beginExportArguments, exportJobArguments, jobArguments, jobIdValue, jobValue } from './exports';
import { hostArguments, hostValue } from './host';
import { absentVmArguments, dismountLunArguments, lunArguments, lunValue, mountLunArguments } from './luns';
import { inspectHostArguments, inspectedHost, inspectedVm } from './inspection';
import {
  compareArguments,
  comparedValue,
  doneValue,
  exportedValue,
  folderArguments,
  importArguments,
  importedValue,
  pathsArguments,
  plannedArguments,
  readImportArguments,
  removeArguments,
} from './import';
import {
  begunMove,
  lookedAtMove,
  startLiveArguments,
  startStorageArguments,
  startWholeArguments,
  stoppedMove,
  stopArguments,
} from './moves';
import {
  changesArguments,
  changesValue,
  convertArguments,
  convertedValue,
  ofCheckpoint,
  recoveryArguments,
  recoveryValue,
  referencePointsValue,
  removePointsArguments,
} from './rounds';
import { addRoleArguments, moveRoleArguments, roleSettingsValue, roleValue, setRoleArguments } from './roles';
import {
  makeSwitchArguments,
  removedSwitch,
  removeSwitchArguments,
  switchesArguments,
  switchesValue,
  switchNotesArguments,
  switchValue,
} from './switches';
import { eventsArguments, eventsValue } from './events';
import { checkpointArguments, notesArguments, notesValue, ofVm, vmsArguments, vmsValue, vmValue } from './vm';

/**
 * Everything that the worker can be asked, the counterpart of scripts/table.ps1 (a test holds them equal). `look` calls change nothing and
 * have a worker of their own, so that they are answered while an `act` call is at work.
 */
type CallDefinition = {
  readonly lane: 'look' | 'act';
  /** Milliseconds without an answer after which the worker counts as hung. */
  readonly msMax: number;
  readonly args: z.ZodType<Arguments>;
  readonly value: z.ZodType;
};

const minute = 60_000;

export const calls = {
  'read-host': { lane: 'look', msMax: minute, args: hostArguments, value: hostValue },
  'read-vms': { lane: 'look', msMax: 5 * minute, args: vmsArguments, value: vmsValue },
  'read-doctor': { lane: 'look', msMax: 2 * minute, args: doctorArguments, value: doctorValue },
  'inspect-host': { lane: 'look', msMax: 2 * minute, args: inspectHostArguments, value: inspectedHost },
  'inspect-vm': { lane: 'look', msMax: 2 * minute, args: ofVm, value: inspectedVm },
  'read-events': { lane: 'look', msMax: minute, args: eventsArguments, value: eventsValue },
  'read-move': { lane: 'look', msMax: minute, args: ofVm, value: lookedAtMove },
  'set-notes': { lane: 'act', msMax: 2 * minute, args: notesArguments, value: notesValue },
  'take-checkpoint': { lane: 'act', msMax: 15 * minute, args: checkpointArguments, value: vmValue },
  'remove-checkpoint': { lane: 'act', msMax: 15 * minute, args: checkpointArguments, value: vmValue },
  'read-reference-points': { lane: 'look', msMax: 2 * minute, args: ofVm, value: referencePointsValue },
  'read-changes': { lane: 'look', msMax: 15 * minute, args: changesArguments, value: changesValue },
  'take-recovery-checkpoint': { lane: 'act', msMax: 15 * minute, args: recoveryArguments, value: recoveryValue },
  'convert-checkpoint': { lane: 'act', msMax: 15 * minute, args: convertArguments, value: convertedValue },
  'remove-recovery-checkpoint': { lane: 'act', msMax: 15 * minute, args: ofCheckpoint, value: vmValue },
  'remove-reference-points': { lane: 'act', msMax: 15 * minute, args: removePointsArguments, value: doneValue },
  'read-cluster-role': { lane: 'look', msMax: 2 * minute, args: ofVm, value: roleValue },
  'move-cluster-role': { lane: 'act', msMax: 5 * minute, args: moveRoleArguments, value: roleValue },
  'read-role-settings': { lane: 'look', msMax: 2 * minute, args: ofVm, value: roleSettingsValue },
  'remove-cluster-role': { lane: 'act', msMax: 15 * minute, args: ofVm, value: roleSettingsValue },
  'add-cluster-role': { lane: 'act', msMax: 15 * minute, args: addRoleArguments, value: roleSettingsValue },
  'set-cluster-role': { lane: 'act', msMax: 15 * minute, args: setRoleArguments, value: roleSettingsValue },
  'save-vm': { lane: 'act', msMax: 60 * minute, args: ofVm, value: vmValue },
  'shut-down-vm': { lane: 'act', msMax: 30 * minute, args: ofVm, value: vmValue },
  'start-vm': { lane: 'act', msMax: 15 * minute, args: ofVm, value: vmValue },
  'lock-disks': { lane: 'act', msMax: 5 * minute, args: ofVm, value: vmValue },
  'unlock-disks': { lane: 'act', msMax: 5 * minute, args: ofVm, value: vmValue },
  'unlock-files': { lane: 'act', msMax: 5 * minute, args: pathsArguments, value: doneValue },
  'lock-files': { lane: 'act', msMax: 5 * minute, args: pathsArguments, value: doneValue },
  'read-lun': { lane: 'look', msMax: 5 * minute, args: lunArguments, value: lunValue },
  'mount-lun': { lane: 'act', msMax: 15 * minute, args: mountLunArguments, value: lunValue },
  'dismount-lun': { lane: 'act', msMax: 15 * minute, args: dismountLunArguments, value: lunValue },
  'remove-absent-vm': { lane: 'act', msMax: 15 * minute, args: absentVmArguments, value: doneValue },
  'export-configuration': { lane: 'act', msMax: 60 * minute, args: folderArguments, value: exportedValue },
  'begin-export': { lane: 'act', msMax: 5 * minute, args: beginExportArguments, value: jobIdValue },
  'read-export-job': { lane: 'look', msMax: 2 * minute, args: exportJobArguments, value: jobIdValue },
  'read-job': { lane: 'look', msMax: 2 * minute, args: jobArguments, value: jobValue },
  'stop-job': { lane: 'act', msMax: 5 * minute, args: jobArguments, value: doneValue },
  // What is planned for a comparison is of nobody else: these two wait for no operation.
  'read-import': { lane: 'look', msMax: 15 * minute, args: readImportArguments, value: comparedValue },
  'remove-planned': { lane: 'look', msMax: 5 * minute, args: plannedArguments, value: doneValue },
  'compare-import': { lane: 'act', msMax: 15 * minute, args: compareArguments, value: comparedValue },
  'import-vm': { lane: 'act', msMax: 15 * minute, args: importArguments, value: importedValue },
  'remove-vm': { lane: 'act', msMax: 15 * minute, args: removeArguments, value: doneValue },
  'start-storage-move': { lane: 'act', msMax: 15 * minute, args: startStorageArguments, value: begunMove },
  'start-whole-move': { lane: 'act', msMax: 15 * minute, args: startWholeArguments, value: begunMove },
  'start-live-move': { lane: 'act', msMax: 15 * minute, args: startLiveArguments, value: begunMove },
  'stop-move': { lane: 'act', msMax: 2 * minute, args: stopArguments, value: stoppedMove },
  'stop-live-move': { lane: 'act', msMax: 5 * minute, args: ofVm, value: stoppedMove },
  'remove-planned-vm': { lane: 'act', msMax: 5 * minute, args: ofVm, value: doneValue },
  'read-switches': { lane: 'look', msMax: 2 * minute, args: switchesArguments, value: switchesValue },
  'make-switch': { lane: 'act', msMax: 5 * minute, args: makeSwitchArguments, value: switchValue },
  'set-switch-notes': { lane: 'act', msMax: 5 * minute, args: switchNotesArguments, value: switchValue },
  'remove-switch': { lane: 'act', msMax: 5 * minute, args: removeSwitchArguments, value: removedSwitch },
  'read-guardians': { lane: 'look', msMax: 2 * minute, args: readGuardiansArguments, value: guardiansValue },
  'export-guardian': { lane: 'look', msMax: 2 * minute, args: exportGuardianArguments, value: exportedGuardian },
  'import-guardian': { lane: 'act', msMax: 5 * minute, args: importGuardianArguments, value: importedGuardian },
  'open-firewall': { lane: 'act', msMax: minute, args: openFirewallArguments, value: firewallValue },
  'close-firewall': { lane: 'act', msMax: minute, args: closeFirewallArguments, value: firewallValue },
} as const satisfies Record<string, CallDefinition>;

export type CallName = keyof typeof calls;
export type CallArguments<K extends CallName> = z.input<(typeof calls)[K]['args']>;
export type CallValue<K extends CallName> = z.output<(typeof calls)[K]['value']>;
