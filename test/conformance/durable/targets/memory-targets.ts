import { globSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { makeKeys } from '../../../../runtime/http/keys';
import { MemoryHost } from '../../../../runtime/testing/memory-host';
import { projectRoot } from '../../../project-root';
import { appSettings } from '../stage-app';
import { bodyBytesMax } from './host-targets';
import type { Target, Targets } from './target';

class MemoryTarget implements Target {
  readonly place = 'memory';
  readonly keys;

  constructor(readonly host: MemoryHost) {
    const { master, functions, durabletask_extension: system } = host.keys;
    this.keys = { master, function: functions.default, system };
  }

  get origin(): string {
    return this.host.origin;
  }

  nowMs(): number {
    return this.host.nowMs();
  }

  pass(ms: number): Promise<void> {
    return this.host.pass(ms);
  }

  passToNext(msMax: number): Promise<boolean> {
    return this.host.passToNext(msMax);
  }
}

/**
 * A runtime of its own for each case, in this process, over the memory store and with virtual time. `@azure/functions-core`
 * must be supplied already (`installCore`, or jest's moduleNameMapper).
 */
export function memoryTargets(seed: number): Targets {
  const functions = globSync(join(projectRoot, 'dist/test/conformance/durable/app/functions/*.js')).sort();
  // The app's modules register by being loaded, as in a worker.
  const load = createRequire(__filename);
  for (const file of functions) load(file);
  let cases = 0;
  return {
    place: 'memory',
    casesMax: 4,
    for: async (conformance) =>
      new MemoryTarget(
        await MemoryHost.start({
          seed: seed + cases++,
          keys: makeKeys(),
          hubName: 'DurableConformance',
          versions: { version: '1.5', match: 'CurrentOrOlder', failure: 'Reject' },
          bodyBytesMax,
          environment: appSettings,
          timerFunctions: conformance.uses,
        }),
      ),
    done: async (target) => {
      if (target instanceof MemoryTarget) await target.host.close();
    },
    close: async () => undefined,
  };
}
