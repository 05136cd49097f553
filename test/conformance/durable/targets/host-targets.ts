import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { loadKeys } from '../../../../runtime/http/keys';
import { HostUnderTest } from '../../../../runtime/testing/run-host';
import { stageApp } from '../stage-app';
import type { Target, Targets } from './target';

/** Bytes of a request's body at most, for the cases about that. */
export const bodyBytesMax = 1_000_000;

const pollMs = 20;

/** One real host process with the SQLite store and keys asked for, shared by all cases. */
export async function hostTargets(): Promise<Targets> {
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
  return {
    place: 'sqlite',
    casesMax: 24,
    for: async () => target,
    done: async () => undefined,
    close: async () => {
      await host.end('SIGTERM');
      rmSync(root, { recursive: true, force: true });
    },
  };
}
