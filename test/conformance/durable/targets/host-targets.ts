import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { loadKeys } from '../../../../runtime/http/keys';
import { HostUnderTest } from '../../../../runtime/testing/run-host';
import { bodyBytesMax } from '../limits';
import { stageApp } from '../stage-app';
import type { Target, Targets } from './target';
import { virtualTargets } from './virtual-targets';

const pollMs = 20;

/**
 * One real host process with the SQLite store and keys asked for, shared by all cases that end soon; those that last hours or days have
 * that store in this process with virtual time, in an order that `seed` decides.
 */
export async function hostTargets(seed: number): Promise<Targets> {
  const root = mkdtempSync(join(tmpdir(), 'conformance-'));
  const folder = { app: join(root, 'app'), state: join(root, 'state'), remove: () => undefined };
  mkdirSync(folder.app);
  stageApp(folder.app, 'ours');
  const host = await HostUnderTest.start(folder, ['--auth', 'on'], {
    FUNCTIONS_REQUEST_BODY_SIZE_LIMIT: String(bodyBytesMax),
  });
  const keys = loadKeys(folder.state);
  const target: Target = {
    place: 'sqlite',
    origin: host.origin,
    keys: { master: keys.master, function: keys.functions.default, system: keys.durabletask_extension },
    nowMs: () => Date.now(),
    pass: (ms) => sleep(ms),
    passToNext: async () => {
      await sleep(pollMs);
      return true;
    },
  };
  const long = virtualTargets('sqlite', seed);
  return {
    place: 'sqlite',
    casesMax: 24,
    for: async (conformance) => (conformance.lasts === undefined ? target : long.for(conformance)),
    done: (used) => long.done(used),
    close: async () => {
      await host.end('SIGTERM');
      rmSync(root, { recursive: true, force: true });
    },
  };
}
