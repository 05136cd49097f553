import { acceptedRequest, kinds, type AcceptedRequest, type Kind } from '../../contracts/migration';
import { vmId as vmIdOf, type MigrationId } from '../../contracts/ids';
import type { Draw } from './platform/chance';
import { folderOf } from './platform/modules';
import { exportFolderOf, type VmTemplate } from './world/templates';
import type { VmPlace } from './world/vms';

/** A move that is to be planned: which VM, from which machine to which. */
export type Move = {
  readonly id: MigrationId;
  readonly vm: VmTemplate;
  readonly source: string;
  readonly destination: string;
  readonly draw: Draw;
  /** For what was added later: it leaves what `draw` gives as it is. */
  readonly extras: Draw;
};

/**
 * How a VM gets where it goes, as far as an oracle must know. `fenced`: the source is fenced, then the destination starts. `handed-over`: the
 * hypervisors hand it over, and there is no fence. `stays`: on its host. `arrives`: from an export, which is no VM before.
 */
export type Route = 'fenced' | 'handed-over' | 'stays' | 'arrives';

/** How a kind is simulated. */
export type SimulatedKind = {
  /** Its share among the moves of a seed. */
  readonly weight: number;
  readonly place: VmPlace;
  readonly route: Route;
  /** Whether its hosts share storage, by which hypervisors reach each other too. */
  readonly isJoined: boolean;
  /** The request's fields that are the kind's own. */
  readonly fields: (move: Move) => Readonly<Record<string, unknown>>;
};

/** A switch of its own, which it makes, for every other import. */
function madeSwitch({ id, draw }: Move): Readonly<Record<string, unknown>> {
  if (draw.oneIn(2)) return {};
  return { destinationSwitch: `switch-${id}`, makeSwitch: draw.pick(['private', 'internal']) };
}

/** A folder that nobody else uses, on the machine where the VM goes. */
const folder = ({ destination, id }: Move): string => folderOf(destination, 'host', 'volumes', 'vms', `moved-${id}`);
/** The same on the machine where it is. */
const folderAtSource = ({ source, id }: Move): string => folderOf(source, 'host', 'volumes', 'vms', `moved-${id}`);

const slowBytesPerSecond = 96 * 1024;
const heartbeat = { policy: { heartbeatWaitMsMax: 120_000 } };

/** A VM with a VHD is copied into a VHDX at times, where its guest is shut down for it. */
const converted = ({ vm, extras }: Move, stop: string) =>
  vm.spec.disks.some(({ format }) => format === 'vhd') && stop === 'shut-down' && extras.oneIn(2)
    ? { convertTo: 'vhdx' }
    : {};

/** What the kinds that copy by the byte route have in common. */
const copied = (move: Move) => ({
  ...(move.extras.oneIn(4) && { route: 'staged' }),
  destinationHost: move.destination,
  destinationFolder: folder(move),
  policy: {
    retire: move.draw.pick(['keep', 'keep', 'unregister', 'delete']),
    verify: move.draw.pick(['changed', 'all']),
    bandwidthBytesPerSecondMax: move.draw.oneIn(5) ? slowBytesPerSecond : null,
    heartbeatWaitMsMax: 120_000,
  },
});

const byRoute = { place: 'own', route: 'fenced', isJoined: false } as const;
const joined = { isJoined: true, fields: ({ destination }: Move) => ({ destinationHost: destination, ...heartbeat }) };

/** Every kind. One that is added to the product does not compile until it is added here. */
export const simulatedKinds: Readonly<Record<Kind, SimulatedKind>> = {
  'quick-storage': { weight: 4, ...byRoute, fields: copied },
  warm: {
    weight: 4,
    ...byRoute,
    fields: (move) => {
      const { policy, ...places } = copied(move);
      const rounds = {
        stop: move.draw.pick(['save', 'shut-down']),
        outageMsMax: move.draw.pick([5_000, 60_000]),
        ifNotShrinking: move.draw.pick(['ask', 'cut-over', 'give-up']),
        roundsMax: move.draw.between(1, 6),
        approve: move.draw.oneIn(4),
      };
      return { ...places, ...converted(move, rounds.stop), policy: { ...policy, ...rounds } };
    },
  },
  lan: {
    weight: 2,
    ...byRoute,
    fields: (move) => {
      const { policy, ...places } = copied(move);
      const stop = move.draw.pick(['save', 'shut-down']);
      return { ...places, ...converted(move, stop), policy: { ...policy, stop } };
    },
  },
  san: { weight: 2, place: 'lun', route: 'fenced', ...joined },
  live: { weight: 2, place: 'shared', route: 'handed-over', ...joined },
  quick: { weight: 2, place: 'shared', route: 'handed-over', ...joined },
  'shared-nothing': {
    weight: 2,
    place: 'own',
    route: 'handed-over',
    isJoined: true,
    fields: (move) => ({ destinationHost: move.destination, destinationFolder: folder(move), ...heartbeat }),
  },
  storage: {
    weight: 2,
    place: 'own',
    route: 'stays',
    isJoined: false,
    fields: (move) => ({ destinationFolder: folderAtSource(move), ...heartbeat }),
  },
  export: {
    weight: 2,
    place: 'own',
    route: 'stays',
    isJoined: false,
    fields: (move) => {
      const [vmCheckpointId] = move.vm.vmCheckpointIds;
      const part = move.draw.pick(['whole', 'whole', 'configuration']);
      const ofCheckpoint = vmCheckpointId !== undefined && move.draw.oneIn(2);
      return {
        destinationFolder: folderAtSource(move),
        ...(ofCheckpoint ? { part: 'vm-checkpoint', vmCheckpointId } : { part }),
      };
    },
  },
  import: {
    weight: 2,
    place: 'exported',
    route: 'arrives',
    isJoined: false,
    fields: (move) => ({
      sourceFolder: exportFolderOf(move.source),
      ...(move.draw.oneIn(2) ? { destinationFolder: folderAtSource(move) } : {}),
      ...(move.draw.oneIn(3) ? { newVmId: vmIdOf.parse(move.draw.guid()) } : {}),
      name: move.draw.oneIn(3) ? 'renamed' : null,
      policy: { fixUps: move.draw.pick(['ask', 'apply']), start: move.draw.oneIn(2) },
      ...madeSwitch(move),
    }),
  },
};

export const everyKind: readonly Kind[] = kinds;

/** One of these kinds, by their weights. */
export const drawKind = (draw: Draw, among: readonly Kind[]): Kind =>
  draw.pick(among.flatMap((kind) => Array<Kind>(simulatedKinds[kind].weight).fill(kind)));

/** The request of a move, checked as the app checks it. */
export const requestOf = (move: Move, kind: Kind): AcceptedRequest =>
  acceptedRequest.parse({
    id: move.id,
    kind,
    vmId: move.vm.vmId,
    sourceHost: move.source,
    ...simulatedKinds[kind].fields(move),
  });
