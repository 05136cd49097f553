import { operations } from '../../contracts/operations';
import type { Outage } from '../../contracts/receipt';

export const measured = (ms: number): Outage => ({ type: 'measured', ms });

/**
 * The outage of a VM that a run stopped: until it started at the destination, or at the source again where the run was unwound.
 * `stoppedAt`: null or undefined when this run did not stop it. `started`: null when a person said so instead of a host. `undone`: what
 * the undo of the stop answered.
 */
export function outageBetween(
  stoppedAt: string | null | undefined,
  started: { readonly startedAt: string } | null | undefined,
  undone: unknown,
): Outage {
  const isStopped = stoppedAt !== null && stoppedAt !== undefined;
  if (isStopped && started) return measured(Math.max(0, Date.parse(started.startedAt) - Date.parse(stoppedAt)));
  if (isStopped && started === null) return { type: 'not-measured', because: 'a person said that the VM had started' };
  const resumed = operations['resume-vm'].output.safeParse(undone);
  if (resumed.success) return resumed.data.outageMs === null ? { type: 'none' } : measured(resumed.data.outageMs);
  return isStopped ? { type: 'not-measured', because: 'no host said when the VM ran again' } : { type: 'none' };
}
