import { join } from 'node:path';
import type { Clock } from '../../../agent/clock';
import { agentName } from '../../stack/services';
import type { Stack } from '../../stack/stack';
import type { RoundPlace } from './kinds';
import type { Observer } from './observer';
import type { Moment, PhaseTimes, Victim } from './plan';
import { readBeyondWatermark } from './resent';

/** One kill that happened. */
export type Kill = {
  readonly victim: Victim;
  readonly service: string;
  readonly phase: string;
  /** From the kill until its service was ready again and the run was seen to move. Null: that did not happen in time. */
  readonly recoveredMs: number | null;
  /** After the death of the destination agent: bytes of the run that were or will be sent again, counted exactly. */
  readonly beyondWatermarkBytes: number | undefined;
};

const lookMs = 15;
const recoveryMsMax = 120_000;

export function serviceOf(victim: Victim, place: RoundPlace): string {
  switch (victim) {
    case 'source agent':
      return agentName(place.source);
    case 'destination agent':
      return agentName(place.destination);
    case 'relay':
      return 'relay';
    case 'blob service':
      return 'blobs';
    case 'app':
      return 'app';
  }
}

/** Waits for the moment; false when the run ended before, or the deadline passed. */
export async function waitForMoment(
  moment: Moment,
  times: PhaseTimes,
  observer: Observer,
  from: { readonly startedMs: number; readonly deadlineMs: number },
  clock: Clock,
): Promise<boolean> {
  const reached = (): boolean => {
    const nowMs = clock.now();
    if (moment.type === 'elapsed') return nowMs - from.startedMs >= moment.ms;
    const index = times.findIndex(({ name }) => name === observer.status?.phase);
    return index > moment.index || (index === moment.index && nowMs - observer.phaseSinceMs >= moment.delayMs);
  };
  while (!observer.ended && clock.now() < from.deadlineMs) {
    if (observer.status !== undefined && reached()) return true;
    await clock.sleep(lookMs);
  }
  return false;
}

/** Kills the process of the victim with SIGKILL, and waits until it is back and the run moves again. */
export async function killAndRecover(
  victim: Victim,
  place: RoundPlace,
  stack: Stack,
  observer: Observer,
  clock: Clock,
): Promise<Kill> {
  const service = serviceOf(victim, place);
  const killedMs = clock.now();
  const status = observer.status;
  const phase = `${status?.unwinding === true ? 'undo of ' : ''}${status?.phase ?? 'between phases'}`;
  const times = { endedMs: 0, readyMs: 0 };
  const stop = stack.supervisor.listen((event) => {
    if (event.service !== service) return;
    if (event.what === 'ended') times.endedMs = event.atMs;
    if (event.what === 'ready') times.readyMs = event.atMs;
  });
  try {
    stack.supervisor.signal(service, 'SIGKILL');
    const within = (): boolean => clock.now() - killedMs < recoveryMsMax;
    while (times.endedMs === 0 && within()) await clock.sleep(1);
    // The process is dead and the supervisor waits before it starts another: nothing is on the way now.
    const home = place.folder === undefined ? undefined : join(place.folder, place.vmId);
    const counted = victim === 'destination agent' && home !== undefined ? readBeyondWatermark(home) : undefined;
    while (times.readyMs === 0 && within()) await clock.sleep(lookMs);
    const movesWhenReady = observer.moves;
    while (observer.moves === movesWhenReady && !observer.ended && within()) await clock.sleep(lookMs);
    const recoveredMs = within() ? clock.now() - killedMs : null;
    return { victim, service, phase, recoveredMs, beyondWatermarkBytes: counted };
  } finally {
    stop();
  }
}
