import { cases } from './cases';
import type { Case } from './case';
import { reasonAgainst, runCases, type Verdict } from './suite';
import type { Targets } from './targets/target';

/** All cases run before the first test looks at its verdict: they share one host, side by side. */
function verdictsOf(make: () => Targets | Promise<Targets>): () => Map<Case, Verdict> {
  let verdicts = new Map<Case, Verdict>();
  beforeAll(async () => {
    const targets = await make();
    try {
      verdicts = await runCases(cases, targets);
    } finally {
      await targets.close();
    }
  }, 300_000);
  return () => verdicts;
}

/** The cases that can run in a place, each a test of jest. */
export function testCases(place: 'sqlite' | 'memory', make: () => Targets | Promise<Targets>): void {
  const verdicts = verdictsOf(make);
  const here = cases.filter((conformance) => reasonAgainst(conformance, place) === undefined);
  test.each(here.map((one) => [one.area, one.name, one] as const))('%s: %s', (_area, _name, conformance) => {
    expect(verdicts().get(conformance)).toEqual({ kind: 'green' });
  });
}
