import type { AgentAnswer, RelayClient } from '../call';
import type { Outcome } from '../../contracts/failure';
import type { Emulator } from '../emulator';
import type { EmulatorOptions } from '../emulator-options';
import { jsonResponse, type RequestHandler } from '../exchange';
import type { Listener } from '../listener';
import type { ListenerOptions } from '../listener-options';
import { testEmulator, testHost, testListener } from './support';

/** Relays, listeners and whatever else a test opens; all of it is closed in reverse order. */
export type Bench = {
  readonly keep: <T extends { close(): Promise<void> }>(one: T) => T;
  readonly startRelay: (options?: Partial<EmulatorOptions>) => Promise<Emulator>;
  /** A listener that does not wait for its handlers when it closes, unless told to. */
  readonly listen: (endpoint: string, handler: RequestHandler, options?: Partial<ListenerOptions>) => Listener;
  readonly close: () => Promise<void>;
};

export function createBench(): Bench {
  const opened: { close(): Promise<void> }[] = [];
  const keep: Bench['keep'] = (one) => {
    opened.unshift(one);
    return one;
  };
  return {
    keep,
    startRelay: async (options = {}) => keep(await testEmulator(options)),
    listen: (endpoint, handler, options = {}) =>
      keep(testListener(endpoint, handler, { ...options, limits: { drainMsMax: 0, ...options.limits } })),
    async close() {
      for (const one of opened.splice(0)) await one.close();
    },
  };
}

/** Answers its path. */
export const ok: RequestHandler = async ({ path }) => jsonResponse(200, path);

/** A handler whose requests wait until each is released. */
export function heldHandler(): { handler: RequestHandler; held: (() => void)[] } {
  const held: (() => void)[] = [];
  return {
    held,
    handler: () =>
      new Promise((resolve) => {
        held.push(() => resolve({ status: 204 }));
      }),
  };
}

export const get = (client: RelayClient, path = '/v1/health'): Promise<Outcome<AgentAnswer>> =>
  client.send({ hostId: testHost, method: 'GET', path });
