import { simulate } from './run-command';

/** Two minutes on two cores; `npm run simulate -- --seeds N` takes any number. */
const seeds = '200';

test(`no promise is broken in ${seeds} seeds`, async () => {
  const { violations } = await simulate('--seeds', seeds);
  expect(violations).toEqual([]);
}, 3_600_000);

/** A minute on two cores. */
const calmSeeds = '40';

test(`in ${calmSeeds} seeds without faults a run knows at a quarter of its time when it will end`, async () => {
  const { violations, foretold } = await simulate('--foretold', '--seeds', calmSeeds);
  expect(violations).toEqual([]);
  expect(foretold).toMatchObject({ isGoodEnough: true });
  expect(foretold?.runs).toBeGreaterThan(20);
}, 3_600_000);
