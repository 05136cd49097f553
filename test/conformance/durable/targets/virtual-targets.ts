import { globSync, mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Store } from '../../../../runtime/engine/store';
import { makeKeys } from '../../../../runtime/http/keys';
import { MemoryStore } from '../../../../runtime/store/memory';
import { SqliteStore } from '../../../../runtime/store/sqlite';
import { VirtualHost } from '../../../../runtime/testing/virtual-host';
import { projectRoot } from '../../../project-root';
import { appSettings } from '../stage-app';
import { bodyBytesMax } from '../limits';
import type { Target, Targets } from './target';

/** Where durable-functions finds the origin of its host. */
const hostNameSetting = 'WEBSITE_HOSTNAME';

type StorePlace = 'sqlite' | 'memory';

class VirtualTarget implements Target {
  readonly keys;

  constructor(
    readonly place: StorePlace,
    readonly host: VirtualHost,
    readonly remove: () => void,
  ) {
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
 * A runtime of its own for each case, in this process, over a store of the place and with virtual time. `@azure/functions-core` must be
 * supplied already (`installCore`, or jest's moduleNameMapper).
 */
export function virtualTargets(place: StorePlace, seed: number): Targets {
  const functions = globSync(join(projectRoot, 'dist/test/conformance/durable/app/functions/*.js')).sort();
  // The app's modules register by being loaded, as in a worker.
  const load = createRequire(__filename);
  for (const file of functions) load(file);
  let cases = 0;
  return {
    place,
    casesMax: 4,
    for: async (conformance) => {
      const { store, remove } = openStore(place);
      const host = await VirtualHost.start({
        seed: seed + cases++,
        store,
        keys: makeKeys(),
        hubName: 'DurableConformance',
        versions: { version: '1.5', match: 'CurrentOrOlder', failure: 'Reject' },
        bodyBytesMax,
        activitiesOverlap: conformance.activitiesOverlap ?? false,
        environment: appSettings,
        timerFunctions: conformance.uses,
      });
      // As a host does for its worker. This process can be the worker of one host only, so of one whose case runs alone.
      if (conformance.isAlone === true) process.env[hostNameSetting] = new URL(host.origin).host;
      return new VirtualTarget(place, host, remove);
    },
    done: async (target) => {
      if (!(target instanceof VirtualTarget)) return;
      delete process.env[hostNameSetting];
      await target.host.close();
      target.remove();
    },
    close: async () => undefined,
  };
}

function openStore(place: StorePlace): { readonly store: Store; readonly remove: () => void } {
  switch (place) {
    case 'memory': {
      const store = new MemoryStore();
      return { store, remove: () => store.close() };
    }
    case 'sqlite': {
      const folder = mkdtempSync(join(tmpdir(), 'conformance-virtual-'));
      const store = new SqliteStore(folder);
      const remove = (): void => {
        store.close();
        rmSync(folder, { recursive: true, force: true });
      };
      return { store, remove };
    }
  }
}
