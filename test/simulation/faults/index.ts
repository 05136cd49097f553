import { Draw } from '../platform/chance';
import { cloudFaults } from './cloud';
import type { Fault, FaultKind, FaultSetting } from './fault';
import { machineFaults } from './machines';
import { messageFaults } from './messages';
import { rareFaults } from './rare';

export type { Fault, FaultSetting } from './fault';

const byWeight = (kinds: readonly FaultKind[]): FaultKind[] =>
  kinds.flatMap((kind) => Array<FaultKind>(kind.weight).fill(kind));

/** Faults that strike at any time. One that is added here is drawn from then on, and old seeds mean something else. */
const common = byWeight([...messageFaults, ...machineFaults, ...cloudFaults]);
const rare = byWeight(rareFaults);

const faultKinds: readonly FaultKind[] = [...common, ...rare];

/** A batch is over after about a minute unless something goes wrong; faults begin within it. */
const beginMsMax = 50_000;
const actsMax = 160;

/** One seed in so many has one of the rare faults too; they are drawn apart, so that what is added to them changes no other. */
const rareIn = 4;

export function drawFaults(seed: number, machines: readonly string[], moves: number): Fault[] {
  const draw = new Draw(seed, 'faults');
  const count = draw.pick([1, 1, 2, 2, 3, 3, 4, 5, 6]);
  const drawn = Array.from({ length: count }, (_, number) => drawFault(draw, number, common, machines, moves));
  const apart = new Draw(seed, 'rare faults');
  return apart.oneIn(rareIn) ? [...drawn, drawFault(apart, count, rare, machines, moves)] : drawn;
}

function drawFault(
  draw: Draw,
  number: number,
  kinds: readonly FaultKind[],
  machines: readonly string[],
  moves: number,
): Fault {
  const kind = draw.pick(kinds);
  const [min, max] = kind.forMs;
  // The square makes short ones more frequent.
  const forMs = Math.round(min + draw.fraction() ** 2 * (max - min));
  return {
    number,
    kind: kind.name,
    machine: draw.pick(machines),
    atMs: Math.round(draw.fraction() * beginMsMax),
    forMs,
    nth: draw.between(1, actsMax),
    share: draw.fraction(),
    move: draw.between(0, moves - 1),
  };
}

/** Has a fault strike at its time. */
export function install(fault: Fault, seed: number, setting: Omit<FaultSetting, 'draw'>): void {
  const kind = faultKinds.find((one) => one.name === fault.kind);
  if (kind === undefined) throw new Error(`there is no fault ${fault.kind}`);
  const draw = new Draw(seed, `fault ${fault.number}`);
  setting.site.loop.schedule(fault.atMs, () => kind.strike(fault, { ...setting, draw }));
}

/** A fault in words, for the schedule of a violation. */
export const describeFault = ({ number, kind, machine, atMs, forMs, nth, share, move }: Fault): string =>
  `#${number} ${kind}: at ${(atMs / 1000).toFixed(1)} s, machine ${machine}, for ${(forMs / 1000).toFixed(1)} s, ` +
  `act ${nth}, share ${share.toFixed(2)}, move ${move + 1}`;
