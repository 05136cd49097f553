import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { Clock } from '../../agent/clock';
import type { CliFailure } from '../failure';
import { writeFileAtomic } from './files';
import { processExists } from './running';

// A stack that was killed leaves processes for the moments in which their guards end them (guard.ts). Two agents on one folder, or a port
// that is about to become free, must not be what the next stack begins with.

const pids = z.record(z.string(), z.int().positive());
const fileOf = (home: string): string => join(home, 'processes.json');

/** Notes the processes that live, for the stack that comes after a kill. */
export const rememberProcesses = (home: string, living: Readonly<Record<string, number>>): void =>
  writeFileAtomic(fileOf(home), `${JSON.stringify(living)}\n`);

/** Whether that process still is one of a stack: ids are used again, so on Linux its command line has to name the guard. */
function isOurs(pid: number): boolean {
  if (!processExists(pid)) return false;
  const commandLine = `/proc/${pid}/cmdline`;
  if (!existsSync('/proc/self/cmdline')) return true;
  try {
    return readFileSync(commandLine, 'utf8').includes(join('stack', 'guard.js'));
  } catch {
    return false;
  }
}

function formerProcesses(home: string): [string, number][] {
  try {
    return Object.entries(pids.parse(JSON.parse(readFileSync(fileOf(home), 'utf8')))).filter(([, pid]) => isOurs(pid));
  } catch {
    return [];
  }
}

/** The process of a service of this folder's stack, if it lives; undefined while the stack is down or starts it again. */
export const processOfService = (home: string, service: string): number | undefined =>
  formerProcesses(home).find(([name]) => name === service)?.[1];

// The guard's grace of 3 s, and some time to be scheduled on a busy machine.
const waitMsMax = 15_000;
const lookMs = 50;

/** Waits until the processes of a former stack are gone; a failure that names those that stay. */
export async function awaitFormer(
  home: string,
  clock: Clock,
  say: (line: string) => void,
): Promise<CliFailure | undefined> {
  const deadlineMs = clock.now() + waitMsMax;
  let living = formerProcesses(home);
  if (living.length > 0)
    say(`waiting for ${living.map(([name]) => name).join(', ')} of a stack that was killed to end`);
  while (living.length > 0 && clock.now() < deadlineMs) {
    await clock.sleep(lookMs);
    living = formerProcesses(home);
  }
  if (living.length === 0) return undefined;
  return {
    exit: 'localStack',
    title: 'processes of a former local stack still run',
    detail: living.map(([name, pid]) => `${name} (process ${pid})`).join(', '),
    remedy: 'End these processes, then start again.',
  };
}
