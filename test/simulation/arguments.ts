import { parseArgs } from 'node:util';
import type { Kind } from '../../contracts/migration';
import { everyKind } from './kinds';
import { mutants } from './mutants';

export const usage = `usage: npm run simulate -- [options]
  --seeds N       how many seeds to live through (default 100)
  --from K        the first of them (default 1; of a mutant the seed that is known to catch it)
  --kinds a,b     only these kinds of migration
  --without 0,2   leave these faults of the schedule out (by their numbers), to go on from a shortened one
  --calm          leave every fault out
  --foretold      calm, with larger VMs: how well runs say, at a quarter of their time, when they will end
  --trace         print all that happens; for one seed
  --workers N     processes side by side (default 2)
  --marks-from N  marks that are missing fail it from so many seeds of all kinds on (default 1000)
  --mutants       show that each deliberate fault in the product's code is caught
  --mutant NAME   the same of one of them
  --json          print the result as one JSON document
  --help          print this`;

export type Asked = {
  readonly seeds: number;
  /** Null when it was not said. */
  readonly from: number | null;
  readonly kinds: readonly Kind[];
  readonly without: readonly number[];
  readonly calm: boolean;
  readonly foretold: boolean;
  readonly trace: boolean;
  readonly workers: number;
  /** Marks that are missing count only when so many seeds were lived through, with every kind and every fault. */
  readonly marksFrom: number;
  readonly mutants: boolean;
  readonly mutant: string | null;
  readonly json: boolean;
  readonly help: boolean;
};

/** What the command line asks for, or what is wrong with it. */
export function parseAsked(words: readonly string[]): Asked | { readonly wrong: string } {
  let values;
  try {
    ({ values } = parseArgs({
      args: [...words],
      options: {
        seeds: { type: 'string', default: '100' },
        from: { type: 'string' },
        kinds: { type: 'string' },
        without: { type: 'string' },
        calm: { type: 'boolean', default: false },
        foretold: { type: 'boolean', default: false },
        trace: { type: 'boolean', default: false },
        workers: { type: 'string', default: '2' },
        'marks-from': { type: 'string', default: '1000' },
        mutants: { type: 'boolean', default: false },
        mutant: { type: 'string' },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    }));
  } catch (thrown) {
    return { wrong: thrown instanceof Error ? thrown.message : String(thrown) };
  }
  const { seeds, from, workers, 'marks-from': marksFrom, kinds, without, mutant = null, ...flags } = values;
  const numbers = {
    seeds: Number(seeds),
    from: Number(from ?? '1'),
    workers: Number(workers),
    'marks-from': Number(marksFrom),
  };
  for (const [name, value] of Object.entries(numbers))
    if (!Number.isSafeInteger(value) || value < 1) return { wrong: `--${name} takes a whole number of at least 1` };
  const wanted = kinds === undefined ? everyKind : everyKind.filter((kind) => kinds.split(',').includes(kind));
  const strange = kinds?.split(',').find((kind) => !everyKind.some((one) => one === kind));
  if (strange !== undefined) return { wrong: `--kinds: ${strange} is no kind; there are ${everyKind.join(', ')}` };
  const left = without === undefined ? [] : without.split(',').map(Number);
  if (left.some((number) => !Number.isSafeInteger(number))) return { wrong: '--without takes numbers of faults' };
  if (mutant !== null && !mutants.some(({ name }) => name === mutant))
    return { wrong: `--mutant: ${mutant} is none of ${mutants.map(({ name }) => name).join(', ')}` };
  return {
    ...flags,
    seeds: numbers.seeds,
    from: from === undefined ? null : numbers.from,
    workers: numbers.workers,
    marksFrom: numbers['marks-from'],
    mutant,
    kinds: wanted,
    without: left,
  };
}
