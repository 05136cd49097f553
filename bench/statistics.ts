/** The one in the middle by its seconds, of at least one measured in turn. */
export async function middleOf<T extends { readonly seconds: number }>(
  times: number,
  measured: () => Promise<T>,
): Promise<T> {
  const all: T[] = [];
  for (let n = 0; n < Math.max(1, times); n += 1) all.push(await measured());
  const middle = all.sort((one, other) => one.seconds - other.seconds)[Math.floor((all.length - 1) / 2)];
  if (middle === undefined) throw new RangeError('no values, no middle');
  return middle;
}

export type Spread = { readonly median: number; readonly min: number; readonly max: number };

/** Median and extremes of at least one number; the median of an even count is the mean of the middle two. */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = [...values].sort((one, other) => one - other);
  const [min, max] = [sorted[0], sorted.at(-1)];
  const middle = sorted.slice(Math.floor((sorted.length - 1) / 2), Math.floor(sorted.length / 2) + 1);
  if (min === undefined || max === undefined) throw new RangeError('no values, no spread');
  return { min, max, median: middle.reduce((sum, value) => sum + value, 0) / middle.length };
}
