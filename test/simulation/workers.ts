import { fork } from 'node:child_process';
import { join } from 'node:path';
import type { Told, WorkerTask } from './worker';

/**
 * Nothing of a simulated world lives long, so a small young generation would only be collected more often. And its buffers are many, for a
 * moment each: by itself the collector looks through all that is old for every 64 MiB of them, which took a quarter of a seed's price.
 */
const collectorFlags = ['--max-semi-space-size=64', '--external-memory-accounted-in-global-limit'] as const;

/** Something of each seed stays in its process, nearly a mebibyte: after some thousands of seeds it did little but collect. */
const seedsPerProcessMax = 250;

/** Has processes, one after another, live through the seeds of a task. Rejects when one does not end as it should. */
export async function runWorker(task: WorkerTask, onTold: (told: Told) => void): Promise<void> {
  for (let at = 0; at < task.seeds.length; at += seedsPerProcessMax) {
    const broken: number[] = [];
    await runProcess({ ...task, seeds: task.seeds.slice(at, at + seedsPerProcessMax) }, (told) => {
      if (told.result.violations.length > 0) broken.push(told.result.seed);
      onTold(told);
    });
    // A mutant is caught once.
    if (task.mutant !== null && broken.length > 0) return;
  }
}

function runProcess(task: WorkerTask, onTold: (told: Told) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const worker = fork(join(__dirname, 'worker.js'), [JSON.stringify(task)], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      execArgv: [...collectorFlags],
    });
    worker.on('message', (told: Told) => onTold(told));
    worker.on('error', reject);
    worker.on('exit', (code, signal) => {
      if (code === 0) resolve();
      else reject(new Error(`a worker ended with ${code ?? signal}`));
    });
  });
}

/** The seeds of each of so many workers, dealt in turn. */
export const dealt = (from: number, seeds: number, workers: number): number[][] =>
  Array.from({ length: Math.min(workers, seeds) }, (_, worker) =>
    Array.from({ length: seeds }, (__, index) => from + index).filter((seed) => (seed - from) % workers === worker),
  );
