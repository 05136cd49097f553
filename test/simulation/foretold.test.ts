import { failureOf } from '../../contracts/failure';
import type { RunReport } from '../../contracts/migration';
import { summaryOf } from './foretold';
import { Foretelling } from './oracles/foretelling';

const seconds = (many: number): number => many * 1_000;
const at = (ms: number): string => new Date(ms).toISOString();

/** A run of 100 s that says at each of these seconds when it will end. */
function foretold(
  said: readonly (readonly [second: number, endSecond: number | null])[],
  question: RunReport['question'] = null,
) {
  const foretelling = new Foretelling('lan');
  for (const [second, end] of said)
    foretelling.shown({ expectedEndAt: end === null ? null : at(seconds(end)), question }, seconds(second));
  return foretelling.atEnd(seconds(100));
}

test('what counts is what was said last before a quarter of the run was over', () => {
  expect(
    foretold([
      [0, null],
      [20, 90],
      [30, 100],
    ]),
  ).toEqual({ kind: 'lan', leftMs: seconds(75), foretoldMs: seconds(65) });
  expect(
    foretold([
      [0, null],
      [30, 100],
    ]),
  ).toMatchObject({ foretoldMs: null });
});

test('a run that a person kept waiting, or that was short, is not judged', () => {
  const question = {
    questionId: 'q1',
    text: 'well?',
    answers: ['accept' as const],
    failure: failureOf('Bug', { message: 'no' }),
  };
  expect(foretold([[0, 100]], question)).toBeUndefined();
  expect(foretold([[80, 100]])).toBeUndefined();
});

test('nine of ten have to be within 15 %, and what foretold nothing is not', () => {
  const good = { kind: 'lan', leftMs: 100, foretoldMs: 86 } as const;
  const bad = { kind: 'live', leftMs: 100, foretoldMs: 116 } as const;
  const silent = { kind: 'live', leftMs: 100, foretoldMs: null } as const;
  const nine = Array.from({ length: 9 }, () => good);
  expect(summaryOf([...nine, bad])).toMatchObject({ runs: 10, within: 9, isGoodEnough: true });
  expect(summaryOf([...nine, bad, silent])).toMatchObject({ runs: 11, within: 9, isGoodEnough: false });
  expect(summaryOf([])).toMatchObject({ isGoodEnough: false });
});
