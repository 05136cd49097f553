import { exitCodes } from './exit-codes';
import { requiredMarks } from './marks';
import { simulate } from './run-command';

/** Some seconds of two cores. `npm run simulate -- --seeds N` takes any number, and simulate.long.test.ts more. */
const seeds = '12';

test(`no promise is broken in ${seeds} seeds`, async () => {
  const { violations } = await simulate('--seeds', seeds);
  expect(violations).toEqual([]);
}, 3_600_000);

test('a seed is the same in every process', async () => {
  const [one, other] = await Promise.all([
    simulate('--seeds', '2', '--workers', '1'),
    simulate('--seeds', '2', '--workers', '2'),
  ]);
  expect(one.violations).toEqual([]);
  expect(other.fingerprint).toBe(one.fingerprint);
}, 300_000);

test('a mark that is not reached in as many seeds as it is due in fails the command, and is named', async () => {
  const [tooFew, enough] = await Promise.all([
    simulate('--seeds', '1', '--from', '6'),
    simulate('--seeds', '1', '--from', '6', '--marks-from', '1'),
  ]);
  expect(tooFew.violations).toEqual([]);
  expect(tooFew.exitCode).toBe(exitCodes.done);
  expect(enough.exitCode).toBe(exitCodes.broken);
  // No single seed has a move of each kind.
  expect(enough.marksMissing).toEqual(requiredMarks.filter((mark) => enough.marks[mark] === undefined));
  expect(enough.marksMissing).toContain('parked at the pivot');
}, 300_000);
