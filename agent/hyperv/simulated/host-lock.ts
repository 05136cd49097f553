import { readFile, rm, writeFile } from 'node:fs/promises';
import { z } from 'zod';
import { failed, failureOf, succeeded, type Outcome } from '../../../contracts/failure';
import { errorCode } from '../../thrown';
import { readJson } from '../files';

const holder = z.object({ pid: z.int().positive(), startedAt: z.string().nullable() });
type Holder = z.infer<typeof holder>;

/**
 * Keeps a second process from bringing the same host up, which would run each of its VMs twice. The file outlives a crash; it counts
 * only while the process that it names lives. Two that find such a remainder in the same instant are not told apart: the agent's own
 * lock on its state folder stands before this one.
 *
 * Answers what gives the lock back. Failure: IoFailed, permanent, when another process has the host.
 */
export async function lockHost(path: string): Promise<Outcome<() => Promise<void>>> {
  const mine: Holder = { pid: process.pid, startedAt: await startOf(process.pid) };
  for (let attempt = 0; attempt < 2; attempt++) {
    if (await takeLock(path, mine)) return succeeded(() => rm(path, { force: true }));
    const found = await readJson(path, holder);
    if (found.state === 'read' && (await lives(found.value))) return heldBy(path, found.value);
    await rm(path, { force: true });
  }
  return heldBy(path, mine);
}

const heldBy = (path: string, { pid }: Holder) => {
  const message = `${path}: process ${pid} has this simulated host already.`;
  return failed(failureOf('IoFailed', { message, retry: 'permanent', effect: 'none' }));
};

async function takeLock(path: string, mine: Holder): Promise<boolean> {
  try {
    await writeFile(path, JSON.stringify(mine), { flag: 'wx' });
    return true;
  } catch (thrown) {
    if (errorCode(thrown) === 'EEXIST') return false;
    throw thrown;
  }
}

async function lives({ pid, startedAt }: Holder): Promise<boolean> {
  try {
    process.kill(pid, 0);
  } catch (thrown) {
    return errorCode(thrown) === 'EPERM';
  }
  return startedAt === null || (await startOf(pid)) === startedAt;
}

/** When a process began, as Linux tells it (field 22 of its stat): a number that was given to another process later does not count. */
async function startOf(pid: number): Promise<string | null> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? null;
  } catch {
    return null;
  }
}
