/** Chance as a parameter: a number of at least 0 and below 1. */
export type Chance = () => number;

export const victims = ['source agent', 'destination agent', 'relay', 'blob service', 'app'] as const;
export type Victim = (typeof victims)[number];

/** How long each phase took in an earlier run, in their order. */
export type PhaseTimes = readonly { readonly name: string; readonly ms: number }[];

/** When to kill: so long after the run began, or so long after it was first seen in that phase or a later one. */
export type Moment =
  | { readonly type: 'elapsed'; readonly ms: number }
  | { readonly type: 'phase'; readonly index: number; readonly name: string; readonly delayMs: number };

export type PlannedKill = { readonly victim: Victim; readonly moment: Moment };

const below = (chance: Chance, limit: number): number => Math.floor(chance() * limit);

function shuffled<T>(items: readonly T[], chance: Chance): T[] {
  const left = [...items];
  const result: T[] = [];
  while (left.length > 0) result.push(...left.splice(below(chance, left.length), 1));
  return result;
}

/** Victims in an order of chance, each as often as the others but for one. */
export function* victimSequence(chance: Chance): Generator<Victim, never> {
  for (;;) yield* shuffled(victims, chance);
}

const killsOfRoundMin = 3;
const killsOfRoundSpread = 3;

/** How many kills a round should take: 3 to 5, or what is left. */
export const killsOfRound = (chance: Chance, left: number): number =>
  Math.min(left, killsOfRoundMin + below(chance, killsOfRoundSpread));

/** A point of the whole run, as the phase that it falls into. */
function momentAt(times: PhaseTimes, ms: number): Moment {
  let before = 0;
  for (const [index, phase] of times.entries()) {
    if (ms < before + phase.ms) return { type: 'phase', index, name: phase.name, delayMs: Math.floor(ms - before) };
    before += phase.ms;
  }
  return { type: 'elapsed', ms };
}

function chooseMoment(chance: Chance, times: PhaseTimes, expectedMs: number): Moment {
  if (times.length === 0) return { type: 'elapsed', ms: Math.floor(chance() * expectedMs) };
  // Half of them by time, which hits where a run is longest; half by phase, which hits the short ones as often as the long ones.
  if (chance() < 0.5) return momentAt(times, chance() * times.reduce((sum, { ms }) => sum + ms, 0));
  const index = below(chance, times.length);
  const { name = '', ms = 0 } = times[index] ?? {};
  return { type: 'phase', index, name, delayMs: Math.floor(chance() * ms) };
}

const orderOf = (moment: Moment): number =>
  moment.type === 'elapsed' ? moment.ms : moment.index * 1e9 + moment.delayMs;

/** Moments for the kills of one round, in the order in which they come. `expectedMs` is for the first round, of which nothing is known. */
export function momentsOfRound(chance: Chance, count: number, times: PhaseTimes, expectedMs: number): Moment[] {
  const moments = Array.from({ length: count }, () => chooseMoment(chance, times, expectedMs));
  return moments.sort((one, other) => orderOf(one) - orderOf(other));
}
