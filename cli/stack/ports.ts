import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { z } from 'zod';
import { bad, good, type Result } from '../context';
import { writeFileAtomic } from './files';

/** A port that the stack needs: what for, in the words that a person sees, and the one to try first. */
export type PortNeed = { readonly name: string; readonly what: string; readonly preferred: number };
export type Ports = Readonly<Record<string, number>>;

const remembered = z.record(z.string(), z.int().min(1).max(65_535));

/** Whether nothing listens on that port of 127.0.0.1. */
export function portIsFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen({ port, host: '127.0.0.1', exclusive: true }, () => probe.close(() => resolve(true)));
  });
}

const fileOf = (home: string): string => join(home, 'ports.json');

function readRemembered(home: string): Ports {
  if (!existsSync(fileOf(home))) return {};
  try {
    return remembered.parse(JSON.parse(readFileSync(fileOf(home), 'utf8')));
  } catch {
    // Ports are a convenience: a damaged memory of them costs new ones.
    return {};
  }
}

const searchedMax = 500;

/** Upward from the preferred port, below where systems take ports for outgoing connections as long as that goes. */
async function nextFree(preferred: number, used: ReadonlySet<number>): Promise<number | undefined> {
  for (let port = preferred; port < Math.min(preferred + searchedMax, 65_536); port += 1)
    if (!used.has(port) && (await portIsFree(port))) return port;
  return undefined;
}

/**
 * A port for each need: the one it had the last time, or its preferred one; where that is taken the next free one, which is said. The
 * choice is remembered in `ports.json` of the state folder.
 */
export async function choosePorts(
  home: string,
  needs: readonly PortNeed[],
  say: (line: string) => void,
  alreadyChosen: readonly number[] = [],
): Promise<Result<Ports>> {
  const before = readRemembered(home);
  const chosen: Record<string, number> = {};
  const used = new Set<number>(alreadyChosen);
  for (const need of needs) {
    const wanted = before[need.name] ?? need.preferred;
    const free = !used.has(wanted) && (await portIsFree(wanted));
    const port = free ? wanted : await nextFree(need.preferred, used);
    if (port === undefined)
      return bad({
        exit: 'localStack',
        title: `no free port for ${need.what}`,
        remedy: 'Stop what listens on so many.',
      });
    if (port !== wanted) say(`port ${wanted} for ${need.what} is taken; using ${port} instead`);
    chosen[need.name] = port;
    used.add(port);
  }
  writeFileAtomic(fileOf(home), `${JSON.stringify({ ...before, ...chosen }, null, 2)}\n`);
  return good(chosen);
}
