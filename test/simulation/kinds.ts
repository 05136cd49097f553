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

/** The kinds that the simulator knows. A kind that is added to the product is added here by one entry. */
export const simulatedKinds: Readonly<Partial<Record<Kind, SimulatedKind>>> = {
  'quick-storage': {
    weight: 1,
    fields: (move) => ({
      destinationHost: move.destination,
      destinationFolder: folder(move),
      policy: {
        retire: move.draw.pick(['keep', 'keep', 'unregister', 'delete']),
        verify: move.draw.pick(['changed', 'all']),
        bandwidthBytesPerSecondMax: move.draw.oneIn(5) ? slowBytesPerSecond : null,
        heartbeatWaitMsMax: 120_000,
      },
    }),
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
