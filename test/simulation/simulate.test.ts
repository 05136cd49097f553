import { simulate } from './run-command';

/** Few, so that the suite stays short; simulate.long.test.ts lives through many. */
const seeds = '3';

test('no promise is broken in a few seeds, and each is the same in every process', async () => {
  const [one, other] = await Promise.all([
    simulate('--seeds', seeds, '--workers', '1'),
    simulate('--seeds', seeds, '--workers', '2'),
  ]);
  expect(one.violations).toEqual([]);
  expect(other.fingerprint).toBe(one.fingerprint);
}, 300_000);
