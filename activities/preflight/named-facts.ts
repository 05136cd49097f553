import {
  known,
  notKnown,
  type AllowedPlace,
  type Fact,
  type HostInspection,
  type ImportInspection,
  type Inspection,
  type Presence,
  type StorageInspection,
  type VmInspection,
} from '../../contracts/inspection';
import type { AskedHost, Situation } from './situation';

/** What a check sees of a fact: known, not known, or missing because of something that another check tells (`toldBy`, its id). */
export type Seen<T> = Fact<T> | { readonly known: false; readonly why: string; readonly toldBy: string };

export type StorageMet = Omit<StorageInspection, 'aheadMs'> & { readonly appAheadMs: number | null };

type Side = 'source' | 'destination';
type Read<From, T> = (from: From) => Fact<T>;
type Look<T> = (situation: Situation) => Seen<T>;

const idOfAnswer = (situation: Situation, side: Side): string =>
  side === 'destination' && situation.source !== situation.destination ? 'destination-answers' : 'source-answers';

const ofAnswer =
  <T>(side: Side, read: (inspection: Inspection, asked: AskedHost) => Seen<T>): Look<T> =>
  (situation) => {
    const asked = situation[side];
    if (asked.answer.ok) return read(asked.answer.value, asked);
    return { known: false, why: `${asked.hostId} does not answer`, toldBy: idOfAnswer(situation, side) };
  };

const ofHost = <T>(side: Side, read: Read<HostInspection, T>): Look<T> => ofAnswer(side, ({ host }) => read(host));

const there = <T>(read: Read<Presence, T>): Look<T> => ofAnswer('destination', ({ presence }) => read(presence));

const ofVm = <T>(read: Read<VmInspection, T>): Look<T> =>
  ofAnswer('source', ({ vm }) =>
    vm === null ? { known: false, why: 'the VM is not there', toldBy: 'vm-exists' } : read(vm),
  );

const ofPlace = <T>(read: Read<AllowedPlace, T>): Look<T> =>
  ofAnswer('destination', ({ place }) => {
    if (place === null) return notKnown('the host was asked about no folder');
    return place.allowed ? read(place) : { known: false, why: place.why, toldBy: 'path-allowed' };
  });

type FoundImport = Extract<ImportInspection, { found: true }>;

const ofImport = <K extends keyof FoundImport>(name: K): Look<FoundImport[K]> =>
  ofAnswer('destination', ({ imports }) => {
    if (imports === null) return notKnown('the host was asked about no folder to import');
    if (imports.found) return known(imports[name]);
    return { known: false, why: imports.failure.message, toldBy: 'import-complete' };
  });

/** How far the clock of a host is ahead of the app's, and how much of that may be the way of the question. */
function aheadOfApp(
  clock: HostInspection['clock'],
  { askedAtMs, answeredAtMs }: AskedHost,
): Fact<{ readonly aheadMs: number; readonly uncertainMs: number }> {
  if (!clock.known) return clock;
  const aheadMs = clock.value.nowMs - Math.round((askedAtMs + answeredAtMs) / 2);
  return known({ aheadMs, uncertainMs: Math.ceil((answeredAtMs - askedAtMs) / 2) });
}

const clockOf = (side: Side) => ofAnswer(side, ({ host: { clock } }, asked) => aheadOfApp(clock, asked));

const agentOf = (side: Side) =>
  ofAnswer(side, ({ agentVersion, contract }) => known({ version: agentVersion, contract }));

const failureOfAnswer = (side: Side) => (situation: Situation) => {
  const { answer } = situation[side];
  return known(answer.ok ? null : answer.failure);
};

/** What a host meets at the storage of the staged route, and how far the app's clock, by which access begins and ends, is ahead of it. */
const storageOf = (side: Side): Look<StorageMet> => {
  const look = ofAnswer(side, ({ storage, host: { clock } }, asked): Fact<StorageMet> => {
    if (storage === undefined) return notKnown('its agent is older than this look');
    const { endpoint, meets, told, aheadMs } = storage;
    const ofHost = aheadOfApp(clock, asked);
    const appAheadMs = aheadMs === null || !ofHost.known ? null : aheadMs - ofHost.value.aheadMs;
    return known({ endpoint, meets, told, appAheadMs });
  });
  return (situation) =>
    situation.noAccess === null
      ? look(situation)
      : { known: false, why: situation.noAccess.message, toldBy: 'storage-access' };
};

/** Facts of one host by the side that it is on. */
const ofSide = (side: Side) =>
  ({
    answer: failureOfAnswer(side),
    agent: agentOf(side),
    clock: clockOf(side),
    cluster: ofHost(side, (host) => host.cluster),
    luns: ofHost(side, (host) => host.luns),
    storage: storageOf(side),
    liveMigration: ofHost(side, (host) => host.liveMigration),
    migrationAuthentication: ofHost(side, (host) => host.migrationAuthentication),
    migrationNetworks: ofHost(side, (host) => host.migrationNetworks),
  }) as const;

const source = ofSide('source');
const destination = ofSide('destination');

/** Every fact that a check may look at, by the name that concerns and docs/preflight.md show. */
export const namedFacts = {
  'source.answer': source.answer,
  'source.agent': source.agent,
  'source.clock': source.clock,
  'source.cluster': source.cluster,
  'source.luns': source.luns,
  'source.storage': source.storage,
  'source.liveMigration': source.liveMigration,
  'source.migrationAuthentication': source.migrationAuthentication,
  'source.migrationNetworks': source.migrationNetworks,
  'source.changeTracking': ofHost('source', (host) => host.changeTracking),
  'destination.answer': destination.answer,
  'destination.agent': destination.agent,
  'destination.clock': destination.clock,
  'destination.cluster': destination.cluster,
  'destination.luns': destination.luns,
  'destination.storage': destination.storage,
  'destination.liveMigration': destination.liveMigration,
  'destination.migrationAuthentication': destination.migrationAuthentication,
  'destination.migrationNetworks': destination.migrationNetworks,
  'destination.memory': ofHost('destination', (host) => host.memory),
  'destination.logicalProcessors': ofHost('destination', (host) => host.logicalProcessors),
  'destination.processor': ofHost('destination', (host) => host.processor),
  'destination.configurationVersions': ofHost('destination', (host) => host.configurationVersions),
  'destination.switches': ofHost('destination', (host) => host.switches),
  'destination.switchTypes': ofHost(
    'destination',
    ({ switchTypes }) => switchTypes ?? notKnown('its agent is older than this look'),
  ),
  'destination.vlans': ofHost('destination', (host) => host.vlans),
  'destination.macAddresses': ofHost('destination', (host) => host.macAddresses),
  'destination.diskFormats': ofHost('destination', (host) => host.diskFormats),
  'destination.guardians': ofHost('destination', (host) => host.guardians),
  'destination.attestedBy': ofHost('destination', (host) => host.attestedBy),
  'there.registered': there((presence) => presence.registered),
  'there.placeholderOf': there((presence) => presence.placeholderOf),
  'there.promisedTo': there((presence) => presence.promisedTo),
  'there.sameName': there((presence) => presence.sameName),
  'there.seeds': ofAnswer('destination', ({ seeds }) =>
    seeds === undefined ? notKnown('its agent is older than seeds are') : known(seeds),
  ),
  'storage.refusal': (situation: Situation) => known(situation.noAccess),
  'vm.isThere': ofAnswer('source', ({ vm }) => known(vm !== null)),
  'vm.name': ofVm((vm) => vm.name),
  'vm.state': ofVm((vm) => vm.state),
  'vm.configurationVersion': ofVm((vm) => vm.configurationVersion),
  'vm.processorCount': ofVm((vm) => vm.processorCount),
  'vm.memoryBytes': ofVm((vm) => vm.memoryBytes),
  'vm.savedStateBytes': ofVm((vm) => vm.savedStateBytes),
  'vm.marks': ofVm((vm) => vm.marks),
  'vm.underWay': ofVm((vm) => vm.underWay),
  'vm.vmCheckpoints': ofVm((vm) => vm.vmCheckpoints),
  'vm.isReplicated': ofVm((vm) => vm.isReplicated),
  'vm.disks': ofVm((vm) => vm.disks),
  'vm.damage': ofVm((vm) => vm.damage),
  'vm.fileBytes': ofVm((vm) => vm.fileBytes),
  'vm.volume': ofVm((vm) => vm.volume),
  'vm.filesUsedBy': ofVm((vm) => vm.filesUsedBy),
  'vm.media': ofVm((vm) => vm.media),
  'vm.network': ofVm((vm) => vm.network),
  'vm.processor': ofVm((vm) => vm.processor),
  'vm.security': ofVm((vm) => vm.security),
  'vm.assignedDevices': ofVm((vm) => vm.assignedDevices),
  'vm.runsNestedVms': ofVm((vm) => vm.runsNestedVms),
  'vm.role': ofVm((vm) => vm.role),
  'vm.roleResources': ofVm((vm) => vm.roleResources ?? notKnown('its agent is older than this look')),
  'vm.storage': ofVm((vm) => vm.storage),
  'vm.integration': ofVm((vm) => vm.integration),
  'vm.heartbeat': ofVm((vm) => vm.heartbeat),
  'vm.automaticStart': ofVm((vm) => vm.automaticStart),
  'vm.changedBytesPerSecond': ofVm((vm) => vm.changedBytesPerSecond),
  'place.refusal': ofAnswer('destination', ({ place }) => known(place === null || place.allowed ? null : place.why)),
  'place.volume': ofPlace((place) => place.volume),
  'place.sectorBytes': ofPlace((place) => place.sectorBytes),
  'place.sharedVolume': ofPlace((place) => place.sharedVolume),
  'place.isOfVm': ofPlace((place) => place.isOfVm),
  'place.occupiedBy': ofPlace((place) => place.occupiedBy),
  'place.exportThere': ofPlace((place) => place.exportThere),
  'place.paths': ofPlace((place) => place.paths),
  'import.refusal': ofAnswer('destination', ({ imports }) =>
    known(imports === null || imports.found ? null : imports.failure),
  ),
  'import.memoryBytes': ofImport('memoryBytes'),
  'import.roomBytes': ofImport('roomBytes'),
  'import.processorCount': ofImport('processorCount'),
  'import.configurationVersion': ofImport('configurationVersion'),
  'import.fixUps': ofImport('fixUps'),
  'import.usedBy': ofImport('usedBy'),
} as const;

export type FactName = keyof typeof namedFacts;
type ValueOf<L> = L extends Look<infer T> ? T : never;
export type FactValues = { readonly [Name in FactName]: ValueOf<(typeof namedFacts)[Name]> };
