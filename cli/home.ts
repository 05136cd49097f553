import { join, resolve } from 'node:path';

/** The folder of this package: two levels above the built file. */
export const packageFolder = resolve(__dirname, '..', '..');

/** The state folder of the local stack: HYPERFERRY_HOME, else `.hyperferry` in the folder of the package. */
export function homeFolder(env: NodeJS.ProcessEnv): string {
  const named = env['HYPERFERRY_HOME'];
  return named === undefined || named === '' ? join(packageFolder, '.hyperferry') : resolve(named);
}
