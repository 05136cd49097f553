import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';

/** Of Linux on the machines that Node runs on (`getconf CLK_TCK`). */
const ticksPerSecond = 100;

/** Processor seconds of the children that a process has waited for, from /proc; undefined where there is no such. */
export async function secondsOfChildren(pid: number | undefined): Promise<number | undefined> {
  const text = await readFile(`/proc/${pid ?? 0}/stat`, 'utf8').catch(() => undefined);
  // The name, in brackets, may have blanks. Behind it the 14th and 15th field are cutime and cstime (proc_pid_stat(5): 16 and 17).
  const fields = text?.slice(text.lastIndexOf(')') + 2).split(' ');
  const [user, system] = [Number(fields?.[13]), Number(fields?.[14])];
  return Number.isFinite(user + system) ? (user + system) / ticksPerSecond : undefined;
}

/** "1m2.50s 0m3.00s" in seconds. */
export const secondsOfTimes = (text: string): number =>
  [...text.matchAll(/(\d+)m([\d.,]+)s/g)].reduce(
    (sum, [, minutes = '0', seconds = '0']) => sum + 60 * Number(minutes) + Number(seconds.replace(',', '.')),
    0,
  );

/**
 * Runs a program to its end and answers what it and its children took, which a shell counts. Rejects with what it printed when it fails.
 */
export async function runCounted(
  program: string,
  ...args: readonly string[]
): Promise<{ readonly seconds: number; readonly processorSeconds: number }> {
  const script = '"$@" >&2 || exit $?; times';
  const beganMs = performance.now();
  const child = spawn('sh', ['-c', script, 'sh', program, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const [out, errors]: [Buffer[], Buffer[]] = [[], []];
  child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => errors.push(chunk));
  const status = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  const seconds = (performance.now() - beganMs) / 1000;
  if (status !== 0)
    throw new Error(
      `${program} ${args.join(' ')} ended with ${status}: ${Buffer.concat(errors).toString().slice(-2000)}`,
    );
  // The first line is the shell's own.
  const ofChildren = Buffer.concat(out).toString().trim().split('\n').at(-1) ?? '';
  return { seconds, processorSeconds: secondsOfTimes(ofChildren) };
}
