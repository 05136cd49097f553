import { spawnSync } from 'node:child_process';
import { findEngine } from '../../agent/hyperv/powershell/worker/engine';

const found = findEngine();
const named = process.env['HYPERFERRY_PWSH'];
const answers = (command: string): boolean =>
  spawnSync(command, ['-NoProfile', '-Version'], { stdio: 'ignore' }).status === 0;

/** The PowerShell that judges the scripts; undefined where there is none. One that is named and does not start fails the tests. */
export const engine = found !== undefined && (named !== undefined || answers(found.command)) ? found : undefined;
if (engine === undefined)
  process.stderr.write(
    'skipped: no PowerShell on the PATH and HYPERFERRY_PWSH is not set; the scripts were checked as text alone\n',
  );

/** A suite that needs PowerShell. */
export const describeWithEngine = (name: string, suite: () => void): void =>
  (engine === undefined ? describe.skip : describe)(name, suite);
