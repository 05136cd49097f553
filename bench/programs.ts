import { spawn, spawnSync, type ChildProcess } from 'node:child_process';

/** What a program prints when it is asked so, or undefined when it is not installed. */
export function outputOf(program: string, ...args: readonly string[]): string | undefined {
  const ran = spawnSync(program, args, { encoding: 'utf8' });
  return ran.status === 0 ? ran.stdout : undefined;
}

/** Runs a program to its end. Rejects with what it printed when it fails. */
export async function run(program: string, ...args: readonly string[]): Promise<void> {
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  const errors: Buffer[] = [];
  child.stderr.on('data', (chunk: Buffer) => errors.push(chunk));
  const status = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  if (status !== 0)
    throw new Error(`${program} ${args.join(' ')} ended with ${status}: ${Buffer.concat(errors).toString()}`);
}

/** Ends a program that runs until it is told to end. */
export async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  await exited;
}
