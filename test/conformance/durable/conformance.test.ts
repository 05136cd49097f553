import { cases } from './cases';
import type { Case } from './case';
import { runCases, type Verdict } from './suite';
import { hostTargets } from './targets/host-targets';
import { memoryTargets } from './targets/memory-targets';
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

describe.each([
  ['on a host process with the SQLite store', 'sqlite', () => hostTargets()],
  ['on the memory store with virtual time', 'memory', () => memoryTargets(1)],
] as const)('%s', (_where, place, make) => {
  const verdicts = verdictsOf(make);

  test.each(
    cases.filter(({ except }) => except?.[place] === undefined).map((one) => [one.area, one.name, one] as const),
  )('%s: %s', (_area, _name, conformance) => {
    expect(verdicts().get(conformance)).toEqual({ kind: 'green' });
  });
});

test('each case is a claim of its own', () => {
  const claims = cases.map(({ area, name }) => `${area}: ${name}`);
  expect(claims).toEqual([...new Set(claims)]);
});
