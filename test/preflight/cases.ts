import { byRoute } from '../../activities/preflight/checks/applies';
import type { FactValues } from '../../activities/preflight/named-facts';
import { failureOf } from '../../contracts/failure';
import { diskId } from '../../contracts/ids';
import type { Kind } from '../../contracts/migration';
import { healthyInspection } from '../samples/inspections';
import { clusterWith, manyBytes, type Given } from './situations';

/** Facts in which a check finds something, and what its message must name. */
export type Case = {
  readonly check: string;
  readonly kind: Kind;
  readonly request?: object;
  readonly given: Given;
  readonly says: readonly string[];
};

const disks = (change: Partial<FactValues['vm.disks'][number]>): FactValues['vm.disks'] => {
  const all = healthyInspection.vm?.disks;
  if (all?.known !== true) throw new Error('the sample has disks');
  return all.value.map((disk) => ({ ...disk, ...change }));
};
const [image] = disks({})[0]?.images ?? [];
const gib = 1024 ** 3;
const imageAt = (path: string) => ({ path, kind: 'dynamic' as const, fileSizeBytes: gib, allocatedBytes: gib });
const imagesOf = (count: number) => (image === undefined ? [] : Array.from({ length: count }, () => image));
const volume = (change: Partial<FactValues['place.volume']>): FactValues['place.volume'] => ({
  root: '/big',
  freeBytes: manyBytes(100),
  reservedBytes: 0,
  fileBytesMax: null,
  ...change,
});
const ownVolume = (freeBytes: number): FactValues['vm.volume'] => ({ root: '/vm', freeBytes, reservedBytes: 0 });
const marks = (change: Partial<FactValues['vm.marks']>): FactValues['vm.marks'] => ({
  reservedBy: null,
  fencedBy: null,
  retiredBy: null,
  ...change,
});
const migration = (change: Partial<FactValues['source.liveMigration']>): FactValues['source.liveMigration'] => ({
  enabled: true,
  slots: { max: 2, used: 0 },
  storageSlots: { max: 2, used: 0 },
  ...change,
});
const authentication = (
  change: Partial<FactValues['source.migrationAuthentication']>,
): FactValues['source.migrationAuthentication'] => ({
  type: 'kerberos',
  delegatedTo: null,
  credentialGuard: false,
  ...change,
});
const network = (change: Partial<FactValues['vm.network']>): FactValues['vm.network'] => ({
  switchName: 'LAN',
  vlanId: null,
  macAddress: null,
  isMacDynamic: true,
  ...change,
});
const vmCheckpoint = (change: Partial<FactValues['vm.vmCheckpoints'][number]>): FactValues['vm.vmCheckpoints'] => [
  { id: 'aaaaaaaa-0000-4000-8000-000000000001', name: 'before update', isAside: false, hasMemory: false, ...change },
];
const away = failureOf('RelayUnreachable', { message: 'no listener' });
const sameHost = { destinationHost: 'hv-a' };
const amd: FactValues['destination.processor'] = { maker: 'AuthenticAMD', features: ['sse4.2', 'aes'], vectors: [] };
const intel = { maker: 'GenuineIntel', features: [], compatibilityMode: false };
const vector = (id: number, value: number) => ({ id, operation: 2, value: `${value}` });
const seeds = (id: string) => ({ seeds: [{ diskId: id, path: '/big/old.vhdx' }] });
const usable = (id: string, virtualSizeBytes = manyBytes(40)): FactValues['there.seeds'][number] => ({
  diskId: diskId.parse(id),
  path: '/big/old.vhdx',
  usable: true,
  virtualSizeBytes,
});
const staged = { route: 'staged' };
const met = (change: Partial<FactValues['source.storage']>): FactValues['source.storage'] => ({
  endpoint: 'https://a.blob.example',
  meets: 'admitted',
  told: 'as told',
  appAheadMs: 0,
  ...change,
});
const meetings: readonly [FactValues['source.storage']['meets'], string][] = [
  ['name-not-resolved', 'resolve'],
  ['not-connected', 'no connection'],
  ['silent', 'no connection'],
  ['certificate-refused', 'certificate'],
  ['answered-on-the-way', 'in place of storage'],
  ['network-refused', 'firewall of the storage account'],
  ['access-refused', 'does not take the access'],
  ['storage-failing', 'cannot now'],
];
const limit = { policy: { bandwidthBytesPerSecondMax: 1024 ** 2, outageMsMax: 60_000 } };

export const cases: readonly Case[] = [
  { check: 'source-answers', kind: 'lan', given: { 'source.answer': away }, says: ['hv-a', 'no listener'] },
  { check: 'destination-answers', kind: 'live', given: { 'destination.answer': away }, says: ['no listener'] },
  {
    check: 'agent-contract',
    kind: 'export',
    given: { 'source.agent': { version: '9.0.0', contract: 2 } },
    says: ['contract 2', 'speaks 1'],
  },
  {
    check: 'agent-versions',
    kind: 'warm',
    given: { 'destination.agent': { version: '0.0.9', contract: 1 } },
    says: ['0.1.0', '0.0.9'],
  },
  {
    check: 'clock-skew',
    kind: 'live',
    given: { 'destination.clock': { aheadMs: 400_000, uncertainMs: 0 } },
    says: ['400 s', '300 s'],
  },
  {
    check: 'clock-drift',
    kind: 'lan',
    given: { 'source.clock': { aheadMs: -90_000, uncertainMs: 0 } },
    says: ['90 s', '60 s'],
  },
  { check: 'vm-exists', kind: 'san', given: { 'vm.isThere': false }, says: ['hv-a', '11111111-2222'] },
  { check: 'vm-state', kind: 'live', given: { 'vm.state': 'off' }, says: ['web01', 'off', 'running'] },
  { check: 'vm-state', kind: 'storage', given: { 'vm.state': 'saved' }, says: ['web01', 'saved', 'storage'] },
  { check: 'vm-reserved', kind: 'lan', given: { 'vm.marks': marks({ reservedBy: 'm7-r1' }) }, says: ['m7-r1'] },
  { check: 'vm-fenced', kind: 'lan', given: { 'vm.marks': marks({ fencedBy: 'm7-r1' }) }, says: ['m7-r1', 'fenced'] },
  { check: 'vm-retired', kind: 'warm', given: { 'vm.marks': marks({ retiredBy: 'm7-r1' }) }, says: ['m7-r1'] },
  { check: 'vm-name', kind: 'export', given: { 'vm.name': 'web/01' }, says: ['web/01', '"/"'] },
  { check: 'vm-name', kind: 'lan', given: { 'vm.name': 'x'.repeat(101) }, says: ['101 characters'] },
  { check: 'vm-under-way', kind: 'quick-storage', given: { 'vm.underWay': 'merge' }, says: ['web01', 'merge'] },
  { check: 'vm-under-way', kind: 'export', given: { 'vm.underWay': 'backup' }, says: ['web01', 'backup'] },
  { check: 'replication-lost', kind: 'warm', given: { 'vm.isReplicated': true }, says: ['web01', 'replicated'] },
  { check: 'replication-follows', kind: 'storage', given: { 'vm.isReplicated': true }, says: ['web01'] },
  {
    check: 'disks-whole',
    kind: 'export',
    given: {
      'vm.damage': [{ diskId: 'scsi-0-0', code: 'DiskChainBroken', message: 'its parent a.vhdx is not there' }],
    },
    says: ['scsi-0-0', 'a.vhdx'],
  },
  {
    check: 'disk-pass-through',
    kind: 'live',
    given: { 'vm.disks': disks({ attachment: 'pass-through', path: 'Disk 3', images: [] }) },
    says: ['scsi-0-0', 'Disk 3'],
  },
  { check: 'disk-shared', kind: 'storage', given: { 'vm.disks': disks({ isShared: true }) }, says: ['web01.vhdx'] },
  { check: 'disk-shared', kind: 'lan', given: { 'vm.disks': disks({ format: 'vhd-set' }) }, says: ['scsi-0-0'] },
  { check: 'disk-files-used', kind: 'storage', given: { 'vm.filesUsedBy': ['web02'] }, says: ['web01', 'web02'] },
  { check: 'disk-files-kept', kind: 'lan', given: { 'vm.filesUsedBy': ['web02'] }, says: ['web02', 'stay'] },
  { check: 'disk-format', kind: 'lan', given: { 'destination.diskFormats': ['vhd'] }, says: ['vhdx', 'scsi-0-0'] },
  {
    check: 'vhd-size',
    kind: 'lan',
    given: { 'vm.disks': disks({ format: 'vhd', path: '/vm/big.vhd', virtualSizeBytes: 2041 * gib, images: [] }) },
    says: ['2040 GiB', '/vm/big.vhd'],
  },
  {
    check: 'chain-formats',
    kind: 'warm',
    given: { 'vm.disks': disks({ path: '/vm/a.avhdx', images: [imageAt('/vm/a.vhd'), imageAt('/vm/a.avhdx')] }) },
    says: ['scsi-0-0', 'vhdx', '/vm/a.vhd'],
  },
  {
    check: 'convert-memory',
    kind: 'warm',
    request: { convertTo: 'vhdx' },
    given: { 'vm.disks': disks({ format: 'vhd' }) },
    says: ['web01', 'runs', 'scsi-0-0'],
  },
  {
    check: 'convert-memory',
    kind: 'lan',
    request: { convertTo: 'vhdx', policy: { stop: 'shut-down' } },
    given: { 'vm.disks': disks({ format: 'vhd' }), 'vm.state': 'saved' },
    says: ['web01', 'is saved', 'scsi-0-0'],
  },
  {
    check: 'convert-vm-checkpoints',
    kind: 'lan',
    request: { convertTo: 'vhdx', policy: { stop: 'shut-down' } },
    given: { 'vm.disks': disks({ format: 'vhd' }), 'vm.vmCheckpoints': vmCheckpoint({}) },
    says: ['web01', '1 VM checkpoints', 'scsi-0-0'],
  },
  {
    check: 'disk-format',
    kind: 'lan',
    request: { convertTo: 'vhdx', policy: { stop: 'shut-down' } },
    given: { 'vm.disks': disks({ format: 'vhd' }), 'destination.diskFormats': ['vhd'] },
    says: ['vhdx', 'scsi-0-0'],
  },
  { check: 'disk-sectors', kind: 'lan', given: { 'vm.disks': disks({ physicalSectorBytes: 512 }) }, says: ['4096'] },
  {
    check: 'chain-length',
    kind: 'quick-storage',
    given: { 'vm.disks': disks({ images: imagesOf(64) }) },
    says: ['64'],
  },
  {
    check: 'chain-length',
    kind: 'warm',
    given: { 'vm.disks': disks({ images: imagesOf(44) }), 'source.changeTracking': false },
    says: ['44 images', '21'],
  },
  {
    check: 'chain-length',
    kind: 'warm',
    given: { 'vm.disks': disks({ format: 'vhd', images: imagesOf(44) }), 'source.changeTracking': true },
    says: ['44 images', '21'],
  },
  {
    check: 'vm-checkpoint-aside',
    kind: 'lan',
    given: { 'vm.vmCheckpoints': vmCheckpoint({ isAside: true }) },
    says: ['before update'],
  },
  {
    check: 'vm-checkpoint-memory',
    kind: 'lan',
    given: { 'vm.vmCheckpoints': vmCheckpoint({ hasMemory: true }), 'destination.processor': amd },
    says: ['before update'],
  },
  {
    check: 'vm-checkpoints',
    kind: 'live',
    given: { 'vm.vmCheckpoints': vmCheckpoint({}) },
    says: ['1 VM checkpoints'],
  },
  {
    check: 'media-inserted',
    kind: 'live',
    given: { 'vm.media': [{ drive: 'dvd-0-1', path: 'C:\\iso\\setup.iso' }] },
    says: ['dvd-0-1', 'setup.iso'],
  },
  {
    check: 'device-assigned',
    kind: 'quick',
    given: { 'vm.assignedDevices': [{ type: 'gpu-partition', name: 'GPU 0' }] },
    says: ['GPU 0', 'gpu-partition'],
  },
  { check: 'nested-vms', kind: 'shared-nothing', given: { 'vm.runsNestedVms': true }, says: ['web01'] },
  { check: 'key-protector', kind: 'lan', given: { 'destination.guardians': [] }, says: ['guardian-1', 'A1A1'] },
  {
    // Each host calls its own guardian so.
    check: 'key-protector',
    kind: 'warm',
    given: { 'destination.guardians': [{ name: 'guardian-1', key: 'B2B2' }] },
    says: ['guardian-1', 'A1A1', 'B2B2'],
  },
  { check: 'shielded', kind: 'quick-storage', given: { 'destination.attestedBy': null }, says: ['shielded'] },
  { check: 'role-missing', kind: 'quick', given: { 'vm.role': null }, says: ['web01', 'no role'] },
  {
    check: 'role-owner',
    kind: 'live',
    given: { 'vm.role': { clusterName: 'c1', owner: 'hv-c' } },
    says: ['hv-c', 'hv-a'],
  },
  {
    check: 'role-left-behind',
    kind: 'shared-nothing',
    given: { 'vm.role': { clusterName: 'c1', owner: 'hv-a' } },
    says: ['c1'],
  },
  {
    check: 'role-holds-more',
    kind: 'warm',
    request: { role: 'leave' },
    given: { 'vm.role': { clusterName: 'c1', owner: 'hv-a' }, 'vm.roleResources': ['Network Name web'] },
    says: ['web01', 'Network Name web'],
  },
  {
    check: 'role-quorum',
    kind: 'quick-storage',
    request: { role: 'make' },
    given: {
      'destination.cluster': clusterWith({ name: 'c2', hasQuorum: false }),
      'place.sharedVolume': 'csv2',
    },
    says: ['c2'],
  },
  {
    check: 'role-quorum',
    kind: 'lan',
    request: { role: 'leave' },
    given: {
      'vm.role': { clusterName: 'c1', owner: 'hv-a' },
      'source.cluster': clusterWith({ hasQuorum: false }),
    },
    says: ['c1'],
  },
  {
    check: 'role-nowhere',
    kind: 'shared-nothing',
    request: { role: 'make' },
    given: { 'destination.cluster': null, 'place.sharedVolume': 'csv2' },
    says: ['hv-b'],
  },
  {
    check: 'role-folder',
    kind: 'lan',
    request: { role: 'make' },
    given: { 'destination.cluster': clusterWith({}), 'place.sharedVolume': null },
    says: ['/big'],
  },
  {
    check: 'role-given-up',
    kind: 'warm',
    request: { role: 'leave' },
    given: { 'vm.role': { clusterName: 'c1', owner: 'hv-a' } },
    says: ['web01', 'c1'],
  },
  {
    check: 'role-interrupted',
    kind: 'lan',
    request: { role: 'make' },
    given: {
      'vm.role': { clusterName: 'c1', owner: 'hv-a' },
      'destination.cluster': clusterWith({ name: 'c2' }),
      'place.sharedVolume': 'csv2',
    },
    says: ['web01', 'c1'],
  },
  {
    check: 'role-storage',
    kind: 'storage',
    given: { 'vm.role': { clusterName: 'c1', owner: 'hv-a' } },
    says: ['c1', '/big'],
  },
  { check: 'cluster-other', kind: 'live', given: { 'destination.cluster': null }, says: ['c1', 'none'] },
  {
    check: 'node-up',
    kind: 'quick',
    given: { 'destination.cluster': clusterWith({ node: 'paused' }) },
    says: ['paused', 'c1'],
  },
  {
    check: 'node-drained',
    kind: 'lan',
    given: { 'destination.cluster': clusterWith({ node: 'paused' }) },
    says: ['paused'],
  },
  { check: 'quorum', kind: 'quick', given: { 'source.cluster': clusterWith({ hasQuorum: false }) }, says: ['c1'] },
  { check: 'shared-volume', kind: 'live', given: { 'vm.storage': null }, says: ['web01'] },
  {
    check: 'shared-volume',
    kind: 'quick',
    given: { 'destination.cluster': clusterWith({ sharedVolumes: [{ name: 'csv1', access: 'offline' }] }) },
    says: ['csv1', 'offline'],
  },
  {
    check: 'shared-volume-redirected',
    kind: 'live',
    given: { 'destination.cluster': clusterWith({ sharedVolumes: [{ name: 'csv1', access: 'redirected' }] }) },
    says: ['csv1'],
  },
  { check: 'lun-own', kind: 'san', given: { 'vm.storage': null }, says: ['web01'] },
  { check: 'lun-visible', kind: 'san', given: { 'destination.luns': [] }, says: ['lun-7'] },
  {
    check: 'lun-held',
    kind: 'san',
    given: { 'source.luns': [{ name: 'lun-7', host: 'hv-b', reservedBy: null }] },
    says: ['lun-7', 'hv-b'],
  },
  {
    check: 'lun-reservation',
    kind: 'san',
    given: { 'source.luns': [{ name: 'lun-7', host: 'hv-a', reservedBy: 'cluster c9' }] },
    says: ['lun-7', 'cluster c9'],
  },
  {
    check: 'migration-enabled',
    kind: 'live',
    given: { 'destination.liveMigration': migration({ enabled: false }) },
    says: ['hv-b'],
  },
  {
    check: 'migration-slots',
    kind: 'shared-nothing',
    given: { 'source.liveMigration': migration({ slots: { max: 2, used: 2 } }) },
    says: ['2 VMs', 'limit is 2'],
  },
  {
    check: 'storage-slots',
    kind: 'storage',
    given: { 'source.liveMigration': migration({ storageSlots: { max: 1, used: 1 } }) },
    says: ['1 VMs', 'limit is 1'],
  },
  {
    check: 'authentication-differs',
    kind: 'live',
    given: { 'destination.migrationAuthentication': authentication({ type: 'credssp' }) },
    says: ['kerberos', 'credssp'],
  },
  {
    check: 'delegation',
    kind: 'shared-nothing',
    given: { 'source.migrationAuthentication': authentication({ delegatedTo: ['hv-c'] }) },
    says: ['hv-c', 'hv-b'],
  },
  {
    check: 'credential-guard',
    kind: 'live',
    given: { 'source.migrationAuthentication': authentication({ type: 'credssp', credentialGuard: true }) },
    says: ['hv-a', 'Credential Guard'],
  },
  {
    check: 'migration-network',
    kind: 'live',
    given: { 'destination.migrationNetworks': ['10.9.0.0/24'] },
    says: ['10.0.0.0/24', '10.9.0.0/24'],
  },
  {
    check: 'path-allowed',
    kind: 'export',
    given: { 'place.refusal': 'lies outside of the allowed roots' },
    says: ['/big', 'outside'],
  },
  {
    check: 'path-length',
    kind: 'storage',
    given: { 'place.paths': { home: `/${'x'.repeat(240)}`, charactersMax: 260 } },
    says: ['271 characters', '260'],
  },
  { check: 'destination-same', kind: 'storage', given: { 'place.isOfVm': true }, says: ['/big'] },
  { check: 'host-same', kind: 'san', request: sameHost, given: {}, says: ['hv-a', 'web01'] },
  {
    check: 'id-taken',
    kind: 'lan',
    given: { 'there.registered': { vmName: 'old', isRetired: false } },
    says: ['11111111-2222', 'old'],
  },
  {
    check: 'id-taken',
    kind: 'live',
    given: { 'there.registered': { vmName: 'old', isRetired: true } },
    says: ['retired source'],
  },
  { check: 'name-taken', kind: 'warm', given: { 'there.sameName': ['99999999-0000'] }, says: ['99999999-0000'] },
  { check: 'placeholder-left', kind: 'live', given: { 'there.placeholderOf': 'm9-r1' }, says: ['m9-r1'] },
  { check: 'room-promised', kind: 'import', given: { 'there.promisedTo': 'm9-r1' }, says: ['m9-r1'] },
  {
    check: 'folder-occupied',
    kind: 'quick-storage',
    given: { 'place.occupiedBy': '/big/web01' },
    says: ['/big/web01'],
  },
  { check: 'export-there', kind: 'export', given: { 'place.exportThere': '/big/web01' }, says: ['/big/web01'] },
  {
    check: 'processor-maker',
    kind: 'live',
    given: { 'destination.processor': amd },
    says: ['GenuineIntel', 'AuthenticAMD'],
  },
  {
    check: 'processor-maker',
    kind: 'lan',
    request: { policy: { stop: 'shut-down' } },
    given: { 'destination.processor': amd, 'vm.state': 'saved' },
    says: ['GenuineIntel'],
  },
  {
    check: 'processor-features',
    kind: 'quick-storage',
    given: { 'destination.processor': { maker: 'GenuineIntel', features: ['aes'], vectors: [] } },
    says: ['sse4.2'],
  },
  {
    check: 'processor-features',
    kind: 'live',
    given: {
      'vm.processor': { ...intel, vectors: [vector(7, 3)] },
      'destination.processor': { ...intel, vectors: [vector(7, 1)] },
    },
    says: ['compatibility vector 7'],
  },
  {
    check: 'configuration-version',
    kind: 'lan',
    given: { 'vm.configurationVersion': '12.0' },
    says: ['12.0', '9.0, 10.0'],
  },
  { check: 'logical-processors', kind: 'lan', given: { 'vm.processorCount': 32 }, says: ['32', '16'] },
  {
    check: 'memory',
    kind: 'live',
    given: { 'destination.memory': { totalBytes: manyBytes(64), freeBytes: manyBytes(1) } },
    says: [String(manyBytes(4)), String(manyBytes(1))],
  },
  { check: 'switch', kind: 'live', given: { 'vm.network': network({ switchName: 'DMZ' }) }, says: ['DMZ', 'LAN'] },
  { check: 'switch', kind: 'lan', request: { destinationSwitch: 'Core' }, given: {}, says: ['Core'] },
  { check: 'import-switch', kind: 'import', request: { destinationSwitch: 'Core' }, given: {}, says: ['Core', 'LAN'] },
  {
    check: 'import-switch-type',
    kind: 'import',
    request: { destinationSwitch: 'LAN', makeSwitch: 'private' },
    given: {},
    says: ['LAN', 'external', 'private'],
  },
  {
    check: 'import-switch-type',
    kind: 'import',
    request: { destinationSwitch: 'lan', makeSwitch: 'internal' },
    given: { 'destination.switchTypes': [{ name: 'LAN', type: 'internal' }] },
    says: ['"LAN"', '"lan"'],
  },
  { check: 'vlan', kind: 'warm', given: { 'vm.network': network({ vlanId: 30 }) }, says: ['30', '10, 20'] },
  {
    check: 'mac-in-use',
    kind: 'lan',
    given: {
      'destination.macAddresses': {
        poolFirst: '00155D010000',
        poolLast: '00155D0100FF',
        inUse: [{ address: '00155D020001', vmName: 'db01' }],
      },
    },
    says: ['00155D020001', 'db01'],
  },
  {
    check: 'mac-pool',
    kind: 'lan',
    given: { 'vm.network': network({ macAddress: '00155D010007' }) },
    says: ['00155D010007', '00155D0100FF'],
  },
  {
    check: 'room',
    kind: 'quick-storage',
    given: { 'place.volume': volume({ freeBytes: manyBytes(13), reservedBytes: manyBytes(1) }) },
    says: ['/big', String(manyBytes(13))],
  },
  {
    check: 'room',
    kind: 'shared-nothing',
    given: { 'place.volume': volume({ freeBytes: manyBytes(10) }) },
    says: ['/big'],
  },
  { check: 'room-export', kind: 'export', given: { 'place.volume': volume({ freeBytes: 5 }) }, says: ['/big', '5'] },
  { check: 'room-import', kind: 'import', given: { 'place.volume': volume({ freeBytes: 5 }) }, says: ['/big', '5'] },
  {
    check: 'room-growth',
    kind: 'lan',
    given: { 'place.volume': volume({ freeBytes: manyBytes(20) }) },
    says: [String(manyBytes(40)), '/big'],
  },
  {
    check: 'file-size',
    kind: 'storage',
    given: { 'place.volume': volume({ fileBytesMax: manyBytes(4) }) },
    says: [String(manyBytes(10)), String(manyBytes(4))],
  },
  {
    check: 'file-growth',
    kind: 'storage',
    given: { 'place.volume': volume({ fileBytesMax: manyBytes(20) }) },
    says: ['scsi-0-0', String(manyBytes(40))],
  },
  { check: 'source-room-memory', kind: 'quick', given: { 'vm.volume': ownVolume(7) }, says: ['/vm', '7'] },
  { check: 'source-room-changes', kind: 'warm', given: { 'vm.volume': ownVolume(7) }, says: ['/vm', '7'] },
  {
    check: 'export-vm-checkpoint',
    kind: 'export',
    request: { part: 'vm-checkpoint', vmCheckpointId: 'bbbbbbbb-0000-4000-8000-000000000001' },
    given: { 'vm.vmCheckpoints': vmCheckpoint({}) },
    says: ['bbbbbbbb-0000', 'before update'],
  },
  {
    check: 'import-complete',
    kind: 'import',
    given: { 'import.refusal': failureOf('NotFound', { message: 'scsi-0-0 is not there' }) },
    says: ['/exports/web01', 'scsi-0-0'],
  },
  {
    check: 'import-in-use',
    kind: 'import',
    request: { destinationFolder: undefined },
    given: { 'import.usedBy': 'web02' },
    says: ['web02'],
  },
  { check: 'import-version', kind: 'import', given: { 'import.configurationVersion': '12.0' }, says: ['12.0'] },
  { check: 'import-processors', kind: 'import', given: { 'import.processorCount': 17 }, says: ['17', '16'] },
  {
    check: 'import-memory',
    kind: 'import',
    given: { 'import.memoryBytes': manyBytes(50) },
    says: [String(manyBytes(50))],
  },
  {
    check: 'import-fix-ups',
    kind: 'import',
    given: { 'import.fixUps': [{ what: 'switch', from: 'DMZ', to: 'not connected' }] },
    says: ['switch', 'DMZ'],
  },
  {
    check: 'heartbeat-service',
    kind: 'live',
    given: { 'vm.integration': { heartbeat: false, shutdown: true } },
    says: ['web01'],
  },
  {
    check: 'seed-of-disk',
    kind: 'lan',
    request: seeds('scsi-0-9'),
    given: { 'there.seeds': [usable('scsi-0-9')] },
    says: ['scsi-0-9', 'scsi-0-0'],
  },
  {
    check: 'seed-opens',
    kind: 'quick-storage',
    request: seeds('scsi-0-0'),
    given: {
      'there.seeds': [
        {
          diskId: diskId.parse('scsi-0-0'),
          path: '/big/old.vhdx',
          usable: false,
          code: 'DiskNotVhdx',
          message: 'no VHDX',
        },
      ],
    },
    says: ['/big/old.vhdx', 'scsi-0-0', 'no VHDX'],
  },
  {
    check: 'seed-size',
    kind: 'warm',
    request: seeds('scsi-0-0'),
    given: { 'there.seeds': [usable('scsi-0-0', manyBytes(39))] },
    says: ['/big/old.vhdx', String(manyBytes(39)), String(manyBytes(40))],
  },
  {
    check: 'storage-access',
    kind: 'warm',
    request: staged,
    given: { 'storage.refusal': failureOf('StorageUnavailable', { message: 'AuthorizationPermissionMismatch' }) },
    says: ['AuthorizationPermissionMismatch'],
  },
  ...meetings.flatMap(([meets, says]) =>
    (['source', 'destination'] as const).map((side, index) => ({
      check: `${side}-reaches-storage`,
      kind: byRoute[(index + says.length) % byRoute.length] ?? 'lan',
      request: staged,
      given: { [`${side}.storage`]: met({ meets }) },
      says: [side === 'source' ? 'hv-a' : 'hv-b', 'https://a.blob.example', 'as told', says],
    })),
  ),
  { check: 'heartbeat-now', kind: 'storage', given: { 'vm.heartbeat': 'lost' }, says: ['lost'] },
  {
    check: 'shutdown-service',
    kind: 'warm',
    request: { policy: { stop: 'shut-down' } },
    given: { 'vm.integration': { heartbeat: true, shutdown: false } },
    says: ['web01'],
  },
  { check: 'automatic-start', kind: 'lan', given: { 'vm.automaticStart': 'start' }, says: ['web01', 'start'] },
  { check: 'change-tracking', kind: 'warm', given: { 'source.changeTracking': false }, says: ['change tracking'] },
  {
    check: 'change-tracking',
    kind: 'warm',
    given: { 'vm.disks': disks({ format: 'vhd', diskId: diskId.parse('ide-0-1') }) },
    says: ['ide-0-1', 'vhd'],
  },
  {
    check: 'change-rate',
    kind: 'warm',
    request: limit,
    given: { 'vm.changedBytesPerSecond': 2 * 1024 ** 2, 'vm.savedStateBytes': 0 },
    says: [String(2 * 1024 ** 2), String(1024 ** 2)],
  },
  {
    check: 'outage-memory',
    kind: 'warm',
    request: limit,
    given: { 'vm.savedStateBytes': 100 * 1024 ** 2, 'vm.changedBytesPerSecond': 0 },
    says: ['100000 ms', '60000'],
  },
];
