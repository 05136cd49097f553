import { accessSync, constants } from 'node:fs';
import { delimiter, join, win32 } from 'node:path';

/** A PowerShell that can run the worker. */
export type Engine = { readonly command: string; readonly edition: 'windows-powershell' | 'powershell' };

type Surroundings = {
  readonly platform: NodeJS.Platform;
  readonly env: NodeJS.ProcessEnv;
  readonly isThere: (path: string) => boolean;
};

const isExecutable = (path: string): boolean => {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
};
const here = (): Surroundings => ({ platform: process.platform, env: process.env, isThere: isExecutable });

/** By the name of the program: Windows PowerShell is `powershell`, what came after it `pwsh`. */
const editionOf = (command: string): Engine['edition'] =>
  /(?:^|[\\/])powershell(?:\.exe)?$/i.test(command) ? 'windows-powershell' : 'powershell';

/**
 * The PowerShell of this machine: the one that is asked for, else the one that HYPERFERRY_PWSH names; else Windows PowerShell 5.1, into which
 * the Hyper-V module of every Windows Server loads natively; else `pwsh` on the PATH. Undefined when there is none. One that is named is
 * taken unseen: that it does not start is told when it is started.
 */
export function findEngine(asked?: string, { platform, env, isThere }: Surroundings = here()): Engine | undefined {
  const named = asked ?? env['HYPERFERRY_PWSH'];
  if (named !== undefined && named !== '') return { command: named, edition: editionOf(named) };
  const isWindows = platform === 'win32';
  if (isWindows) {
    const command = win32.join(
      env['SystemRoot'] ?? 'C:\\Windows',
      'System32',
      'WindowsPowerShell',
      'v1.0',
      'powershell.exe',
    );
    if (isThere(command)) return { command, edition: 'windows-powershell' };
  }
  const folders = (env['PATH'] ?? '').split(isWindows ? win32.delimiter : delimiter).filter((folder) => folder !== '');
  const inFolder = (folder: string) => (isWindows ? win32.join(folder, 'pwsh.exe') : join(folder, 'pwsh'));
  const found = folders.map(inFolder).find((path) => isThere(path));
  return found === undefined ? undefined : { command: found, edition: 'powershell' };
}
