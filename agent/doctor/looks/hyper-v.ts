import type { Failure, Outcome } from '../../../contracts/failure';
import type { CallValue } from '../../hyperv/powershell/calls/definitions';
import { openClient, scriptsFolder } from '../../hyperv/powershell/driver';
import { findEngine } from '../../hyperv/powershell/worker/engine';
import type { DoctorParts } from '../parts';

export type HyperVLook =
  /** The driver is simulated. */
  | { readonly type: 'not-used' }
  | { readonly type: 'none' }
  /** No worker can be started: a module is missing, or scripts may not run. */
  | { readonly type: 'no-worker'; readonly failure: Failure }
  | {
      readonly type: 'answers';
      readonly doctor: CallValue<'read-doctor'>;
      readonly facts: Outcome<CallValue<'read-host'>>;
      readonly host: Outcome<CallValue<'inspect-host'>>;
    };

/** Asks Hyper-V by the same worker that the driver has, which ends afterwards. Changes nothing. */
export async function askHyperV({ config, clock, newGuid, env, migrationPort }: DoctorParts): Promise<HyperVLook> {
  const { driver } = config;
  if (driver.type === 'simulated') return { type: 'not-used' };
  const engine = findEngine(driver.engine);
  if (engine === undefined) return { type: 'none' };
  const client = openClient({ engine, scripts: scriptsFolder, clock, newGuid, log: () => undefined, env });
  try {
    const roots = { Roots: [...driver.roots] };
    const doctor = await client.call('read-doctor', { ...roots, MigrationPort: migrationPort, HostId: config.hostId });
    if (!doctor.ok) return { type: 'no-worker', failure: doctor.failure };
    const facts = await client.call('read-host', roots);
    const host = await client.call('inspect-host', { Folder: '' });
    return { type: 'answers', doctor: doctor.value, facts, host };
  } finally {
    await client.close();
  }
}
