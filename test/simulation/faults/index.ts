import { Draw } from '../platform/chance';
import { cloudFaults } from './cloud';
import type { Fault, FaultKind, FaultSetting } from './fault';
import { machineFaults } from './machines';
import { messageFaults } from './messages';

export type { Fault, FaultSetting } from './fault';

/** Every kind of fault. One that is added here is drawn from then on, and old seeds mean something else. */
export const faultKinds: readonly FaultKind[] = [...messageFaults, ...machineFaults, ...cloudFaults];

const weighted = faultKinds.flatMap((kind) => Array<FaultKind>(kind.weight).fill(kind));

/** A batch is over after about a minute unless something goes wrong; faults begin within it. */
const beginMsMax = 50_000;
const actsMax = 160;

export function drawFaults(seed: number, machines: readonly string[], moves: number): Fault[] {
  const draw = new Draw(seed, 'faults');
  const count = draw.pick([1, 1, 2, 2, 3, 3, 4, 5, 6]);
  return Array.from({ length: count }, (_, number): Fault => {
    const kind = draw.pick(weighted);
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
  });
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
