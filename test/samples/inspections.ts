import { diskId } from '../../contracts/ids';
import {
  known,
  type AllowedPlace,
  type HostInspection,
  type ImportInspection,
  type Inspection,
  type Presence,
  type VmInspection,
} from '../../contracts/inspection';

const guardian = { name: 'guardian-1', key: 'A1A1' };

// A host, a VM and a folder with which nothing is wrong, for fakes. A test holds them to the schema.

const gib = 1024 ** 3;

const host: HostInspection = {
  clock: known({ nowMs: 0 }),
  memory: known({ totalBytes: 64 * gib, freeBytes: 48 * gib }),
  logicalProcessors: known(16),
  processor: known({ maker: 'GenuineIntel', features: ['sse4.2', 'aes', 'avx'], vectors: [] }),
  configurationVersions: known(['9.0', '10.0']),
  switches: known(['LAN']),
  switchTypes: known([{ name: 'LAN', type: 'external' }]),
  vlans: known([10, 20]),
  macAddresses: known({ poolFirst: '00155D010000', poolLast: '00155D0100FF', inUse: [] }),
  diskFormats: known(['vhd', 'vhdx']),
  guardians: known([guardian]),
  attestedBy: known('hgs.example'),
  changeTracking: known(true),
  liveMigration: known({ enabled: true, slots: { max: 2, used: 0 }, storageSlots: { max: 2, used: 0 } }),
  migrationAuthentication: known({ type: 'kerberos', delegatedTo: ['hv-a', 'hv-b'], credentialGuard: true }),
  migrationNetworks: known(['10.0.0.0/24']),
  cluster: known(null),
  luns: known([]),
};

const presence: Presence = {
  registered: known(null),
  placeholderOf: known(null),
  promisedTo: known(null),
  sameName: known([]),
};

const vm: VmInspection = {
  name: known('web01'),
  state: known('running'),
  configurationVersion: known('10.0'),
  processorCount: known(4),
  memoryBytes: known(4 * gib),
  savedStateBytes: known(4 * gib),
  marks: known({ reservedBy: null, fencedBy: null, retiredBy: null }),
  underWay: known(null),
  vmCheckpoints: known([]),
  isReplicated: known(false),
  disks: known([
    {
      diskId: diskId.parse('scsi-0-0'),
      path: '/vm/web01/web01.vhdx',
      attachment: 'file',
      isShared: false,
      format: 'vhdx',
      virtualSizeBytes: 40 * gib,
      physicalSectorBytes: 4096,
      images: [{ path: '/vm/web01/web01.vhdx', kind: 'dynamic', fileSizeBytes: 10 * gib, allocatedBytes: 9 * gib }],
    },
  ]),
  damage: known([]),
  fileBytes: known(10 * gib),
  volume: known({ root: '/vm', freeBytes: 100 * gib, reservedBytes: 0 }),
  filesUsedBy: known([]),
  media: known([]),
  network: known({ switchName: 'LAN', vlanId: 10, macAddress: '00155D020001', isMacDynamic: true }),
  processor: known({ maker: 'GenuineIntel', features: ['sse4.2', 'aes'], vectors: [], compatibilityMode: true }),
  security: known({ guardian, isShielded: true }),
  assignedDevices: known([]),
  runsNestedVms: known(false),
  role: known(null),
  roleResources: known([]),
  storage: known(null),
  integration: known({ heartbeat: true, shutdown: true }),
  heartbeat: known('ok'),
  automaticStart: known('nothing'),
  changedBytesPerSecond: known(1024 ** 2),
};

const place: AllowedPlace = {
  allowed: true,
  volume: known({ root: '/big', freeBytes: 100 * gib, reservedBytes: gib, fileBytesMax: 2 ** 44 }),
  sectorBytes: known(4096),
  sharedVolume: known(null),
  isOfVm: known(false),
  occupiedBy: known(null),
  exportThere: known(null),
  paths: known({ home: '/big/web01', charactersMax: 260 }),
};

const imports: ImportInspection = {
  found: true,
  vmName: 'web01',
  memoryBytes: 4 * gib,
  roomBytes: 11 * gib,
  processorCount: 4,
  configurationVersion: '10.0',
  fixUps: [],
  usedBy: null,
};

/** What a healthy host answers that is asked about everything. */
export const healthyInspection: Inspection = {
  agentVersion: '0.1.0',
  contract: 1,
  host,
  presence,
  vm,
  place,
  imports,
};
