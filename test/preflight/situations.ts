import type { FactName, FactValues } from '../../activities/preflight/named-facts';
import type { AskedHost, Situation } from '../../activities/preflight/situation';
import { failed, succeeded } from '../../contracts/failure';
import { hostId } from '../../contracts/ids';
import { known, notKnown, type Fact, type Inspection } from '../../contracts/inspection';
import { kindTakes, migrationRequest, roleOf, type Kind } from '../../contracts/migration';
import { healthyInspection } from '../samples/inspections';

/** Facts that a test gives, by their names. */
export type Given = Partial<FactValues>;

const gib = 1024 ** 3;
const theVm = '11111111-2222-3333-4444-555555555555';

const cluster: FactValues['source.cluster'] = {
  name: 'c1',
  node: 'up',
  hasQuorum: true,
  sharedVolumes: [{ name: 'csv1', access: 'direct' }],
};

/** What is healthy for a kind, where that differs. */
const healthy: Partial<Record<Kind, Given>> = {
  live: inCluster(),
  quick: inCluster(),
  san: {
    'vm.storage': { type: 'lun', name: 'lun-7' },
    'source.luns': [{ name: 'lun-7', host: 'hv-a', reservedBy: null }],
    'destination.luns': [{ name: 'lun-7', host: 'hv-a', reservedBy: null }],
  },
};

function inCluster(): Given {
  return {
    'vm.role': { clusterName: 'c1', owner: 'hv-a' },
    'vm.storage': { type: 'shared-volume', name: 'csv1' },
    'source.cluster': cluster,
    'destination.cluster': cluster,
  };
}

/** Where a VM can become a role. */
const intoCluster: Given = { 'destination.cluster': cluster, 'place.sharedVolume': 'csv1' };

export const clusterWith = (change: Partial<NonNullable<typeof cluster>>): FactValues['source.cluster'] => ({
  ...cluster,
  ...change,
});

const more = (kind: Kind) => ({
  ...(kindTakes(kind, 'destinationHost') ? { destinationHost: 'hv-b' } : {}),
  ...(kindTakes(kind, 'destinationFolder') && kind !== 'import' ? { destinationFolder: '/big' } : {}),
  ...(kind === 'import' ? { sourceFolder: '/exports/web01', destinationFolder: '/big' } : {}),
});

/** A situation of a kind in which nothing is wrong but what is given. `unknown`: facts that the hosts do not tell. */
export function situationOf(
  kind: Kind,
  request: object = {},
  given: Given = {},
  unknown: readonly FactName[] = [],
): Situation {
  const parsed = migrationRequest.parse({ kind, vmId: theVm, sourceHost: 'hv-a', ...more(kind), ...request });
  const isOneHost = !('destinationHost' in parsed) || parsed.destinationHost === parsed.sourceHost;
  const source = askedHost('hv-a');
  const hosts = { source, destination: isOneHost ? source : askedHost('hv-b') };
  const { 'storage.refusal': noAccess = null, ...ofHosts } = {
    ...healthy[kind],
    ...(roleOf(parsed) === 'make' ? intoCluster : {}),
    ...given,
  };
  for (const [name, value] of Object.entries(ofHosts)) give(hosts, name as FactName, value);
  for (const name of unknown) putFact(hosts, name, notKnown('this host cannot tell'));
  return { request: parsed, ...hosts, noAccess };
}

type Mutable = { hostId: AskedHost['hostId']; answer: AskedHost['answer']; askedAtMs: number; answeredAtMs: number };
type Hosts = { readonly source: Mutable; readonly destination: Mutable };

const askedHost = (name: string): Mutable => ({
  hostId: hostId.parse(name),
  answer: succeeded(structuredClone(healthyInspection)),
  askedAtMs: -10,
  answeredAtMs: 10,
});

const inspectionOf = (asked: Mutable): Inspection => {
  if (!asked.answer.ok) throw new Error('the host does not answer');
  return asked.answer.value;
};

/** Sets what the fact of this name is read from. */
function give(hosts: Hosts, name: FactName, value: unknown): void {
  const destination = () => inspectionOf(hosts.destination);
  switch (name) {
    case 'source.answer':
    case 'destination.answer': {
      const failure = value as NonNullable<FactValues['source.answer']>;
      hosts[name === 'source.answer' ? 'source' : 'destination'].answer = failed(failure);
      return;
    }
    case 'source.agent':
    case 'destination.agent': {
      const { version, contract } = value as FactValues['source.agent'];
      const inspection = inspectionOf(hosts[name === 'source.agent' ? 'source' : 'destination']);
      Object.assign(inspection, { agentVersion: version, contract });
      return;
    }
    case 'source.clock':
    case 'destination.clock':
      putFact(hosts, name, known({ nowMs: (value as FactValues['source.clock']).aheadMs }));
      return;
    case 'vm.isThere':
      Object.assign(inspectionOf(hosts.source), { vm: null });
      return;
    case 'place.refusal':
      Object.assign(destination(), { place: { allowed: false, why: value } });
      return;
    case 'import.refusal':
      Object.assign(destination(), { imports: { found: false, failure: value } });
      return;
    case 'there.seeds':
      Object.assign(destination(), { seeds: value });
      return;
    case 'source.storage':
    case 'destination.storage': {
      const { appAheadMs: aheadMs, ...met } = value as FactValues['source.storage'];
      Object.assign(inspectionOf(hosts[name === 'source.storage' ? 'source' : 'destination']), {
        storage: { ...met, aheadMs },
      });
      return;
    }
    default:
      if (name.startsWith('import.')) Object.assign(destination().imports ?? {}, { [name.slice(7)]: value });
      else putFact(hosts, name, known(value));
  }
}

function putFact(hosts: Hosts, name: FactName, fact: Fact<unknown>): void {
  // An agent that does not know of seeds says nothing about them, and neither does one about storage.
  if (name === 'there.seeds' || name === 'source.storage' || name === 'destination.storage') return;
  const [area = '', field = ''] = name.split('.');
  const source = inspectionOf(hosts.source);
  const destination = inspectionOf(hosts.destination);
  const areas: Record<string, object | null> = {
    source: source.host,
    destination: destination.host,
    there: destination.presence,
    vm: source.vm,
    place: destination.place,
  };
  const target = areas[area];
  if (target === null || target === undefined || !(field in target)) throw new Error(`no host tells ${name}`);
  Object.assign(target, { [field]: fact });
}

/** Facts that a host itself may not be able to tell; others follow from its answer. */
export const canBeUnknown = (name: FactName): boolean => !/^import\.|\.(?:answer|agent|isThere|refusal)$/.test(name);

export const manyBytes = (count: number): number => count * gib;
