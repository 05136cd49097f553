import { cases } from './cases';
import { testCases } from './jest-suite';
import { virtualTargets } from './targets/virtual-targets';

describe('on the memory store with virtual time', () => {
  testCases('memory', () => virtualTargets('memory', 1));
});

test('each case is a claim of its own', () => {
  const claims = cases.map(({ area, name }) => `${area}: ${name}`);
  expect(claims).toEqual([...new Set(claims)]);
});
