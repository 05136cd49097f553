import { globSync, readFileSync, statSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { z } from 'zod';
import { describeThrown } from '../../contracts/failure';

const packageJson = z.looseObject({ main: z.string().min(1).optional(), type: z.string().optional() });

/** Loads the files that the app's package.json names as `main`, a glob allowed. Throws with the file's name. */
export async function loadApp(appFolder: string): Promise<void> {
  const { main, type } = readPackageJson(appFolder);
  if (main === undefined) throw new Error(`${join(appFolder, 'package.json')} names no "main"`);
  const files = entryPoints(appFolder, main);
  if (files.length === 0) throw new Error(`no file matches "main": "${main}" of ${join(appFolder, 'package.json')}`);
  for (const file of files) {
    try {
      await loadFile(file, type === 'module');
    } catch (thrown) {
      throw new Error(`cannot load ${file}: ${describeThrown(thrown)}`, { cause: thrown });
    }
  }
}

function readPackageJson(appFolder: string): z.infer<typeof packageJson> {
  const path = join(appFolder, 'package.json');
  try {
    return packageJson.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch (thrown) {
    throw new Error(`cannot read ${path}: ${describeThrown(thrown)}`, { cause: thrown });
  }
}

function entryPoints(appFolder: string, main: string): string[] {
  const direct = isAbsolute(main) ? main : join(appFolder, main);
  if (statSync(direct, { throwIfNoEntry: false })?.isFile() === true) return [direct];
  return globSync(main, { cwd: appFolder })
    .sort()
    .map((file) => join(appFolder, file))
    .filter((file) => statSync(file).isFile());
}

async function loadFile(file: string, isModulePackage: boolean): Promise<void> {
  const isModule = file.endsWith('.mjs') || (isModulePackage && !file.endsWith('.cjs'));
  if (isModule) await import(pathToFileURL(file).href);
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- what the app's entry point is, is known only now
  else require(file);
}
