/** Milliseconds from one ISO time to another, never negative; null when one of them is not known. */
export const msBetween = (from: string | undefined, to: string | undefined): number | null =>
  from === undefined || to === undefined ? null : Math.max(0, Date.parse(to) - Date.parse(from));
