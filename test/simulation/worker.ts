import './platform/installed';
import { z } from 'zod';
import { kinds } from '../../contracts/migration';
import { describeFault } from './faults';
import { planOf, type Plan } from './plan';
import { runSeed, type SeedResult } from './run-seed';
import { shrink } from './shrink';
import { applyMutant } from './mutants';
import { shortenPatience } from './patience';
import { makeTemplates, type Templates } from './world/templates';

/** What a worker is told, as its one argument. */
export const workerTask = z.object({
  seeds: z.array(z.int().positive()),
  kinds: z.array(z.enum(kinds)),
  without: z.array(z.int()),
  calm: z.boolean(),
  size: z.enum(['small', 'large']),
  trace: z.boolean(),
  mutant: z.string().nullable(),
});
export type WorkerTask = z.infer<typeof workerTask>;

/** What a worker says of each seed. */
export type Told = {
  readonly result: SeedResult;
  /** Of a broken promise: the shortest schedule found, in words. */
  readonly schedule: readonly string[];
};

async function main(): Promise<void> {
  // Nobody hears what it says once the command is gone.
  process.once('disconnect', () => process.exit());
  const task = workerTask.parse(JSON.parse(process.argv[2] ?? 'null'));
  shortenPatience();
  if (task.mutant !== null) applyMutant(task.mutant);
  const templates = await makeTemplates(task.size);
  for (const seed of task.seeds) {
    const told = await liveThrough(seed, task, templates);
    process.send?.(told);
    // A mutant is caught once.
    if (task.mutant !== null && told.result.violations.length > 0) break;
  }
  process.disconnect();
}

async function liveThrough(seed: number, task: WorkerTask, templates: Templates): Promise<Told> {
  const drawn = planOf(seed, templates, { kinds: task.kinds, faults: task.calm ? 'none' : 'drawn' });
  const plan: Plan = { ...drawn, faults: drawn.faults.filter(({ number }) => !task.without.includes(number)) };
  const trace = task.trace ? (line: string): void => void process.stdout.write(`${line}\n`) : undefined;
  if (trace !== undefined) for (const line of scheduleOf(plan)) trace(line);
  const result = await runSeed(plan, templates, trace === undefined ? {} : { trace });
  if (result.violations.length === 0 || task.mutant !== null) return { result, schedule: [] };
  const shortest = await shrink(plan, result, templates);
  const left = drawn.faults.filter((fault) => !shortest.plan.faults.includes(fault)).map(({ number }) => number);
  const again = `run again: npm run simulate -- --seeds 1 --from ${seed}${left.length === 0 ? '' : ` --without ${left.join(',')}`} --trace`;
  const said = shortest.result.violations.map(
    ({ oracle, detail, atMs }) => `  at ${(atMs / 1000).toFixed(1)} s: ${oracle}: ${detail}`,
  );
  return { result, schedule: [...scheduleOf(shortest.plan), ...said, again] };
}

function scheduleOf({ requests, machines, bytesPerSecond, concurrentMax, faults }: Plan): string[] {
  return [
    `machines ${[...machines.keys()].join(', ')}, ${bytesPerSecond / 1024} KiB/s, at most ${concurrentMax} at once`,
    ...requests.map((request, index) => `  move ${index + 1}: ${JSON.stringify(request)}`),
    ...faults.map((fault) => `  ${describeFault(fault)}`),
  ];
}

void main();
