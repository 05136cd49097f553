import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { systemClock } from '../../agent/clock';
import { createLineLog } from '../../agent/log';
import type { CarryOut } from '../../agent/operations/handlers';
import { OperationRunner } from '../../agent/operations/runner';
import { StartMarks } from '../../agent/operations/start-marks';
import { OperationStore } from '../../agent/operations/store';
import { failed, failureOf, succeeded } from '../../contracts/failure';
import { operationId } from '../../contracts/ids';
import { operationKinds } from '../../contracts/operations';
import { operationOf } from './workbench';

// A process for operations-kill.long.test.ts: store and runner over a handler that writes down what it does. It takes requests as lines of
// JSON and answers each with a line; it is meant to be killed.

export const asked = z.object({
  number: z.int(),
  ask: z.enum(['start', 'look', 'cancel']),
  id: z.string(),
  kind: z.enum(operationKinds),
  run: z.string(),
  epoch: z.int(),
  vm: z.string(),
});
export type Asked = z.infer<typeof asked>;

let executions = 0;

/** Writes `begin`, works for a few moments, and writes how it ended, each as one line of the effects. */
const writesDown =
  (folder: string): CarryOut =>
  async ({ operationId: id, runId, epoch, task }, { signal, report }) => {
    const execution = `${process.pid}-${(executions += 1)}`;
    const write = (what: string): void =>
      appendFileSync(
        join(folder, 'effects'),
        `${JSON.stringify({ what, id, runId, epoch, kind: task.kind, execution })}\n`,
      );
    write('begin');
    const steps = 1 + ((id.length + Number(id.replaceAll(/\D/g, ''))) % 8);
    for (let step = 1; step <= steps; step += 1) {
      await systemClock.sleep(4, signal);
      if (signal.aborted) {
        // Slow to stop, so that whoever does not wait for it is seen.
        await systemClock.sleep(12);
        write('stop');
        return failed(failureOf('CanceledByOperator', { message: 'stopped' }));
      }
      report({ bytesDone: step, bytesTotal: steps, bytesPerSecond: 0, waitingFor: null });
    }
    write('end');
    return succeeded({ execution });
  };

async function main(folder: string): Promise<void> {
  const clock = systemClock;
  const log = createLineLog((line) => process.stderr.write(`${line}\n`), clock);
  const store = await OperationStore.open({ folder: join(folder, 'operations'), clock, log });
  const marks = await StartMarks.open(join(folder, 'started'), clock);
  const carryOut = writesDown(folder);
  const runner = new OperationRunner({ store, marks, carryOut, clock, log, pullsAtOnceMax: 3, stopMsMax: 5000 });
  runner.resume();

  const answer = async ({ ask, id, kind, run, epoch, vm }: Asked) => {
    if (ask === 'start') return runner.start(operationOf(id, kind, { run, epoch, vm }));
    if (ask === 'cancel') return runner.cancel(operationId.parse(id));
    return runner.waitForEnd(operationId.parse(id), 5000, AbortSignal.timeout(5000));
  };

  process.stdout.write('ready\n');
  createInterface({ input: process.stdin }).on('line', (line) => {
    const request = asked.parse(JSON.parse(line));
    void answer(request).then((outcome) => {
      process.stdout.write(`${JSON.stringify({ number: request.number, outcome })}\n`);
    });
  });
}

if (require.main === module) void main(process.argv[2] ?? '');
