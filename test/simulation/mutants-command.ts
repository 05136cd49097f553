import type { Asked } from './arguments';
import { exitCodes } from './exit-codes';
import { mutants, type Mutant } from './mutants';
import { dealt, runWorker } from './workers';

/**
 * Lives through seeds with deliberate faults of the product's code, one or all, until a promise breaks, and says which broke. Without
 * `--from` the seed that is known to catch a fault comes first.
 */
export async function simulateMutants(asked: Asked, say: (line: string) => void): Promise<number> {
  // Of those that no seed is known to catch nothing is asked unless by name.
  const chosen = mutants.filter(({ name, caughtBy }) =>
    asked.mutant === null ? caughtBy !== null : name === asked.mutant,
  );
  const waiting = [...chosen];
  const missed: string[] = [];
  const next = async (): Promise<void> => {
    for (let mutant = waiting.shift(); mutant !== undefined; mutant = waiting.shift()) {
      const caught = await catchMutant(asked, mutant);
      if (caught === undefined) missed.push(mutant.name);
      say(
        `${mutant.name}: ${caught === undefined ? `not caught in ${asked.seeds} seeds` : `caught by seed ${caught}`}`,
      );
    }
  };
  await Promise.all(Array.from({ length: asked.workers }, next));
  say(`${chosen.length - missed.length} of ${chosen.length} deliberate faults were caught`);
  return missed.length === 0 ? exitCodes.done : exitCodes.broken;
}

/** The seed that caught it, and which promise broke. */
async function catchMutant(
  { from, seeds, kinds }: Asked,
  { name, caughtBy, kinds: own }: Mutant,
): Promise<string | undefined> {
  let caught: string | undefined;
  const [all = []] = dealt(from ?? 1, seeds, 1);
  const known = from === null && caughtBy !== null ? [caughtBy] : [];
  const tried = [...known, ...all.filter((seed) => !known.includes(seed))].slice(0, seeds);
  const task = {
    seeds: tried,
    kinds: [...(own ?? kinds)],
    without: [],
    calm: false,
    size: 'small' as const,
    trace: false,
    mutant: name,
  };
  await runWorker(task, ({ result }) => {
    const [first] = result.violations;
    if (first !== undefined) caught = `${result.seed}: ${first.oracle}: ${first.detail.slice(0, 160)}`;
  });
  return caught;
}
