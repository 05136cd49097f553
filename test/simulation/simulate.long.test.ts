import { simulate } from './run-command';

/** As many as CI has time for; `npm run simulate -- --seeds N` takes any number. */
const seeds = '60';

test(`no promise is broken in ${seeds} seeds`, async () => {
  const { violations } = await simulate('--seeds', seeds);
  expect(violations).toEqual([]);
}, 3_600_000);
