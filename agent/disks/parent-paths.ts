import { dirname, isAbsolute, relative, resolve, sep } from 'node:path';
import { failed, failureOf, succeeded, type Outcome } from '../../contracts/failure';
import type { DiskFiles } from './file';
import type { ParentLink } from './image';

/** Windows writes backslashes into a parent locator; elsewhere they stand for slashes. */
const native = (path: string): string => (sep === '/' ? path.replaceAll('\\', '/') : path);

/** Where the locator of a child says that its parent may be, in the order in which Windows looks (MS-VHDX 2.6.2.6.3). */
export function parentCandidates(childPath: string, parent: ParentLink): string[] {
  const candidates: string[] = [];
  if (parent.relativePath !== undefined) candidates.push(resolve(dirname(childPath), native(parent.relativePath)));
  if (parent.absolutePath !== undefined && isAbsolute(parent.absolutePath))
    candidates.push(resolve(parent.absolutePath));
  return [...new Set(candidates)];
}

function isBelow(root: string, path: string): boolean {
  const way = relative(root, path);
  return way !== '' && way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}

/**
 * The real path of a file below one of the roots. A path outside is refused before anything is asked about it, since on Windows a mere
 * look at a share sends credentials there; and again after links are followed. `undefined`: nothing is there.
 */
export async function pathBelowRoots(
  path: string,
  roots: readonly string[],
  files: DiskFiles,
): Promise<Outcome<string | undefined>> {
  const wanted = resolve(path);
  const outside = failed(failureOf('PathOutsideRoots', { message: `${path} is outside of the allowed roots` }));
  if (!roots.some((root) => isBelow(resolve(root), wanted))) return outside;
  const real = await files.realPath(wanted);
  if (real === undefined) return succeeded(undefined);
  for (const root of roots) {
    const realRoot = await files.realPath(resolve(root));
    if (realRoot !== undefined && isBelow(realRoot, real)) return succeeded(real);
  }
  return outside;
}
