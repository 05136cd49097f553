import { failed, failureOf, type Outcome } from '../../contracts/failure';
import type { Clock } from '../clock';
import type { AgentConfig } from '../config';
import type { Client } from '../hyperv/powershell/calls/client';
import { openClient, scriptsFolder } from '../hyperv/powershell/driver';
import { findEngine } from '../hyperv/powershell/worker/engine';

/** What asks Hyper-V about guardians. */
export type GuardianCalls = Pick<Client, 'call'>;

export type GuardianParts = {
  readonly config: Pick<AgentConfig, 'hostId' | 'stateFolder' | 'driver'>;
  readonly clock: Clock;
  readonly newGuid: () => string;
  /** That many random bytes, for keys and passwords. */
  readonly randomBytes: (count: number) => Buffer;
};

const simulated = failureOf('RequestInvalid', {
  message: 'driver.type is simulated: guardians of a simulated host are names in its host.json, and have no keys',
  subject: { field: 'driver.type', value: 'simulated' },
  remedy: 'Use the configuration of a real host, with driver.type powershell.',
});
const noEngine = failureOf('RequestInvalid', {
  message: 'neither Windows PowerShell nor pwsh is on this machine',
  subject: { field: 'driver.engine' },
  remedy: 'Install PowerShell, or name its program in driver.engine.',
});

/**
 * Does what asks Hyper-V, by workers of its own that end afterwards. No transcript is written: passwords of private keys are in what is asked.
 */
export async function withHyperV<T>(
  { config: { driver }, clock, newGuid }: GuardianParts,
  env: NodeJS.ProcessEnv,
  warn: (message: string) => void,
  work: (hyperV: GuardianCalls) => Promise<Outcome<T>>,
): Promise<Outcome<T>> {
  if (driver.type === 'simulated') return failed(simulated);
  const engine = findEngine(driver.engine);
  if (engine === undefined) return failed(noEngine);
  const client = openClient({ engine, scripts: scriptsFolder, clock, newGuid, log: warn, env });
  try {
    return await work(client);
  } finally {
    await client.close();
  }
}
