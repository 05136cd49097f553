import { diskId } from '../../contracts/ids';
import type { OperationKind, OperationOutput, RoleSettings } from '../../contracts/operations';

// Outputs of operations for fakes. A test holds each to the schema of its kind.

const at = '2027-01-01T00:00:09.000Z';
const image = {
  index: 0,
  path: 'x',
  kind: 'dynamic',
  virtualSizeBytes: 100,
  fileSizeBytes: 100,
  allocatedBytes: 10,
} as const;
const sizes = { vmName: 'vm', memoryBytes: 5, disks: [] };
const moved = {
  endedAt: at,
  outageMs: 40,
  memorySentBytes: 7,
  copiedBytes: 10,
  mirroredBytes: 2,
  changes: ['moved'],
};

export const sampleRole: RoleSettings = {
  name: 'SCVMM vm Resources',
  priority: 3000,
  preferredOwners: ['host-b', 'host-a'],
  possibleOwners: null,
  failoverThreshold: 2,
  failoverPeriodHours: 12,
  autoFailbackType: 1,
  failbackWindowStart: 22,
  failbackWindowEnd: 4,
  antiAffinityClassNames: ['web'],
};

/** A VM with one disk of so many images. */
export const sizesWith = (imageCount: number): OperationOutput<'take-vm-checkpoint'> => ({
  ...sizes,
  disks: [
    {
      diskId: diskId.parse('scsi-0-0'),
      path: 'x',
      virtualSizeBytes: 100,
      images: Array.from({ length: imageCount }, (_, index) => ({ ...image, index })),
    },
  ],
});

export const sampleOutputs: { readonly [K in OperationKind]: OperationOutput<K> } = {
  'reserve-vm': {},
  'reserve-room': { freeBytes: 1000 },
  release: {},
  'check-disks': { ...sizes, state: 'running' },
  'take-vm-checkpoint': sizes,
  'remove-vm-checkpoint': {},
  'merge-disks': { mergedBytes: 3 },
  'digest-disks': { disks: [{ diskId: diskId.parse('scsi-0-0'), merkleRoot: 'b'.repeat(64), bytesRead: 10 }] },
  'place-vm': {},
  'remove-placeholder': { removedBytes: 0 },
  'export-configuration': {},
  'remove-export': {},
  'import-configuration': { changes: ['disk moved'] },
  'save-vm': { ...sizes, savedAt: '2027-01-01T00:00:00.000Z', memoryFileBytes: 4096 },
  'resume-vm': { outageMs: null },
  'shut-down-vm': { ...sizes, shutDownAt: '2027-01-01T00:00:00.000Z' },
  'begin-round': {
    ...sizes,
    tracking: 'change-tracking',
    changed: [{ diskId: diskId.parse('scsi-0-0'), changedBytes: 10, whole: false }],
  },
  'end-round': {},
  'look-at-changes': { changedBytes: 0 },
  'fence-vm': {},
  'unfence-vm': {},
  'start-vm': { startedAt: at },
  'await-heartbeat': { seenAt: at },
  'retire-vm': { kept: [], freedBytes: 0 },
  pull: { path: 'x', digest: 'a'.repeat(64), dataBytes: 10, sentBytes: 10, resentBytes: 0, zeroBytes: 0 },
  stage: { digest: 'a'.repeat(64), dataBytes: 10, zeroBytes: 0, putBytes: 10 },
  'pull-staged': { path: 'x', digest: 'a'.repeat(64), dataBytes: 10, sentBytes: 10, resentBytes: 0, zeroBytes: 0 },
  'export-vm': { exportedBytes: 1, files: 2 },
  'publish-export': { folder: '/exports/vm' },
  'remove-unpublished': {},
  'compare-import': { vmName: 'vm', memoryBytes: 5, roomBytes: 10, fixUps: [] },
  'copy-import': { copiedBytes: 1 },
  'adopt-import': { changes: ['adopted'] },
  'describe-vm': {
    vmName: 'vm',
    hasMemoryState: true,
    memoryBytes: 5,
    fileBytes: 10,
    configurationVersion: '10.0',
    processorMaker: 'GenuineIntel',
    processorFeatures: ['sse4.2'],
    switchName: 'LAN',
    vlanId: null,
    clusterName: 'c1',
    storage: { type: 'lun', name: 'lun-7', folder: '/san/lun-7' },
  },
  'admit-vm': {},
  'withdraw-vm': {},
  'locate-vm': { registered: true, state: 'running', moving: false, inFolder: false },
  'move-live': moved,
  'move-storage': moved,
  'move-whole': moved,
  'move-role': {},
  'return-role': {},
  'start-role': { startedAt: at },
  'remove-role': { removed: { clusterName: 'c1', settings: sampleRole } },
  'restore-role': {},
  'make-role': { clusterName: 'c2', name: 'vm', without: ['preferredOwners'] },
  'write-configuration': {},
  'remove-configuration': {},
  'detach-lun': {},
  'attach-lun': {},
  'reattach-lun': {},
  'surrender-lun': {},
  'register-vm': { changes: ['registered'] },
  'unregister-vm': {},
  'forget-source': {},
  'make-switch': { made: true },
  'remove-switch': { usedBy: null },
};
