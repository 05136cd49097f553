import type { Step as UserStep } from '../../contracts/migration';

/**
 * How long transient failures of a phase are retried before the run gives the phase up. While the guest runs there is time; from the
 * save to the start at the destination it serves nobody, so a run that cannot go on soon brings it back where it was.
 */
export const patienceMsMax: Record<UserStep, number> = {
  Prepare: 5 * 60_000,
  Transfer: 24 * 3_600_000,
  Cutover: 10 * 60_000,
  Finish: 24 * 3_600_000,
};

/** An undo is retried for as long, then the run parks. */
export const undoPatienceMsMax = 24 * 3_600_000;

const backOffMsMin = 1_000;
const backOffMsMax = 60_000;

/** Milliseconds to wait before attempt number `attempts + 1`: doubling, with up to a quarter taken off by the instance's own id. */
export function backOffMs(attempts: number, instanceId: string): number {
  const full = Math.min(backOffMsMax, backOffMsMin * 2 ** Math.min(attempts - 1, 10));
  let spread = attempts;
  for (const character of instanceId) spread = (spread * 31 + (character.codePointAt(0) ?? 0)) % 1000;
  return Math.round(full * (1 - spread / 4000));
}
