import { randomUUID } from 'node:crypto';
import { delimiter, join } from 'node:path';
import { systemClock } from '../../../agent/clock';
import type { HyperVDriver } from '../../../agent/hyperv/driver';
import { hostBehind } from '../../../agent/hyperv/simulated/driver';
import type { Client } from '../../../agent/hyperv/powershell/calls/client';
import { driverOver, openClient, scriptsFolder } from '../../../agent/hyperv/powershell/driver';
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

/** Asks workers of their own over the stand-in; what they print besides goes to `noise`. */
export const clientOf = (service: StandInService, noise: string[] = [], transcript?: Transcript): Client => {
  if (engine === undefined) throw new Error('there is no PowerShell');
  return openClient({
    engine,
    scripts: scriptsFolder,
    clock: systemClock,
    newGuid: randomUUID,
    log: (message) => void noise.push(message),
    env: workerEnvironment(service),
    ...(transcript && { transcript }),
  });
};

function driverOn(client: Client, simulated: HyperVDriver, hostFolder: string, noise: string[] = []): HyperVDriver {
  const log = (message: string) => void noise.push(message);
  // A LUN that another host has now is a root all the same.
  const roots = hostBehind(simulated).record.volumes.map(({ root }) => root);
  return driverOver(client, {
    folder: join(hostFolder, 'driver'),
    roots,
    clock: systemClock,
    newGuid: randomUUID,
    log,
  });
}

/** Puts the stand-in over a simulated host that is open. */
export async function standInOver(
  simulated: HyperVDriver,
  hostFolder: string,
  transcript?: Transcript,
): Promise<StandInHost> {
  const hyperV = new StandInHyperV(simulated, hostFolder);
  const service = new StandInService(hyperV);
  await service.listen();
  const noise: string[] = [];
  const driver = driverOn(clientOf(service, noise, transcript), simulated, hostFolder, noise);
  const close = async (): Promise<void> => {
    await driver.close();
    await service.close();
  };
  return { driver, hyperV, service, noise, close };
}

/** Workers that serve one host after another, since a PowerShell takes seconds to start. */
export class SharedWorkers {
  private served: { readonly service: StandInService; readonly client: Client } | undefined;

  /** The driver of the next host; that of the one before must be idle. Closing it is left to `close`. */
  async over(simulated: HyperVDriver, hostFolder: string): Promise<HyperVDriver> {
    const hyperV = new StandInHyperV(simulated, hostFolder);
    this.served ??= await serve(hyperV);
    await this.served.service.hyperV.idle();
    this.served.service.hyperV = hyperV;
    return driverOn(this.served.client, simulated, hostFolder);
  }

  /** Of the host that is served now. */
  get service(): StandInService {
    if (this.served === undefined) throw new Error('no host is served yet');
    return this.served.service;
  }

  /** LUNs of the host that is served now that were written from both ends. */
  torn(): readonly string[] {
    return this.served?.service.hyperV.luns.torn ?? [];
  }

  /** Ends when no merge of the host is under way. */
  async idle(): Promise<void> {
    await this.served?.service.hyperV.idle();
  }

  async close(): Promise<void> {
    await this.served?.client.close();
    await this.served?.service.close();
  }
}

async function serve(hyperV: StandInHyperV) {
  const service = new StandInService(hyperV);
  await service.listen();
  return { service, client: clientOf(service, []) };
}
