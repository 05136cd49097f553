import type { Outcome } from '../../../../contracts/failure';
import { known, notKnown, type Fact, type HostInspection } from '../../../../contracts/inspection';
import { macAddress } from '../../../../contracts/inspection/host';
import type { Processor } from '../../../../contracts/processor';
import type { InspectedHost, ProcessorFacts, ToldValue } from '../calls/inspection';
import type { VmValue } from '../calls/vm';
import { memoryBytesOf, stateOf } from '../facts';
import { promisedMemoryBytes } from '../promises';
import type { RunFile } from '../run-files';
import { switchFactsOf } from '../switches';
import { both, factOf, wholeFact } from './told';

export type HostLooks = {
  readonly nowMs: number;
  readonly facts: Outcome<{ name: string; memoryBytes: number; memoryFreeBytes: number; switches: string[] }>;
  readonly host: Outcome<InspectedHost>;
  /** The VM that is asked for, where it is registered here. */
  readonly vm: VmValue | undefined;
  /** Promises to others than the run that asks. */
  readonly promises: Outcome<RunFile[]>;
  readonly vmId: string;
};

export function inspectHost({ nowMs, facts, host, vm, promises, vmId }: HostLooks): HostInspection {
  return {
    clock: known({ nowMs }),
    memory: both(
      wholeFact(facts, (read) => read),
      wholeFact(promises, promisedMemoryBytes),
      ({ memoryBytes, memoryFreeBytes }, promisedBytes) => ({
        totalBytes: memoryBytes,
        freeBytes: Math.max(0, memoryFreeBytes + ownMemoryBytes(vm) - promisedBytes),
      }),
    ),
    logicalProcessors: factOf(host, (read) => read.logicalProcessors, known),
    processor: factOf(host, (read) => read.processor, processorOf),
    configurationVersions: factOf(
      host,
      (read) => read.configurationVersions,
      (versions) => known(versions.filter(isReleased)),
    ),
    switches: wholeFact(facts, ({ switches }) => switches),
    switchTypes: factOf(
      host,
      (read) => read.switchTypes,
      (read) => known(read.map(switchFactsOf)),
    ),
    vlans: notKnown(
      'a virtual switch carries every VLAN; which ones the network behind it carries, Hyper-V does not know',
    ),
    macAddresses: factOf(
      host,
      (read) => read.macAddresses,
      (read) => macAddressesOf(read, vmId),
    ),
    diskFormats: known(['vhd', 'vhdx', 'vhd-set']),
    guardians: factOf(host, (read) => read.guardians, known),
    attestedBy: factOf(host, (read) => read.attestedBy, known),
    changeTracking: factOf(host, (read) => read.changeTracking, known),
    liveMigration: factOf(host, (read) => read.liveMigration, known),
    migrationAuthentication: factOf(host, (read) => read.migrationAuthentication, authenticationOf),
    migrationNetworks: factOf(host, (read) => read.migrationNetworks, known),
    cluster: factOf(host, (read) => read.cluster, clusterOf),
    luns: both(
      wholeFact(facts, ({ name }) => name),
      factOf(host, (read) => read.luns, known),
      lunsOf,
    ),
  };
}

/** Hyper-V tells numbers to compare, and not what features they stand for. */
export const processorOf = ({ maker, vectors }: ToldValue<ProcessorFacts>): Fact<Processor> =>
  vectors.known
    ? known({ maker, features: [], vectors: vectors.value })
    : notKnown(`Hyper-V does not tell what is compared: ${vectors.error.message}`);

const ownMemoryBytes = (vm: VmValue | undefined): number =>
  vm !== undefined && stateOf(vm) === 'running' ? memoryBytesOf(vm) : 0;

/** Versions above 250 are of previews of Windows, and no VM should have one. */
const previewsFrom = 250;
const isReleased = (version: string): boolean => Number.parseFloat(version) <= previewsFrom;

const notGiven = '000000000000';

function macAddressesOf(
  { poolFirst, poolLast, inUse }: ToldValue<InspectedHost['macAddresses']>,
  vmId: string,
): HostInspection['macAddresses'] {
  const pool = [poolFirst, poolLast].map((address) => macAddress.safeParse(address.toUpperCase()).data);
  const [first, last] = pool;
  if (first === undefined || last === undefined)
    return notKnown(`the pool of MAC addresses is told as ${poolFirst} to ${poolLast}`);
  const others = inUse.flatMap(({ address, vmId: ofVm, vmName }) => {
    const parsed = macAddress.safeParse(address.toUpperCase());
    return ofVm === vmId || !parsed.success || parsed.data === notGiven ? [] : [{ address: parsed.data, vmName }];
  });
  return known({ poolFirst: first, poolLast: last, inUse: others });
}

/** Live migration over Kerberos needs both of these services of the destination. */
const neededServices = ['cifs', 'microsoft virtual system migration service'];

/** Hosts to which both services may be delegated, by their first name in capitals, as Windows names computers. */
export function delegatedHosts(services: readonly string[]): string[] {
  const found = new Map<string, Set<string>>();
  for (const service of services) {
    const [name = '', host = ''] = service.toLowerCase().split('/');
    const short = host.split(/[.:]/)[0] ?? '';
    if (neededServices.includes(name) && short !== '') found.set(short, new Set([...(found.get(short) ?? []), name]));
  }
  return [...found].flatMap(([host, names]) => (names.size === neededServices.length ? [host.toUpperCase()] : []));
}

const authenticationOf = ({
  type,
  delegatedTo,
  credentialGuard,
}: Extract<
  InspectedHost['migrationAuthentication'],
  { known: true }
>['value']): HostInspection['migrationAuthentication'] =>
  known({
    type: type === 'Kerberos' ? 'kerberos' : 'credssp',
    delegatedTo: delegatedTo && delegatedHosts(delegatedTo),
    credentialGuard,
  });

type Cluster = ToldValue<InspectedHost['cluster']>;

const nodes = { Up: 'up', Paused: 'paused', Down: 'down', Joining: 'joining' } as const;

/** A cluster whose service answers has quorum: it stops where that is lost. */
function clusterOf(cluster: Cluster): HostInspection['cluster'] {
  if (cluster === null) return known(null);
  const { name, node, sharedVolumes } = cluster;
  return known({
    name,
    node: nodes[node],
    hasQuorum: true,
    sharedVolumes: sharedVolumes.map((volume) => ({ name: volume.name, access: accessOf(volume.state) })),
  });
}

/** `FileSystemRedirected` and `BlockRedirected` go through another node. */
const accessOf = (state: string): 'direct' | 'redirected' | 'offline' =>
  state === 'Direct' ? 'direct' : state.endsWith('Redirected') ? 'redirected' : 'offline';

type Luns = ToldValue<InspectedHost['luns']>;

/** Which other host has a LUN that is offline here, nobody can tell. */
const lunsOf = (hostName: string, luns: Luns) =>
  luns.map(({ id, isOffline, isClustered }) => ({
    name: id,
    host: isOffline ? null : hostName,
    reservedBy: isClustered ? 'a cluster' : null,
  }));
