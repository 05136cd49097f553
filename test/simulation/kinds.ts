import { acceptedRequest, kinds, type AcceptedRequest, type Kind } from '../../contracts/migration';
import type { MigrationId, VmId } from '../../contracts/ids';
import type { Draw } from './platform/chance';
import { folderOf } from './platform/modules';

/** A move that is to be planned: which VM, from which machine to which. */
export type Move = {
  readonly id: MigrationId;
  readonly vmId: VmId;
  readonly source: string;
  readonly destination: string;
  readonly draw: Draw;
};

/** How a kind is simulated. */
export type SimulatedKind = {
  /** Its share among the moves of a seed. */
  readonly weight: number;
  /** The request's fields that are the kind's own. */
  readonly fields: (move: Move) => Readonly<Record<string, unknown>>;
};

/** A folder that nobody else uses, on the machine where the VM goes. */
const folder = ({ destination, id }: Move): string => folderOf(destination, 'host', 'volumes', 'vms', `moved-${id}`);

const slowBytesPerSecond = 96 * 1024;

/** What the kinds that copy by the byte route have in common. */
const copied = (move: Move) => ({
  destinationHost: move.destination,
  destinationFolder: folder(move),
  policy: {
    retire: move.draw.pick(['keep', 'keep', 'unregister', 'delete']),
    verify: move.draw.pick(['changed', 'all']),
    bandwidthBytesPerSecondMax: move.draw.oneIn(5) ? slowBytesPerSecond : null,
    heartbeatWaitMsMax: 120_000,
  },
});

/** The kinds that the simulator knows. A kind that is added to the product is added here by one entry. */
export const simulatedKinds: Readonly<Partial<Record<Kind, SimulatedKind>>> = {
  'quick-storage': { weight: 2, fields: copied },
  warm: {
    weight: 2,
    fields: (move) => {
      const { policy, ...places } = copied(move);
      const rounds = {
        stop: move.draw.pick(['save', 'shut-down']),
        outageMsMax: move.draw.pick([5_000, 60_000]),
        ifNotShrinking: move.draw.pick(['ask', 'cut-over', 'give-up']),
        roundsMax: move.draw.between(1, 6),
        approve: move.draw.oneIn(4),
      };
      return { ...places, policy: { ...policy, ...rounds } };
    },
  },
  lan: {
    weight: 1,
    fields: (move) => {
      const { policy, ...places } = copied(move);
      return { ...places, policy: { ...policy, stop: move.draw.pick(['save', 'shut-down']) } };
    },
  },
};

export const knownKinds = (): Kind[] => kinds.filter((kind) => simulatedKinds[kind] !== undefined);
export const unknownKinds = (): Kind[] => kinds.filter((kind) => simulatedKinds[kind] === undefined);

/** The request of a move, checked as the app checks it. */
export function requestOf(move: Move, among: readonly Kind[]): AcceptedRequest {
  const weighted = among.flatMap((kind) => Array<Kind>(simulatedKinds[kind]?.weight ?? 0).fill(kind));
  const kind = move.draw.pick(weighted);
  const { id, vmId, source } = move;
  return acceptedRequest.parse({ id, kind, vmId, sourceHost: source, ...simulatedKinds[kind]?.fields(move) });
}
