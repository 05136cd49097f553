import { join } from 'node:path';
import { describeThrown, failed, failureOf, succeeded, type Outcome } from '../contracts/failure';
import type { Clock } from './clock';
import type { AgentConfig } from './config';
import type { HyperVDriver } from './hyperv/driver';
import { openPowerShellDriver, scriptsFolder } from './hyperv/powershell/driver';
import { findEngine } from './hyperv/powershell/worker/engine';
import { transcriptFile } from './hyperv/powershell/worker/transcript';
import { openSimulatedDriver } from './hyperv/simulated';
import type { Log } from './log';

type DriverParts = {
  readonly config: Pick<AgentConfig, 'driver' | 'stateFolder'>;
  readonly clock: Clock;
  readonly log: Log;
  readonly newGuid: () => string;
};

const noEngine = failureOf('RequestInvalid', {
  message: 'driver.type is powershell, and neither Windows PowerShell nor pwsh is on this machine',
  subject: { field: 'driver.type', value: 'powershell' },
  remedy: 'Install PowerShell, or name its program in driver.engine.',
});

/** Opens the driver of the configuration. Whether a real Hyper-V answers is told in the log and not waited for: it may come later. */
export async function openDriver(parts: DriverParts): Promise<Outcome<HyperVDriver>> {
  const { config, clock, log, newGuid } = parts;
  const { driver, stateFolder } = config;
  if (driver.type === 'simulated') {
    const told = (message: string): void => log.info('simulated host', { message });
    return openSimulatedDriver({ folder: driver.folder, clock, newGuid, log: told });
  }
  const engine = findEngine(driver.engine);
  if (engine === undefined) return failed(noEngine);
  log.info('PowerShell', { ...engine });
  const { roots, transcriptBytesMax } = driver;
  const gap = (reason: string): void => log.warn('the transcript of Hyper-V has a gap', { reason });
  const transcript =
    transcriptBytesMax > 0 && transcriptFile(join(stateFolder, 'hyper-v-transcript.jsonl'), transcriptBytesMax, gap);
  const opened = openPowerShellDriver({
    engine,
    scripts: scriptsFolder,
    folder: join(stateFolder, 'hyper-v'),
    roots,
    clock,
    newGuid,
    log: (message) => log.warn('Hyper-V', { message }),
    ...(transcript && { transcript }),
  });
  // What a first start gets wrong shows in the log, and not only in the first run.
  void opened.host().catch((thrown: unknown) => {
    const remedy = 'Run "hyperferry agent doctor" with the same configuration.';
    log.error('Hyper-V cannot be asked', { reason: describeThrown(thrown), remedy });
  });
  return succeeded(opened);
}
