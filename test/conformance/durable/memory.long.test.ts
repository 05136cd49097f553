import { cases } from './cases';
import { testCases } from './jest-suite';
import { memoryTargets } from './targets/memory-targets';

describe('on the memory store with virtual time', () => {
  testCases('memory', () => memoryTargets(1));
});

test('each case is a claim of its own', () => {
  const claims = cases.map(({ area, name }) => `${area}: ${name}`);
  expect(claims).toEqual([...new Set(claims)]);
});
