import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describeThrown } from '../../../contracts/failure';
import { findEngine, type Engine } from '../../hyperv/powershell/worker/engine';
import type { DoctorParts } from '../parts';

export type PowerShellLook =
  /** The driver is simulated. */
  | { readonly type: 'not-used' }
  | { readonly type: 'none' }
  | { readonly type: 'dead'; readonly engine: Engine; readonly why: string }
  | {
      readonly type: 'answers';
      readonly engine: Engine;
      readonly version: string;
      /** Policies of the domain or of this computer, which no option of a command line overrides. */
      readonly policies: { readonly machine: string; readonly user: string };
      readonly languageMode: string;
    };

/** As a text, since a policy may keep files from being run. Nothing of a configuration is put into it. */
const question = [
  '$PSVersionTable.PSVersion.ToString()',
  "try { (Get-ExecutionPolicy -Scope MachinePolicy).ToString() } catch { 'Undefined' }",
  "try { (Get-ExecutionPolicy -Scope UserPolicy).ToString() } catch { 'Undefined' }",
  '$ExecutionContext.SessionState.LanguageMode.ToString()',
].join('; ');

const answerMsMax = 120_000;
const run = promisify(execFile);

export async function askPowerShell({ config, env }: DoctorParts): Promise<PowerShellLook> {
  const { driver } = config;
  if (driver.type === 'simulated') return { type: 'not-used' };
  const engine = findEngine(driver.engine);
  if (engine === undefined) return { type: 'none' };
  try {
    const args = ['-NoLogo', '-NoProfile', '-NonInteractive', '-Command', question];
    const { stdout } = await run(engine.command, args, { env, timeout: answerMsMax, windowsHide: true });
    const [version = '', machine = '', user = '', languageMode = ''] = stdout.split(/\r?\n/).map((line) => line.trim());
    if (!/^\d+\.\d+/.test(version)) return { type: 'dead', engine, why: `it answered ${JSON.stringify(version)}` };
    return { type: 'answers', engine, version, policies: { machine, user }, languageMode };
  } catch (thrown) {
    return { type: 'dead', engine, why: describeThrown(thrown) };
  }
}
