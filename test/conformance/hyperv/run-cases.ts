import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { projectRoot } from '../../project-root';
import { verdictsOf, type Verdicts } from './report';

/** The built file with the cases of a host, by its path in `dist/test/conformance`. */
export type CasesFile = 'hyperv-simulated.long.test.js' | 'hyperv-powershell.long.test.js' | 'hyperv/cases.js';

export type CasesRun = {
  readonly file: CasesFile;
  /** A part of the names of the cases that are run, as a regular expression; all of them where it is undefined. */
  readonly only: string | undefined;
  readonly env?: NodeJS.ProcessEnv;
  readonly signal: AbortSignal;
};

/** Runs the cases of one file with Jest, which tells of each on standard error as it ends. Stops when `signal` is aborted. */
export async function runCases({ file, only, env, signal }: CasesRun): Promise<Verdicts> {
  const folder = await mkdtemp(join(tmpdir(), 'hyperferry-cases-'));
  try {
    const report = join(folder, 'report.json');
    const jest = join(projectRoot, 'node_modules', 'jest', 'bin', 'jest.js');
    const which = ['--testMatch', `**/test/conformance/${file}`, '--runInBand', '--verbose'];
    const named = only === undefined ? [] : ['--testNamePattern', only];
    const args = [jest, ...which, ...named, '--json', '--outputFile', report];
    const options = { cwd: projectRoot, env: { ...process.env, ...env }, signal } as const;
    const child = spawn(process.execPath, args, { ...options, stdio: ['ignore', 'ignore', 'inherit'] });
    await once(child, 'close');
    return verdictsOf(await readFile(report, 'utf8'));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
