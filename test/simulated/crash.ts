import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { CrashPlan } from './crash-child';

/** Starts a host in a process of its own; `said` grows as it speaks. */
export function startChild(plan: CrashPlan): {
  child: ChildProcess;
  said: () => string;
  ended: Promise<NodeJS.Signals | null>;
} {
  const child = spawn(process.execPath, [join(__dirname, 'crash-child.js'), JSON.stringify(plan)], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  const add = (piece: Buffer) => {
    output += piece.toString();
  };
  child.stdout.on('data', add);
  child.stderr.on('data', add);
  const ended = once(child, 'close').then(() => child.signalCode);
  return { child, said: () => output, ended };
}

/** Runs a host until it kills itself at the point of its plan, or after its last operation. Throws when it ended otherwise. */
export async function crash(plan: CrashPlan): Promise<string> {
  const { said, ended } = startChild(plan);
  const signal = await ended;
  if (signal !== 'SIGKILL') throw new Error(`the host did not crash but said: ${said()}`);
  return said();
}
