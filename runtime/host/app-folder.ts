import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { describeThrown } from '../../contracts/failure';

/** What keeps a folder from being an app that runs here, with what to do about it. */
export type AppProblem = { readonly message: string; readonly remedy: string };

const packageJson = z.looseObject({ main: z.string().min(1).optional() });

/** Looks at the folder of an app before anything is started; undefined when all that an app needs is there. */
export function appProblem(appFolder: string): AppProblem | undefined {
  if (statSync(appFolder, { throwIfNoEntry: false })?.isDirectory() !== true) {
    return { message: `there is no folder ${appFolder}`, remedy: 'Name the folder of a Functions app with --app.' };
  }
  return packageProblem(appFolder) ?? hostJsonProblem(appFolder);
}

function packageProblem(appFolder: string): AppProblem | undefined {
  const path = join(appFolder, 'package.json');
  if (!existsSync(path)) {
    return { message: `${appFolder} has no package.json`, remedy: `${wrongFolder} ${modelNote(appFolder)}` };
  }
  try {
    if (packageJson.parse(JSON.parse(readFileSync(path, 'utf8'))).main !== undefined) return undefined;
  } catch (thrown) {
    const reason = thrown instanceof z.ZodError ? z.prettifyError(thrown) : describeThrown(thrown);
    return { message: `${path} cannot be read: ${reason}`, remedy: 'Mend the file.' };
  }
  return {
    message: `${path} names no "main"`,
    remedy: `Add "main": the file, or a glob of the files, that register the app's functions, such as "dist/src/functions/*.js". ${modelNote(appFolder)}`,
  };
}

function hostJsonProblem(appFolder: string): AppProblem | undefined {
  if (existsSync(join(appFolder, 'host.json'))) return undefined;
  return {
    message: `${appFolder} has no host.json`,
    remedy: `${wrongFolder} The least that a host.json has is { "version": "2.0" }.`,
  };
}

const wrongFolder = 'Name the folder that has package.json and host.json with --app.';

/** Says so where the app is one of the older programming model, which has a folder with a function.json for each function. */
function modelNote(appFolder: string): string {
  const old = readdirSync(appFolder).filter((name) => existsSync(join(appFolder, name, 'function.json')));
  if (old.length === 0) return '';
  return `Functions by function.json (${old.slice(0, 3).join(', ')}) are of programming model v3, which does not run here; v4 registers them in code.`;
}
