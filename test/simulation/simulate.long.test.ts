import { simulate } from './run-command';

/** Two minutes on two cores; `npm run simulate -- --seeds N` takes any number. */
const seeds = '200';

test(`no promise is broken in ${seeds} seeds`, async () => {
  const { violations } = await simulate('--seeds', seeds);
  expect(violations).toEqual([]);
}, 3_600_000);
