import { operations } from '../../contracts/operations';

/** Milliseconds from one ISO time to another, never negative; null when one of them is not known. */
export const msBetween = (from: string | null | undefined, to: string | undefined): number | null =>
  from === undefined || from === null || to === undefined ? null : Math.max(0, Date.parse(to) - Date.parse(from));

/** The outage of a VM that a run stopped and, when it was unwound, started again at the source; null when it was never stopped. */
export function outageOfResume(undone: unknown): number | null {
  const resumed = operations['resume-vm'].output.safeParse(undone);
  return resumed.success ? resumed.data.outageMs : null;
}
