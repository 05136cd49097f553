import { mkdirSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { setTimeout } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { blake3 } from '@napi-rs/blake-hash';
import { z } from 'zod';
import { SeededRandom } from '../../agent/disks/testing/random';
import type { FuzzInput } from './input';
import { allTargets, targetNames } from './targets';
import { inputSeed, type WorkerMessage, type WorkerTask } from './worker';
import { projectRoot } from '../project-root';

/** A worker that is this long at one input hangs. One second of processor time is too much already, which the worker says itself. */
const suspectMs = 5000;
const heapMegabytesMax = 512;

const usage = `usage: npm run fuzz -- --seconds N [--seed S] [--only ${targetNames.join(',')}] [--workers N] [--found FOLDER]`;
const settings = z.object({
  seconds: z.coerce.number().positive(),
  seed: z.coerce
    .number()
    .int()
    .default(() => Date.now() % 2 ** 31),
  only: z
    .string()
    .default('')
    .transform((text) => text.split(',').filter((name) => name !== ''))
    .pipe(z.array(z.enum(targetNames))),
  workers: z.coerce.number().int().min(1).max(64).default(availableParallelism()),
  found: z.string().default('fuzz-found'),
});
type Settings = z.infer<typeof settings>;

const say = (line: string): void => void process.stderr.write(`${line}\n`);
const tell = (line: string): void => void process.stdout.write(`${line}\n`);

type State = {
  readonly counts: Map<number, Readonly<Record<string, number>>>;
  findings: number;
  readonly seen: Set<string>;
};

function keep(state: State, { found }: Settings, target: string, input: FuzzInput, why: string): void {
  // The place in the program, not the input, makes a finding: a thousand ways to it are kept once.
  const lines = why.split('\n');
  const place = lines.find((line) => line.includes('/dist/') && !line.includes('/fuzz/')) ?? lines[0] ?? '';
  if (state.seen.has(place)) return;
  state.seen.add(place);
  state.findings++;
  const text = JSON.stringify({ target, why: why.replaceAll(projectRoot, '.').slice(0, 2000), input }, null, 2);
  const path = join(found, `${target}-${blake3(text).toString('hex', 0, 6)}.json`);
  mkdirSync(found, { recursive: true });
  writeFileSync(path, `${text}\n`);
  say(`FOUND ${path}: ${lines[0] ?? ''}`);
}

/** Runs one worker until the time is over; one that hangs is ended, its input kept, and a new one takes its place. */
async function runWorker(state: State, given: Settings, number: number, untilMs: number): Promise<void> {
  for (let life = 0; Date.now() < untilMs; life++) {
    const at = new SharedArrayBuffer(3 * Float64Array.BYTES_PER_ELEMENT);
    const id = number + life * given.workers;
    const task: WorkerTask = { seed: given.seed, worker: id, only: given.only, untilMs, at };
    const worker = new Worker(join(__dirname, 'worker.js'), {
      workerData: task,
      resourceLimits: { maxOldGenerationSizeMb: heapMegabytesMax },
    });
    worker.on('message', (message: WorkerMessage) => {
      if (message.type === 'counts') state.counts.set(id, message.counts);
      else keep(state, given, message.target, message.input, message.why);
    });
    const ended = endOf(worker);
    let end: WorkerEnd | undefined;
    while ((end = await Promise.race([ended, setTimeout(200, undefined)])) === undefined) {
      const [, , startedMs = 0] = new Float64Array(at);
      if (startedMs === 0 || Date.now() - startedMs < suspectMs) continue;
      await worker.terminate();
      await keepCurrent(state, given, id, at, `did not end within ${suspectMs} ms`);
    }
    if (end.died !== undefined) await keepCurrent(state, given, id, at, `ended its worker: ${end.died}`);
  }
}

type WorkerEnd = { readonly died: string | undefined };

function endOf(worker: Worker): Promise<WorkerEnd> {
  return new Promise((resolve) => {
    worker.once('error', (thrown: Error) => resolve({ died: thrown.message }));
    worker.once('exit', () => resolve({ died: undefined }));
  });
}

async function keepCurrent(
  state: State,
  given: Settings,
  id: number,
  at: SharedArrayBuffer,
  why: string,
): Promise<void> {
  const [index = 0, target = 0] = new Float64Array(at);
  const targets = (await allTargets()).filter(
    ({ name }) => given.only.length === 0 || given.only.some((one) => one === name),
  );
  const chosen = targets[target];
  if (chosen === undefined) return;
  keep(state, given, chosen.name, chosen.make(new SeededRandom(inputSeed(given.seed, id, index))), why);
}

async function main(): Promise<number> {
  const options = {
    seconds: { type: 'string' },
    seed: { type: 'string' },
    only: { type: 'string' },
    workers: { type: 'string' },
    found: { type: 'string' },
  } as const;
  const parsed = settings.safeParse(parseArgs({ options }).values);
  if (!parsed.success) {
    say(`${parsed.error.issues.map(({ path, message }) => `--${path.join('.')}: ${message}`).join('\n')}\n${usage}`);
    return 2;
  }
  const given = parsed.data;
  const startMs = Date.now();
  const state: State = { counts: new Map(), findings: 0, seen: new Set() };
  say(`fuzzing for ${given.seconds} s with ${given.workers} workers, --seed ${given.seed}`);
  const untilMs = startMs + given.seconds * 1000;
  await Promise.all(Array.from({ length: given.workers }, (_, number) => runWorker(state, given, number, untilMs)));
  const perTarget = new Map<string, number>();
  for (const counts of state.counts.values())
    for (const [name, count] of Object.entries(counts)) perTarget.set(name, (perTarget.get(name) ?? 0) + count);
  for (const [name, count] of perTarget) tell(`${name.padEnd(12)}${count}`);
  const total = [...perTarget.values()].reduce((sum, count) => sum + count, 0);
  const seconds = (Date.now() - startMs) / 1000;
  tell(`${'all'.padEnd(12)}${total}, ${Math.round(total / seconds)} a second, ${state.findings} found`);
  return state.findings === 0 ? 0 : 1;
}

void main().then((code) => (process.exitCode = code));
