import { migrationId, type VmId } from '../../contracts/ids';
import type { AcceptedRequest, Kind } from '../../contracts/migration';
import { drawFaults, type Fault } from './faults';
import { requestOf } from './kinds';
import { Draw } from './platform/chance';
import { machineNames, type Templates } from './world/templates';

/** What happens in a seed, all of it drawn before anything happens. Leaving a fault out changes no other. */
export type Plan = {
  readonly seed: number;
  readonly bytesPerSecond: number;
  readonly lookMsMax: number;
  readonly machines: ReadonlyMap<string, readonly VmId[]>;
  readonly requests: readonly AcceptedRequest[];
  readonly concurrentMax: number;
  readonly faults: readonly Fault[];
};

export type PlanOptions = { readonly kinds: readonly Kind[]; readonly faults: 'drawn' | 'none' };

const kib = 1024;

/** Draws a batch of one to three moves on two or three machines, and what goes wrong meanwhile. */
export function planOf(seed: number, templates: Templates, options: PlanOptions): Plan {
  const draw = new Draw(seed, 'plan');
  const names = machineNames.slice(0, draw.pick([2, 2, 3]));
  const count = draw.pick([1, 1, 1, 2, 2, 3]);
  const vms = shuffled(
    draw,
    templates.vms.map((vm) => vm.vmId),
  ).slice(0, count);
  const machines = new Map<string, VmId[]>(names.map((name) => [name, []]));
  const requests = vms.map((vmId, index) => {
    const source = draw.pick(names);
    // A move to another folder of the same host is a move too.
    const destination = draw.oneIn(6) ? source : draw.pick(names.filter((name) => name !== source));
    machines.get(source)?.push(vmId);
    const move = { id: migrationId.parse(`m${index + 1}`), vmId, source, destination, draw };
    return requestOf(move, options.kinds);
  });
  const plan = {
    seed,
    bytesPerSecond: draw.pick([128, 256, 512, 1024]) * kib,
    lookMsMax: draw.pick([1_000, 5_000, 15_000]),
    machines,
    requests,
    concurrentMax: draw.pick([1, 2]),
  };
  return { ...plan, faults: options.faults === 'none' ? [] : drawFaults(seed, names, requests.length) };
}

function shuffled<T>(draw: Draw, all: readonly T[]): T[] {
  const left = [...all];
  const mixed: T[] = [];
  while (left.length > 0) mixed.push(...left.splice(draw.between(0, left.length - 1), 1));
  return mixed;
}
