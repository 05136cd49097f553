import { readFileSync } from 'node:fs';

/** What a process holds of the machine's memory, in bytes; undefined where the operating system does not tell in a file (all but Linux). */
export function residentBytes(pid: number | undefined): number | undefined {
  if (pid === undefined || process.platform !== 'linux') return undefined;
  try {
    const kib = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return kib === undefined ? undefined : Number(kib) * 1024;
  } catch {
    // It has ended.
    return undefined;
  }
}
