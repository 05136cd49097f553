import { checks } from '../../activities/preflight/checks';
import type { Kind } from '../../contracts/migration';
import { PreflightSite, type Changed, type Where } from './preflight-site';

let site: PreflightSite;

beforeAll(async () => {
  site = await PreflightSite.make();
});
afterAll(() => site.remove());

const healthy: [Kind, Where][] = [
  ['live', 'shared'],
  ['quick', 'shared'],
  ['san', 'lun'],
  ['lan', 'local'],
  ['quick-storage', 'local'],
  ['warm', 'local'],
  ['storage', 'local'],
  ['shared-nothing', 'local'],
  ['export', 'local'],
];

test.each(healthy)(
  '%s: hosts with which nothing is wrong tell everything, and no check finds anything',
  async (kind, where) => {
    const answer = await site.preflight(kind, where, {});
    expect(answer).toMatchObject({ refusal: null, concerns: [] });
  },
);

const run = 'other-r1';
const hardware = (change: object): Changed => ({ vm: { hardware: change } });
const cluster = (change: object): Changed => ({
  fabric: (record) => ({ ...record, cluster: { ...(record['cluster'] as object), ...change } }),
});
const csv1 = (access: string) => [{ name: 'csv1', sizeBytes: 2 ** 36, access: { 'host-b': access } }];
const lun = (change: object): Changed => ({
  fabric: (record) => ({
    ...record,
    luns: [{ name: 'lun-7', sizeBytes: 2 ** 36, visibleTo: ['host-a', 'host-b'], ...change }],
  }),
});
const smallRoot = { volumes: [{ root: 'volumes/vms', sizeBytes: 1024 ** 2, fileBytesMax: 1024, sectorBytes: 8192 }] };
const migration = { enabled: true, slotsMax: 2, storageSlotsMax: 2, bytesPerSecond: 2 ** 30 };

/** A condition as it stands in the state files of simulated hosts, and the check that finds it. */
const conditions: [string, Kind, Where, Changed, object?][] = [
  ['vm-state', 'live', 'shared', { vm: { state: 'off' } }],
  ['vm-reserved', 'lan', 'local', { vm: { reservedBy: run } }],
  ['vm-fenced', 'warm', 'local', { vm: { state: 'off', fencedBy: run } }],
  ['vm-retired', 'lan', 'local', { vm: { state: 'off', fencedBy: run, retiredBy: run } }],
  ['vm-name', 'export', 'local', { vm: { name: 'web:01' } }],
  ['vm-under-way', 'quick', 'shared', hardware({ isBackedUp: true })],
  ['replication-lost', 'lan', 'local', hardware({ isReplicated: true })],
  ['replication-follows', 'live', 'shared', hardware({ isReplicated: true })],
  [
    'disks-whole',
    'lan',
    'local',
    { vm: { state: 'off', disks: [{ diskId: 'scsi-0-0', path: 'volumes/vms/gone.vhdx' }] } },
  ],
  ['disk-pass-through', 'san', 'lun', hardware({ passThroughDisks: [{ diskId: 'scsi-0-9', path: 'Disk 3' }] })],
  ['disk-shared', 'storage', 'local', hardware({ sharedDisks: ['scsi-0-0'] })],
  ['disk-format', 'warm', 'local', { hostB: { diskFormats: ['vhd'] } }],
  ['disk-sectors', 'lan', 'local', { hostB: smallRoot }],
  ['media-inserted', 'live', 'shared', hardware({ media: [{ drive: 'dvd-0-1', path: 'D:\\setup.iso' }] })],
  ['device-assigned', 'quick', 'shared', hardware({ assignedDevices: [{ type: 'device', name: 'NIC 2' }] })],
  ['nested-vms', 'live', 'shared', hardware({ runsNestedVms: true })],
  ['key-protector', 'lan', 'local', hardware({ guardian: 'guardian-1' })],
  ['shielded', 'quick-storage', 'local', hardware({ isShielded: true })],
  ['role-missing', 'live', 'local', {}],
  ['role-left-behind', 'shared-nothing', 'shared', {}],
  ['role-storage', 'storage', 'shared', {}],
  ['cluster-other', 'live', 'shared', cluster({ nodes: ['host-a'] })],
  ['node-up', 'quick', 'shared', cluster({ nodeStates: { 'host-b': 'paused' } })],
  ['node-drained', 'lan', 'local', cluster({ nodeStates: { 'host-b': 'paused' } })],
  ['quorum', 'live', 'shared', cluster({ hasQuorum: false })],
  ['shared-volume', 'quick', 'shared', cluster({ sharedVolumes: csv1('offline') })],
  ['shared-volume-redirected', 'live', 'shared', cluster({ sharedVolumes: csv1('redirected') })],
  ['lun-own', 'san', 'local', {}],
  ['lun-visible', 'san', 'lun', lun({ visibleTo: ['host-a'] })],
  ['lun-reservation', 'san', 'lun', lun({ reservedBy: 'cluster c9' })],
  ['migration-enabled', 'live', 'shared', { hostB: { liveMigration: { ...migration, enabled: false } } }],
  ['migration-slots', 'live', 'shared', { hostA: { liveMigration: { ...migration, slotsMax: 0 } } }],
  ['storage-slots', 'storage', 'local', { hostA: { liveMigration: { ...migration, storageSlotsMax: 0 } } }],
  [
    'delegation',
    'live',
    'shared',
    { hostA: { migrationAuthentication: { type: 'kerberos', delegatedTo: ['host-c'], credentialGuard: true } } },
  ],
  [
    'credential-guard',
    'shared-nothing',
    'local',
    { hostA: { migrationAuthentication: { type: 'credssp', delegatedTo: null, credentialGuard: true } } },
  ],
  [
    'authentication-differs',
    'live',
    'shared',
    { hostB: { migrationAuthentication: { type: 'credssp', delegatedTo: null, credentialGuard: false } } },
  ],
  [
    'migration-network',
    'live',
    'shared',
    { hostA: { migrationNetworks: ['10.1.0.0/24'] }, hostB: { migrationNetworks: ['10.2.0.0/24'] } },
  ],
  ['clock-skew', 'lan', 'local', { hostB: { clockAheadMs: 3_600_000 } }],
  ['clock-drift', 'lan', 'local', { hostB: { clockAheadMs: -120_000 } }],
  ['path-allowed', 'lan', 'local', {}, { destinationFolder: '/elsewhere' }],
  ['path-length', 'lan', 'local', { hostB: { pathCharactersMax: 40 } }],
  ['host-same', 'shared-nothing', 'local', {}, { destinationHost: 'host-a' }],
  ['processor-maker', 'live', 'shared', { hostB: { processor: { maker: 'AuthenticAMD', features: ['aes'] } } }],
  ['processor-features', 'warm', 'local', { hostB: { processor: { maker: 'GenuineIntel', features: ['aes'] } } }],
  ['configuration-version', 'lan', 'local', { hostB: { configurationVersions: ['9.0'] } }],
  ['logical-processors', 'lan', 'local', { hostB: { processorCount: 1 } }],
  ['memory', 'live', 'shared', { hostB: { memoryBytes: 1 } }],
  ['switch', 'lan', 'local', { hostB: { switches: ['Core'] } }],
  ['vlan', 'live', 'shared', { vm: { vlanId: 7 }, hostB: { vlans: [8] } }],
  ['mac-pool', 'lan', 'local', hardware({ macAddress: '00155D000001' })],
  ['room', 'lan', 'local', { hostB: smallRoot }],
  ['room-growth', 'warm', 'local', { hostB: smallRoot }],
  ['file-size', 'lan', 'local', { hostB: smallRoot }],
  ['file-growth', 'lan', 'local', { hostB: smallRoot }],
  [
    'source-room-changes',
    'warm',
    'local',
    { hostA: { volumes: [{ root: 'volumes/vms', sizeBytes: 64 * 1024 ** 2 }] } },
  ],
  ['heartbeat-service', 'lan', 'local', hardware({ integration: { heartbeat: false, shutdown: true } })],
  [
    'shutdown-service',
    'lan',
    'local',
    hardware({ integration: { heartbeat: true, shutdown: false } }),
    { policy: { stop: 'shut-down' } },
  ],
  ['automatic-start', 'lan', 'local', hardware({ automaticStart: 'start' })],
  ['change-tracking', 'warm', 'local', { hostA: { changeTracking: false } }],
];

// A row that is shorter than its parameters would be given a callback in place of the last.
const rows = conditions.map(
  ([check, kind, where, changed, request = {}]) => [check, kind, where, changed, request] as const,
);

test.each(rows)(
  '%s is found of a simulated host, by %s of the VM "%s"',
  async (check, kind, where, changed, request) => {
    const answer = await site.preflight(kind, where, changed, request);
    expect(answer.concerns.map(({ checkId, outcome }) => `${checkId} ${outcome}`)).toContain(`${check} found`);
  },
);

test('what a simulated host does not tell is a concern of every check that looks at it, and passes none of them', async () => {
  const cannotTell = ['host.cluster', 'vm.disks'];
  const answer = await site.preflight('live', 'shared', { hostA: { cannotTell }, hostB: { cannotTell } });
  const blind = checks.filter(
    ({ kinds, looksAt }) =>
      kinds.includes('live') && looksAt.some((name) => /^(?:source|destination)\.cluster$|^vm\.disks$/.test(name)),
  );
  expect(blind.length).toBeGreaterThan(4);
  for (const { id } of blind)
    expect(answer.concerns).toContainEqual(expect.objectContaining({ checkId: id, outcome: 'not-known' }));
  expect(answer.refusal).toBeNull();
});
