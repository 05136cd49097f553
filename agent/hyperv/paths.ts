import { isAbsolute, relative, sep } from 'node:path';

/** Whether `path` is `folder` itself or lies below it. Both absolute and resolved. */
export function isAtOrBelow(folder: string, path: string): boolean {
  const way = relative(folder, path);
  return way === '' || (!isAbsolute(way) && way !== '..' && !way.startsWith(`..${sep}`));
}
