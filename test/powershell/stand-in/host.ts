import { randomUUID } from 'node:crypto';
import { delimiter, join } from 'node:path';
import { systemClock } from '../../../agent/clock';
import type { HyperVDriver } from '../../../agent/hyperv/driver';
import { openPowerShellDriver, scriptsFolder } from '../../../agent/hyperv/powershell/driver';
import type { Transcript } from '../../../agent/hyperv/powershell/worker/transcript';
import { projectRoot } from '../../project-root';
import { engine } from '../engine';
import { StandInHyperV } from './commands';
import { StandInService } from './service';

export const modulesFolder = join(projectRoot, 'test', 'powershell', 'stand-in', 'modules');

/** A host whose Hyper-V is the stand-in over a simulated host, and the PowerShell driver on it. */
export type StandInHost = {
  readonly driver: HyperVDriver;
  readonly hyperV: StandInHyperV;
  readonly service: StandInService;
  readonly noise: string[];
  /** Ends the driver and the service; the simulated host stays open. */
  readonly close: () => Promise<void>;
};

/** What a worker needs to find the stand-in modules instead of the real ones. */
export function workerEnvironment(service: StandInService): NodeJS.ProcessEnv {
  const inherited = process.env['PSModulePath'];
  const paths = [modulesFolder, ...(inherited === undefined ? [] : [inherited])];
  return { ...process.env, HYPERFERRY_STAND_IN: service.url, PSModulePath: paths.join(delimiter) };
}

/** Puts the stand-in over a simulated host that is open. */
export async function standInOver(
  simulated: HyperVDriver,
  hostFolder: string,
  transcript?: Transcript,
): Promise<StandInHost> {
  if (engine === undefined) throw new Error('there is no PowerShell');
  const hyperV = new StandInHyperV(simulated, hostFolder);
  const service = new StandInService(hyperV);
  await service.listen();
  const noise: string[] = [];
  const driver = openPowerShellDriver({
    engine,
    scripts: scriptsFolder,
    folder: join(hostFolder, 'driver'),
    roots: (await simulated.host()).volumes.map(({ root }) => root),
    clock: systemClock,
    newGuid: randomUUID,
    log: (message) => void noise.push(message),
    env: workerEnvironment(service),
    ...(transcript && { transcript }),
  });
  const close = async (): Promise<void> => {
    await driver.close();
    await service.close();
  };
  return { driver, hyperV, service, noise, close };
}
