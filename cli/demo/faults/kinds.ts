import { join } from 'node:path';
import { kinds, type Kind } from '../../../contracts/migration';
import { vmId, type HostId, type VmId } from '../../../contracts/ids';
import type { Layout } from '../../stack/layout';
import { localHosts } from '../hosts';
import type { VmPlace } from '../place-vm';

/** Where a round takes the VM. */
export type RoundPlace = {
  readonly source: HostId;
  readonly destination: HostId;
  /** The folder that the request names; undefined where the files stay. */
  readonly folder: string | undefined;
  readonly vmId: VmId;
  /** The VM that must run at the destination in the end: another one after an import. */
  readonly arrives: VmId;
};

/** How the demonstration goes about a kind. */
export type Scene = {
  /** Where its VM is made. */
  readonly vmPlace: VmPlace;
  /** Whether it moves to the other host, within its host, or stays and a copy is made. */
  readonly goes: 'to the other host' | 'to another folder' | 'nowhere';
  /**
   * What proves that nothing was lost. `fence`: the source is kept as it was at the fence. `content`: what no guest writes is what the disk
   * was made with, and the guest finds what it wrote.
   */
  readonly proof: 'fence' | 'content';
  /** Whether the hypervisor may take a move back by itself, which is as good an end as an arrival. */
  readonly mayRollBack: boolean;
};

const route: Scene = { vmPlace: 'local', goes: 'to the other host', proof: 'fence', mayRollBack: false };
const moved: Scene = { ...route, proof: 'content', mayRollBack: true };
const copied: Scene = { vmPlace: 'local', goes: 'nowhere', proof: 'content', mayRollBack: false };

export const scenes: Readonly<Record<Kind, Scene>> = {
  'quick-storage': route,
  warm: route,
  lan: route,
  live: { ...moved, vmPlace: 'cluster' },
  quick: { ...moved, vmPlace: 'cluster' },
  san: { ...moved, vmPlace: 'lun' },
  'shared-nothing': moved,
  storage: { ...moved, goes: 'to another folder' },
  export: copied,
  import: copied,
};

/** In the order in which the command line offers them. */
export const faultKinds = [...kinds].sort(
  (one, other) => Number(other === 'quick-storage') - Number(one === 'quick-storage'),
);

/** Kinds whose bytes our own byte route carries to another host, and counts. */
export const usesRoute = (kind: Kind): boolean => scenes[kind].proof === 'fence';

const importedIn = (round: number): VmId =>
  vmId.parse(`de300000-0000-4000-9000-${String(round + 1).padStart(12, '0')}`);

/** Where the VM goes in that round (counted from 0) from where it is, each time into a folder of its own. */
export function placeOf(kind: Kind, layout: Layout, source: HostId, vm: VmId, round: number): RoundPlace {
  const [one, other] = localHosts;
  const { goes } = scenes[kind];
  const destination = goes === 'to the other host' ? (source === one ? other : one) : source;
  const movesFiles = !(['live', 'quick', 'san'] satisfies Kind[] as Kind[]).includes(kind);
  const folder = movesFiles ? join(layout.hostFolder(destination), 'volumes', 'vms', `round-${round + 1}`) : undefined;
  return { source, destination, folder, vmId: vm, arrives: kind === 'import' ? importedIn(round) : vm };
}

/** The export that the imports take their files from: made before the first kill. */
export const exportsFolder = (layout: Layout, host: HostId): string =>
  join(layout.hostFolder(host), 'volumes', 'vms', 'exports');

export type FieldsOptions = {
  readonly layout: Layout;
  readonly vmName: string;
  readonly bandwidthBytesPerSecondMax: number;
};

/** The fields of a request of that kind, beside its id. */
export function fieldsOf(kind: Kind, place: RoundPlace, options: FieldsOptions): object {
  const { source, destination, folder, arrives } = place;
  const base = {
    kind,
    vmId: place.vmId,
    sourceHost: source,
    ...(folder !== undefined && { destinationFolder: folder }),
  };
  const { bandwidthBytesPerSecondMax } = options;
  if (usesRoute(kind))
    return { ...base, destinationHost: destination, policy: { bandwidthBytesPerSecondMax, retire: 'keep' } };
  switch (kind) {
    case 'export':
    case 'storage':
      return base;
    case 'import': {
      const sourceFolder = join(exportsFolder(options.layout, source), options.vmName);
      const policy = { fixUps: 'apply', start: true };
      return { ...base, sourceFolder, newVmId: arrives, name: `copy-${arrives.slice(-4)}`, policy };
    }
    default:
      return { ...base, destinationHost: destination };
  }
}
