import { systemClock } from '../../agent/clock';
import { createOutput } from '../output/output';
import { runProgram } from '../program';
import type { CliRun } from './run-cli';

/** The program without a process of its own: for the many cases where starting one would only take time. */
export async function runInProcess(args: readonly string[], env: Record<string, string> = {}): Promise<CliRun> {
  let stdout = '';
  let stderr = '';
  const output = createOutput(
    { write: (text) => ((stdout += text), true) },
    { write: (text) => ((stderr += text), true) },
  );
  const code = await runProgram(args, {
    env: { HYPERFERRY_HOME: '/nonexistent/hyperferry', ...env },
    output,
    clock: systemClock,
    randomBytes: (count) => new Uint8Array(count),
    signal: new AbortController().signal,
  });
  return { code, signal: null, stdout, stderr };
}
