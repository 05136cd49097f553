import { hostId, type HostId } from '../../contracts/ids';
import type { RelayClient } from '../call';
import { createRelayClient, type RelayClientOptions } from '../client';
import { systemClock, type Clock } from '../clock';
import { startEmulator, type Emulator } from '../emulator';
import type { EmulatorOptions } from '../emulator-options';
import type { RequestHandler } from '../exchange';
import { startListener, type Listener } from '../listener';
import type { ListenerOptions } from '../listener-options';
import type { RelayLog, RelayLogLine } from '../log';
import { seededRandom } from '../random';
import { generateSigningKey, signingKeyFrom, type SigningKey } from '../signing';
import { sasTokens, type TokenProvider } from '../token';

/** What the tests of this folder share: one relay with one host, its keys, and waiting. */
export const testHost: HostId = hostId.parse('host-1');

export const testKeys = [
  { name: 'app', key: 'app-key', rights: ['Send'] },
  { name: 'agent', key: 'agent-key', rights: ['Listen'] },
] satisfies EmulatorOptions['keys'];

export const tokensOf = (keyName: 'app' | 'agent', clock: Clock = systemClock): TokenProvider =>
  sasTokens({ keyName, key: `${keyName}-key`, clock });

export const testSigningKey = (): SigningKey => signingKeyFrom(generateSigningKey().privateKeyBase64);

export const testEmulator = (options: Partial<EmulatorOptions> = {}): Promise<Emulator> =>
  startEmulator({ port: 0, namespace: 'test', hybridConnections: [testHost], keys: testKeys, ...options });

export const testListener = (
  endpoint: string,
  handler: RequestHandler,
  options: Partial<ListenerOptions> = {},
): Listener =>
  startListener({
    endpoint,
    path: testHost,
    tokens: tokensOf('agent', options.clock),
    handler,
    clock: systemClock,
    random: seededRandom(1),
    log: () => {},
    ...options,
  });

export const testClient = (endpoint: string, options: Partial<RelayClientOptions> = {}): RelayClient =>
  createRelayClient({
    endpoint,
    tokens: tokensOf('app', options.clock),
    signingKey: testSigningKey(),
    clock: systemClock,
    random: seededRandom(2),
    ...options,
  });

/** A log that a test reads. */
export function recordedLog(): { log: RelayLog; lines: RelayLogLine[]; text: () => string } {
  const lines: RelayLogLine[] = [];
  return {
    lines,
    log: (line) => lines.push(line),
    text: () => lines.map((line) => `${line.level} ${line.message}`).join('\n'),
  };
}

/** A clock of which `factor` milliseconds pass in each real one. */
export function fastClock(factor: number): Clock {
  const startMs = systemClock.now();
  return {
    now: () => startMs + (systemClock.now() - startMs) * factor,
    sleep: (ms, signal) => systemClock.sleep(ms / factor, signal),
  };
}

/** A clock that stands still but for `advance`; a busy machine cannot make it late. */
export function manualClock(): Clock & { advance(ms: number): void } {
  let nowMs = systemClock.now();
  const sleepers = new Set<{ readonly atMs: number; readonly wake: () => void }>();
  return {
    now: () => nowMs,
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        const wake = () => {
          sleepers.delete(sleeper);
          resolve();
        };
        const sleeper = { atMs: nowMs + ms, wake };
        if (signal.aborted) {
          resolve();
          return;
        }
        sleepers.add(sleeper);
        signal.addEventListener('abort', wake);
      }),
    advance(ms) {
      nowMs += ms;
      for (const { atMs, wake } of [...sleepers]) if (atMs <= nowMs) wake();
    },
  };
}

/** Looks every few milliseconds until `condition` holds; throws with `what` when it does not within `msMax`. */
export async function until(what: string, condition: () => boolean, msMax = 15_000): Promise<void> {
  const endMs = systemClock.now() + msMax;
  const unstopped = new AbortController().signal;
  while (!condition()) {
    if (systemClock.now() > endMs) throw new Error(`not within ${msMax} ms: ${what}`);
    await systemClock.sleep(5, unstopped);
  }
}

export const connected = (listener: Listener): Promise<void> =>
  until('the listener connects', () => listener.state().name === 'connected');

export const wait = (ms: number): Promise<void> => systemClock.sleep(ms, new AbortController().signal);
