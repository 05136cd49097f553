import { readFileSync } from 'node:fs';

/** What processes have used up: processor time, and the memory that is theirs now. */
export type ProcessUse = { readonly cpuSeconds: number; readonly residentBytes: number };

/** Clock ticks a second in /proc, which Linux has fixed for programs (USER_HZ). */
const ticksPerSecond = 100;

/**
 * A process and its children together, from /proc; undefined where there is none. Memory is the proportional share (Pss), so
 * that pages which host and worker have in common count once; without smaps_rollup it is VmRSS of each.
 */
export function useOf(pid: number): ProcessUse | undefined {
  try {
    const uses = [pid, ...childrenOf(pid)].map(useOfOne);
    return {
      cpuSeconds: uses.reduce((sum, use) => sum + use.cpuSeconds, 0),
      residentBytes: uses.reduce((sum, use) => sum + use.residentBytes, 0),
    };
  } catch {
    return undefined;
  }
}

const childrenOf = (pid: number): number[] =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
    .split(' ')
    .filter((text) => text !== '')
    .map(Number);

function useOfOne(pid: number): ProcessUse {
  // Behind the name, which may hold anything but ends with the last bracket: state is field 3, utime 14, stime 15.
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const ticks = Number(fields[11]) + Number(fields[12]);
  return { cpuSeconds: ticks / ticksPerSecond, residentBytes: residentBytesOf(pid) };
}

function residentBytesOf(pid: number): number {
  const kib = (path: string, name: string): number =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(readFileSync(path, 'utf8'))?.[1]);
  try {
    return kib(`/proc/${pid}/smaps_rollup`, 'Pss') * 1024;
  } catch {
    return kib(`/proc/${pid}/status`, 'VmRSS') * 1024;
  }
}
