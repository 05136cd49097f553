import { execFile } from 'node:child_process';
import { mkdir, readdir } from 'node:fs/promises';
import { win32 } from 'node:path';
import { promisify } from 'node:util';
import { ifExists } from './files';

/** Runs a program; rejects where it fails. */
export type RunProgram = (program: string, args: readonly string[]) => Promise<unknown>;

const execute = promisify(execFile);
const runProgram: RunProgram = (program, args) => execute(program, [...args], { windowsHide: true });

/** LocalSystem, Administrators, and whoever owns the file (OWNER RIGHTS): by their identifiers, which no language of Windows changes. */
const admitted = ['S-1-5-18', 'S-1-5-32-544', 'S-1-3-4'];

/**
 * Makes a folder that nobody else may read, and all that is put into it: by its mode, and on Windows, which has none, by its access list, which
 * inherits nothing from above. Throws where that cannot be done.
 */
export async function makePrivateFolder(
  folder: string,
  platform: NodeJS.Platform = process.platform,
  run: RunProgram = runProgram,
): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  if (platform !== 'win32') return;
  const icacls = win32.join(process.env['SystemRoot'] ?? 'C:\\Windows', 'System32', 'icacls.exe');
  await run(icacls, [folder, '/inheritance:r', ...admitted.flatMap((sid) => ['/grant:r', `*${sid}:(OI)(CI)F`])]);
}

/**
 * Makes the folder of an agent private, where it is not there or nothing is in it yet: keys will lie in it. One that has been in use belongs to
 * its administrator, and stays as it is. Throws as `makePrivateFolder`.
 */
export async function makeStateFolder(
  folder: string,
  platform: NodeJS.Platform = process.platform,
  run: RunProgram = runProgram,
): Promise<void> {
  const entries = await ifExists(readdir(folder));
  if (entries === undefined || entries.length === 0) await makePrivateFolder(folder, platform, run);
}
