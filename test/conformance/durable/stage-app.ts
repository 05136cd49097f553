import { copyFileSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from '../../project-root';

/** Settings of the app; in Azure they are app settings. */
export const appSettings = {
  FUNCTIONS_WORKER_RUNTIME: 'node',
  CONFORMANCE_SCHEDULE: '*/10 * * * * *',
} as const;

const here = 'test/conformance/durable/app';

/**
 * Puts the conformance app together in `folder`: package.json and host.json as they stand in the source, its built functions,
 * local settings. With `packages: 'ours'` it uses this project's packages; else `npm install` in the folder fetches them, and
 * the folder can be deployed.
 */
export function stageApp(folder: string, packages: 'ours' | 'own'): void {
  const built = join(projectRoot, 'dist', here, 'functions');
  mkdirSync(join(folder, 'functions'), { recursive: true });
  for (const file of ['package.json', 'host.json']) copyFileSync(join(projectRoot, here, file), join(folder, file));
  for (const file of readdirSync(built).filter((name) => name.endsWith('.js'))) {
    copyFileSync(join(built, file), join(folder, 'functions', file));
  }
  writeFileSync(
    join(folder, 'local.settings.json'),
    JSON.stringify({ IsEncrypted: false, Values: appSettings }, undefined, 2),
  );
  if (packages === 'ours') symlinkSync(join(projectRoot, 'node_modules'), join(folder, 'node_modules'), 'dir');
}
