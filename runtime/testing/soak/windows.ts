import { statSync } from 'node:fs';
import { request as sendRequest } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { HostUnderTest } from '../run-host';

/**
 * When a host is killed: while it starts; as a commit begins to write its log, so before the disk has it; as an activity has taken
 * effect, so before its end is written; with the first byte of a reply, so when something has just been acknowledged; or any time.
 */
export const killWindows = ['startup', 'commit', 'effect', 'reply', 'any'] as const;
export type KillWindow = (typeof killWindows)[number];

const weights: Readonly<Record<KillWindow, number>> = {
  startup: 0.15,
  commit: 0.3,
  effect: 0.2,
  reply: 0.2,
  any: 0.15,
};

export function chooseWindow(random: () => number): KillWindow {
  let left = random();
  for (const window of killWindows) {
    left -= weights[window];
    if (left < 0) return window;
  }
  return 'any';
}

/** How long a window is waited for; then the host is killed all the same. */
const windowMsMax = 1500;
/** How long this process may be blocked at a stretch, so that its requests go out. */
const stretchMs = 15;

/**
 * Kills the host the moment that a file is written to; true when that moment came. It looks without a pause: a notice by the event
 * loop would come after the disk has the commit.
 */
export async function killAtWrite(host: HostUnderTest, path: string): Promise<boolean> {
  const untilMs = Date.now() + windowMsMax;
  while (Date.now() < untilMs) {
    const stretchUntilMs = Date.now() + stretchMs;
    const before = stampOf(path);
    while (Date.now() < stretchUntilMs) {
      if (stampOf(path) === before) continue;
      host.kill();
      return true;
    }
    await sleep(1);
  }
  host.kill();
  return false;
}

function stampOf(path: string): string {
  const stat = statSync(path, { bigint: true, throwIfNoEntry: false });
  return stat === undefined ? '' : `${stat.mtimeNs}/${stat.size}`;
}

/** Sends a start and kills the host when the reply begins; whether it said that the instance is started. */
export function killAtReply(host: HostUnderTest, path: string, input: unknown): Promise<boolean> {
  return new Promise((resolve) => {
    const late = setTimeout(() => host.kill(), windowMsMax);
    const request = sendRequest(`${host.durable}${path}`, { method: 'POST', agent: false }, (response) => {
      host.kill();
      clearTimeout(late);
      response.resume();
      response.on('error', () => undefined);
      resolve(response.statusCode === 202);
    });
    request.on('error', () => {
      clearTimeout(late);
      resolve(false);
    });
    request.end(input === undefined ? '' : JSON.stringify(input));
  });
}
