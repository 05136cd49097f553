/**
 * OpenWorkflow with its SQLite backend as a process of its own: the folder is its one argument, its numbers are a line of JSON.
 * Its worker polls for runs, so time counts from the first line of the first workflow to the last line of the last.
 */
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Workflow } from 'openworkflow';
import { middleOf } from '../statistics';

type Measured = { readonly seconds: number; readonly cpuSeconds: number };
type Step = Parameters<Workflow<number, number, number>['fn']>[0]['step'];

/** Its limit of steps in one run is 1000; the very first and last are left for what it may count besides. */
const chainLength = 990;
/** As often as the embedded runtime's (index.ts). */
const chainRounds = 5;
const fans = 100;
const fanWidth = 100;

async function main(folder: string): Promise<void> {
  const { OpenWorkflow } = await import('openworkflow');
  const { BackendSqlite } = await import('openworkflow/sqlite');
  const path = join(folder, 'openworkflow.db');
  const backend = BackendSqlite.connect(path);
  const engine = new OpenWorkflow({ backend });
  const span = new Span();
  const nothing = (step: Step, n: number): Promise<number> => step.run({ name: `nothing ${n}` }, async () => n);
  const chain = engine.defineWorkflow<number, number>({ name: 'chain' }, ({ input, step }) =>
    span.around(async () => {
      let sum = 0;
      for (let n = 0; n < input; n += 1) sum += await nothing(step, n);
      return sum;
    }),
  );
  const fan = engine.defineWorkflow<number, number>({ name: 'fan' }, ({ input, step }) =>
    span.around(async () => {
      const values = await Promise.all(Array.from({ length: input }, (_, n) => nothing(step, n)));
      return values.reduce((sum, value) => sum + value, 0);
    }),
  );
  const worker = engine.newWorker({ concurrency: fans });
  await worker.start();
  await span.of(1, () => chain.run(100));
  const chained = await middleOf(chainRounds, () => span.of(1, () => chain.run(chainLength)));
  const fanned = await span.of(fans, async () => {
    for (let n = 0; n < fans; n += 1) await fan.run(fanWidth);
  });
  await worker.stop();
  await backend.stop();
  const results = { chainLength, fanCount: fans * fanWidth, chained, fanned, isFullSync: hasFullSync(path) };
  process.stdout.write(`${JSON.stringify(results)}\n`);
}

/** The time in which workflows run, from the first one's beginning to the last one's end. */
class Span {
  #beganMs = 0;
  #cpu = process.cpuUsage();
  #left = 0;
  #done: (measured: Measured) => void = () => undefined;

  async of(count: number, start: () => Promise<unknown>): Promise<Measured> {
    this.#beganMs = 0;
    this.#left = count;
    const done = new Promise<Measured>((resolve) => (this.#done = resolve));
    await start();
    return done;
  }

  async around<T>(work: () => Promise<T>): Promise<T> {
    if (this.#beganMs === 0) {
      this.#beganMs = performance.now();
      this.#cpu = process.cpuUsage();
    }
    const result = await work();
    this.#left -= 1;
    if (this.#left === 0) {
      const { user, system } = process.cpuUsage(this.#cpu);
      this.#done({ seconds: (performance.now() - this.#beganMs) / 1000, cpuSeconds: (user + system) / 1e6 });
    }
    return result;
  }
}

/** It sets no level, so its connections have the default, which a new connection has too. */
function hasFullSync(path: string): boolean {
  const database = new DatabaseSync(path);
  const level: unknown = Object.values(database.prepare('PRAGMA synchronous').get() ?? {})[0];
  database.close();
  return level === 2;
}

void main(process.argv[2] ?? '.');
