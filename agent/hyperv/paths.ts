import { lstat, realpath } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { failed, failureOf, succeeded, type Outcome } from '../../contracts/failure';
import { ifExists } from '../files';

/** Whether `path` is `folder` itself or lies below it. Both absolute and resolved. */
export function isAtOrBelow(folder: string, path: string): boolean {
  const way = relative(folder, path);
  return way === '' || (!isAbsolute(way) && way !== '..' && !way.startsWith(`..${sep}`));
}

/** Longer than any path that Hyper-V takes (32 767 characters, the limit of Windows). */
const pathCharactersMax = 32_767;

/**
 * The real place of a path that came from outside: resolved against `base`, with every symbolic link followed.
 * It need not exist; then its deepest existing folder counts. PathOutsideRoots when it is not below one of `roots`.
 */
export async function resolveBelowRoots(
  text: string,
  base: string,
  roots: readonly string[],
): Promise<Outcome<string>> {
  const shown = JSON.stringify(text.slice(0, 200));
  const refused = (why: string) =>
    failed(
      failureOf('PathOutsideRoots', { message: `The path ${shown} ${why}.`, subject: { value: text.slice(0, 200) } }),
    );
  if (text.length === 0 || text.length > pathCharactersMax) return refused('is empty or too long');
  if (text.includes('\u0000')) return refused('contains a NUL character');
  const real = await realPlace(resolve(base, text));
  if (real === undefined) return refused('leads through a symbolic link that cannot be followed');
  for (const root of roots) {
    const realRoot = await ifExists(realpath(root));
    if (realRoot !== undefined && isAtOrBelow(realRoot, real)) return succeeded(real);
  }
  return refused(`lies outside of the allowed roots (${roots.join(', ')})`);
}

/** Follows links of the part that exists. Undefined when a link leads nowhere or in a circle, or a file stands in the way. */
async function realPlace(path: string): Promise<string | undefined> {
  const missing: string[] = [];
  for (let here = path; ; here = dirname(here)) {
    const entry = await lstatIfPossible(here);
    if (entry === 'unreachable') return undefined;
    if (entry === 'exists') {
      const real = await realpathIfPossible(here);
      return real === undefined ? undefined : join(real, ...missing);
    }
    if (dirname(here) === here) return undefined;
    missing.unshift(basename(here));
  }
}

async function lstatIfPossible(path: string): Promise<'exists' | 'absent' | 'unreachable'> {
  try {
    return (await ifExists(lstat(path))) === undefined ? 'absent' : 'exists';
  } catch {
    return 'unreachable';
  }
}

async function realpathIfPossible(path: string): Promise<string | undefined> {
  try {
    return await realpath(path);
  } catch {
    return undefined;
  }
}
