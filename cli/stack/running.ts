import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { propertyOfThrown } from '../thrown';
import { writeFileAtomic } from './files';

/** What a running local stack leaves in its state folder, so that the other commands find it. */
export const runningStack = z.object({
  schema: z.literal(1),
  pid: z.int().positive(),
  apiUrl: z.url({ protocol: /^https?$/ }),
  startedAt: z.iso.datetime(),
});
export type RunningStack = z.infer<typeof runningStack>;

const fileOf = (home: string): string => join(home, 'stack.json');

/** What the last stack of this folder left; undefined when there is nothing that can be read. */
export function readRunningStack(home: string): RunningStack | undefined {
  try {
    return runningStack.parse(JSON.parse(readFileSync(fileOf(home), 'utf8')));
  } catch {
    return undefined;
  }
}

export const writeRunningStack = (home: string, running: RunningStack): void =>
  writeFileAtomic(fileOf(home), `${JSON.stringify(running, null, 2)}\n`);

export const removeRunningStack = (home: string): void => rmSync(fileOf(home), { force: true });

/** Whether a process with that id exists. */
export function processExists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (thrown) {
    // EPERM says that it exists and belongs to somebody else.
    return propertyOfThrown(thrown, 'code') === 'EPERM';
  }
}
