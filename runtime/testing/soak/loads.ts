/** One kind of load: how it is started, what events it waits for, and what comes of it. */
export type Load = {
  readonly orchestrator: string;
  readonly what: string;
  readonly input: (random: () => number, life: number) => Input;
  readonly events?: readonly string[];
  /** The output for this input; undefined when it depends on others. */
  readonly output: (input: Input, instanceId: string) => unknown;
};
export type Input = number | string | { readonly key: string; readonly count: number } | undefined;

const upTo =
  (max: number) =>
  (random: () => number): number =>
    1 + Math.floor(random() * max);
/** Short chains are replayed each turn; long ones are kept by the worker, which plays their turns ahead. */
const shortOrLong = (random: () => number): number => (random() < 0.5 ? upTo(12)(random) : 40 + upTo(40)(random));
const sumBelow = (n: number): number => (n * (n - 1)) / 2;
const fanWidth = 100;
/** Lives of the host whose orchestrations write into the same journal. */
const livesPerJournal = 5;

/** What runs while the host is killed. All of them are of the sample app, whose activities leave a numbered trace. */
export const loads: readonly Load[] = [
  { orchestrator: 'Chain', what: 'activities in a row', input: shortOrLong, output: (n) => sumBelow(Number(n)) },
  {
    orchestrator: 'Fan',
    what: `${fanWidth} activities at once`,
    input: () => fanWidth,
    output: (n) => Array.from({ length: Number(n) }, (_, index) => index),
  },
  { orchestrator: 'Naps', what: 'timers', input: upTo(4), output: (n) => n },
  {
    orchestrator: 'Listens',
    what: 'events from outside',
    input: () => undefined,
    events: ['first', 'second'],
    output: () => ['first!', 'second!'],
  },
  {
    orchestrator: 'Family',
    what: 'sub-orchestrations',
    input: upTo(4),
    output: (n) => Array.from({ length: Number(n) }, () => 3),
  },
  { orchestrator: 'Generations', what: 'continueAsNew', input: upTo(4), output: () => 'done' },
  { orchestrator: 'Counts', what: 'one entity for all', input: () => 'soak', output: () => undefined },
  {
    orchestrator: 'Writes',
    what: 'entities, in order',
    input: (random, life) => ({ key: `j${Math.floor(life / livesPerJournal)}`, count: upTo(6)(random) }),
    output: (input, instanceId) => `${instanceId}/last`,
  },
];

/** What an instance of `Writes` writes into its journal, in this order. */
export const writesOf = (instanceId: string, count: number): string[] => [
  ...Array.from({ length: count }, (_, n) => `${instanceId}/${n}`),
  `${instanceId}/last`,
];
