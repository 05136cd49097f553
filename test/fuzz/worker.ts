import { getHeapStatistics } from 'node:v8';
import { parentPort, workerData } from 'node:worker_threads';
import { SeededRandom } from '../../agent/disks/testing/random';
import type { FuzzInput, Target } from './input';
import { allTargets } from './targets';

export type WorkerTask = {
  readonly seed: number;
  readonly worker: number;
  readonly only: readonly string[];
  readonly untilMs: number;
  /** Where this worker says which input it is at: [index, target, started at (ms since 1970)]. */
  readonly at: SharedArrayBuffer;
};

export type WorkerMessage =
  | { readonly type: 'counts'; readonly counts: Readonly<Record<string, number>> }
  | { readonly type: 'finding'; readonly target: string; readonly input: FuzzInput; readonly why: string };

/** Processor time that one input may take. Waiting for a busy machine is not the input's fault. */
const inputMsMax = 1000;
/** What one input may take in memory outside of the heap. */
const inputMemoryBytesMax = 512 * 1024 * 1024;
const countsEveryMs = 500;

/** The seed of one input: the same numbers make the same input again. */
export const inputSeed = (seed: number, worker: number, index: number): number =>
  Math.imul(seed ^ Math.imul(worker + 1, 0x9e3779b1), 0x85ebca6b) + index;

/** Every target gets the same time, so that the quick ones see many more inputs than those that open disks. */
const sliceMs = 20;

async function main(task: WorkerTask): Promise<void> {
  const targets = (await allTargets()).filter(({ name }) => task.only.length === 0 || task.only.includes(name));
  const at = new Float64Array(task.at);
  const counts: Record<string, number> = {};
  let saidMs = Date.now();
  let index = 0;
  for (let turn = 0; Date.now() < task.untilMs; turn = (turn + 1) % targets.length) {
    const target = targets[turn];
    if (target === undefined) break;
    const sliceEndMs = Date.now() + sliceMs;
    for (let nowMs = Date.now(); nowMs < sliceEndMs; nowMs = Date.now(), index++) {
      at.set([index, turn, nowMs]);
      await one(target, new SeededRandom(inputSeed(task.seed, task.worker, index)));
      counts[target.name] = (counts[target.name] ?? 0) + 1;
    }
    if (Date.now() - saidMs < countsEveryMs) continue;
    parentPort?.postMessage({ type: 'counts', counts } satisfies WorkerMessage);
    saidMs = Date.now();
  }
  at.set([0, 0, 0]);
  parentPort?.postMessage({ type: 'counts', counts } satisfies WorkerMessage);
}

/** Memory outside of the heap. `process.memoryUsage` tells it as well, and asks the system for more, which was a third of all time. */
const outsideBytes = (): number => getHeapStatistics().external_memory;

async function one(target: Target, random: SeededRandom): Promise<void> {
  const input = target.make(random);
  const tell = (why: string) =>
    parentPort?.postMessage({ type: 'finding', target: target.name, input, why } satisfies WorkerMessage);
  const before = outsideBytes();
  const startCpu = process.threadCpuUsage();
  try {
    await target.run(input);
  } catch (thrown) {
    tell(thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown));
  }
  const { user, system } = process.threadCpuUsage(startCpu);
  const tookMs = (user + system) / 1000;
  if (tookMs > inputMsMax) tell(`takes ${tookMs} ms of processor time`);
  const taken = outsideBytes() - before;
  if (taken > inputMemoryBytesMax) tell(`takes ${taken} bytes of memory`);
}

if (parentPort !== null) void main(workerData as WorkerTask);
