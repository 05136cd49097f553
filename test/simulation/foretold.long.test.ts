import { simulate } from './run-command';

/** A minute on two cores. */
const calmSeeds = '40';

test(`in ${calmSeeds} seeds without faults a run knows at a quarter of its time when it will end`, async () => {
  const { violations, foretold } = await simulate('--foretold', '--seeds', calmSeeds);
  expect(violations).toEqual([]);
  expect(foretold).toMatchObject({ isGoodEnough: true });
  expect(foretold?.runs).toBeGreaterThan(20);
}, 3_600_000);
