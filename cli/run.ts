import { randomBytes } from 'node:crypto';
import { systemClock, type Clock } from '../agent/clock';
import { exitCodeOf } from './exit';
import { createOutput } from './output/output';
import { runProgram } from './program';

// A Ctrl-C arrives twice where a program in between (npm, another Node) passes it on to a process that has it from the terminal already.
const sameSignalMs = 500;

/** An abort signal for Ctrl-C, SIGTERM and a terminal that is closed; a second one ends the process at once. */
function interruption(clock: Clock): AbortSignal {
  const controller = new AbortController();
  let firstMs = 0;
  const stop = (): void => {
    if (controller.signal.aborted && clock.now() - firstMs > sameSignalMs) process.exit(exitCodeOf('interrupted'));
    if (!controller.signal.aborted) firstMs = clock.now();
    controller.abort();
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  process.on('SIGHUP', stop);
  return controller.signal;
}

/** The program as a process: its arguments, streams, signals and exit code. */
export async function runCli(): Promise<void> {
  const output = createOutput(process.stdout, process.stderr);
  // A reader that goes away early (as in `hyperferry status | head`) is no fault.
  process.stdout.on('error', (thrown: Error) => {
    if (!('code' in thrown) || thrown.code !== 'EPIPE') throw thrown;
    process.exit(0);
  });
  process.exitCode = await runProgram(process.argv.slice(2), {
    env: process.env,
    output,
    clock: systemClock,
    randomBytes: (count) => randomBytes(count),
    signal: interruption(systemClock),
  });
}
