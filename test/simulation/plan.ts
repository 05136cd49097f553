import { migrationId, type VmId } from '../../contracts/ids';
import type { AcceptedRequest, Kind } from '../../contracts/migration';
import { drawFaults, type Fault } from './faults';
import { drawKind, requestOf, simulatedKinds, type Move } from './kinds';
import { Draw } from './platform/chance';
import { machineNames } from './world/make-vms';
import type { Templates, VmTemplate } from './world/templates';

/** What happens in a seed, all of it drawn before anything happens. Leaving a fault out changes no other. */
export type Plan = {
  readonly seed: number;
  readonly bytesPerSecond: number;
  readonly lookMsMax: number;
  readonly machines: ReadonlyMap<string, readonly VmId[]>;
  readonly requests: readonly AcceptedRequest[];
  /** Whether the machines share storage. */
  readonly isJoined: boolean;
  readonly concurrentMax: number;
  readonly faults: readonly Fault[];
};

export type PlanOptions = { readonly kinds: readonly Kind[]; readonly faults: 'drawn' | 'none' };

const kib = 1024;

/** Draws a batch of one to three moves on two or three machines, and what goes wrong meanwhile. */
export function planOf(seed: number, templates: Templates, options: PlanOptions): Plan {
  const draw = new Draw(seed, 'plan');
  const names = machineNames.slice(0, draw.pick([2, 2, 3]));
  const machines = new Map<string, VmId[]>(names.map((name) => [name, []]));
  const extras = new Draw(seed, 'extras');
  const requests = drawRequests({ draw, extras }, templates.vms, machines, options.kinds);
  const plan = {
    seed,
    bytesPerSecond: draw.pick([64, 128, 256, 512]) * kib,
    lookMsMax: draw.pick([1_000, 5_000, 15_000]),
    machines,
    requests,
    isJoined: requests.some(({ kind }) => simulatedKinds[kind].isJoined),
    concurrentMax: draw.pick([1, 2]),
  };
  return { ...plan, faults: options.faults === 'none' ? [] : drawFaults(seed, names, requests.length) };
}

/** Each move has a VM of its own, which its kind can move. */
function drawRequests(
  { draw, extras }: Pick<Move, 'draw' | 'extras'>,
  vms: readonly VmTemplate[],
  machines: ReadonlyMap<string, VmId[]>,
  kinds: readonly Kind[],
): AcceptedRequest[] {
  const names = [...machines.keys()];
  const left = [...vms];
  const count = draw.pick([1, 1, 1, 2, 2, 3]);
  const requests: AcceptedRequest[] = [];
  for (let number = 1; number <= count; number++) {
    const possible = kinds.filter((kind) => left.some(({ place }) => place === simulatedKinds[kind].place));
    if (possible.length === 0) break;
    const kind = drawKind(draw, possible);
    const { place, route } = simulatedKinds[kind];
    const vm = draw.pick(left.filter((one) => one.place === place));
    left.splice(left.indexOf(vm), 1);
    const source = draw.pick(names);
    // A move by copying to another folder of the same host is a move too.
    const staysHere = route === 'fenced' && place === 'own' && draw.oneIn(6);
    const destination = staysHere ? source : draw.pick(names.filter((name) => name !== source));
    machines.get(source)?.push(vm.vmId);
    requests.push(requestOf({ id: migrationId.parse(`m${number}`), vm, source, destination, draw, extras }, kind));
  }
  return requests;
}
