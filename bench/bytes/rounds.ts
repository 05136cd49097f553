import { rm } from 'node:fs/promises';
import { run } from '../programs';
import { spreadOf, type Spread } from '../statistics';
import type { Contender, Taken } from './contender';
import { gib, mib } from './images';

export type Line = {
  readonly name: string;
  readonly promises: string;
  readonly seconds: Spread;
  readonly mibPerSecond: number;
  /** Its time by the byte route's time in the same round; above 1 the byte route is faster. */
  readonly byteRouteIsFasterBy: Spread;
  /** Medians for a GiB of the disk's data. */
  readonly processorSecondsPerGiB?: { readonly source: number; readonly destination: number };
};

export type Rounds = {
  /** The byte route first. */
  readonly contenders: readonly [Contender, ...Contender[]];
  readonly target: string;
  readonly dataBytes: number;
  readonly repetitions: number;
  readonly say: (line: string) => void;
};

/** Copies in turn, so that what changes on the machine meets all of them. Another one begins each round. */
export async function measured({ contenders, target, dataBytes, repetitions, say }: Rounds): Promise<Line[]> {
  const taken = new Map<string, Taken[]>(contenders.map(({ name }) => [name, []]));
  for (let round = 0; round < repetitions; round++) {
    const first = round % contenders.length;
    for (const contender of [...contenders.slice(first), ...contenders.slice(0, first)]) {
      const took = await copyOnce(contender, target);
      taken.get(contender.name)?.push(took);
      say(`round ${round + 1} of ${repetitions}: ${contender.name} ${took.seconds.toFixed(2)} s`);
    }
  }
  const own = taken.get(contenders[0].name) ?? [];
  return contenders.map((contender) => lineOf(contender, taken.get(contender.name) ?? [], own, dataBytes));
}

function lineOf(
  { name, promises }: Contender,
  taken: readonly Taken[],
  own: readonly Taken[],
  dataBytes: number,
): Line {
  const seconds = spreadOf(taken.map((one) => one.seconds));
  const ratios = taken.map((one, round) => one.seconds / (own[round]?.seconds ?? Number.NaN));
  const spent = taken.flatMap(({ processorSeconds }) => processorSeconds ?? []);
  const perGiB = (end: 'source' | 'destination'): number =>
    spreadOf(spent.map((one) => one[end])).median / (dataBytes / gib);
  return {
    name,
    promises,
    seconds,
    mibPerSecond: dataBytes / mib / seconds.median,
    byteRouteIsFasterBy: spreadOf(ratios),
    ...(spent.length > 0 && {
      processorSecondsPerGiB: { source: perGiB('source'), destination: perGiB('destination') },
    }),
  };
}

/** Before it, everything older is written out, so that nobody waits for what another left. */
async function copyOnce({ copy }: Contender, target: string): Promise<Taken> {
  await rm(target, { force: true });
  await run('sync');
  const took = await copy(target);
  await rm(target);
  return took;
}
