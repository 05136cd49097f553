import type { Foretold } from './oracles/foretelling';

/** A time is foretold well within this part of the truth, and so many of a hundred have to be. */
const errorMax = 0.15;
const shareMin = 0.9;

const errorOf = ({ leftMs, foretoldMs }: Foretold): number =>
  foretoldMs === null ? Infinity : Math.abs(foretoldMs - leftMs) / leftMs;

export type ForetoldSummary = {
  readonly runs: number;
  readonly within: number;
  readonly isGoodEnough: boolean;
  readonly kinds: readonly {
    readonly kind: string;
    readonly runs: number;
    readonly within: number;
    readonly medianError: number;
  }[];
};

/** How well runs foretold their ends, in all and kind by kind. */
export function summaryOf(all: readonly Foretold[]): ForetoldSummary {
  const isWithin = (one: Foretold): boolean => errorOf(one) <= errorMax;
  const within = all.filter(isWithin).length;
  const kinds = [...new Set(all.map(({ kind }) => kind))].sort().map((kind) => {
    const those = all.filter((one) => one.kind === kind);
    const errors = those.map(errorOf).sort((one, other) => one - other);
    return {
      kind,
      runs: those.length,
      within: those.filter(isWithin).length,
      medianError: errors[Math.floor(errors.length / 2)] ?? Infinity,
    };
  });
  return { runs: all.length, within, isGoodEnough: all.length > 0 && within >= shareMin * all.length, kinds };
}

export const describeForetold = ({ runs, within, kinds }: ForetoldSummary): string =>
  [
    ...kinds.map(
      ({ kind, runs: of, within: good, medianError }) =>
        `${kind.padEnd(16)} ${good} of ${of} within ${100 * errorMax} %, the median off by ${(100 * medianError).toFixed(1)} %`,
    ),
    `time left as foretold at a quarter of a run: ${within} of ${runs} within ${100 * errorMax} % of the truth (goal ${100 * shareMin} %)`,
  ].join('\n');
