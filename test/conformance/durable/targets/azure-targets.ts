import { setTimeout as sleep } from 'node:timers/promises';
import type { Target, Targets } from './target';

const pollMs = 500;

/** An app that is deployed somewhere else, at `origin`; `key` opens all of it. */
export function azureTargets(origin: string, key: string): Targets {
  const target: Target = {
    place: 'azure',
    origin: origin.replace(/\/+$/, ''),
    keys: { master: key },
    nowMs: () => Date.now(),
    pass: (ms) => sleep(ms),
    passToNext: async () => {
      await sleep(pollMs);
      return true;
    },
  };
  return {
    place: 'azure',
    casesMax: 8,
    for: async () => target,
    done: async () => undefined,
    close: async () => undefined,
  };
}
