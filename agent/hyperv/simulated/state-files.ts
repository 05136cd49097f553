import { readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { z } from 'zod';
import { runId, vmId, type RunId, type VmId } from '../../../contracts/ids';
import { ifExists } from '../../files';
import { exists, readJson } from '../files';
import type { PathMap } from './layout';
import { isAtOrBelow } from '../paths';

class PathOutside extends Error {}

/** State files are not trusted: a path in them that is below no root makes the whole record unusable. */
export const checkedPath =
  (live: PathMap, roots: readonly string[]): PathMap =>
  (path) => {
    const absolute = live(path);
    if (roots.some((root) => isAtOrBelow(root, absolute))) return absolute;
    throw new PathOutside(`${absolute} lies outside of the allowed roots`);
  };

export function attempt<T>(
  work: () => T,
): { readonly ok: true; readonly value: T } | { readonly ok: false; readonly reason: string } {
  try {
    return { ok: true, value: work() };
  } catch (thrown) {
    if (thrown instanceof PathOutside) return { ok: false, reason: thrown.message };
    throw thrown;
  }
}

/** Names in a folder that are ids of the given kind; anything else there is not ours. */
export async function namesIn<S extends z.ZodType<string>>(folder: string, id: S): Promise<z.output<S>[]> {
  const names = (await ifExists(readdir(folder))) ?? [];
  return names.flatMap((name) => {
    const parsed = id.safeParse(name);
    return parsed.success && parsed.data === name ? [parsed.data] : [];
  });
}

export async function eachOfRuns<T extends { runId: RunId; vmId: VmId }>(
  folder: string,
  fileOf: (run: RunId, vm: VmId) => string,
  schema: z.ZodType<T>,
  log: (message: string) => void,
  take: (record: T) => void,
): Promise<void> {
  for (const run of await namesIn(folder, runId)) {
    for (const vm of await namesIn(join(folder, run), vmId)) {
      const file = fileOf(run, vm);
      if (!(await exists(dirname(file)))) continue;
      const read = await readJson(file, schema);
      if (read.state === 'damaged') log(`${file} cannot be read: ${read.reason}`);
      if (read.state !== 'read' || read.value.runId !== run || read.value.vmId !== vm) continue;
      const taken = attempt(() => {
        take(read.value);
      });
      if (!taken.ok) log(`${file} cannot be used: ${taken.reason}`);
    }
  }
}
