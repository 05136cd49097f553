import { simulate } from './run-command';

/** A minute of two cores: others than the seeds of simulate.test.ts. */
const [from, seeds] = ['13', '200'];

test(`no promise is broken in ${seeds} seeds more`, async () => {
  const { violations } = await simulate('--seeds', seeds, '--from', from);
  expect(violations).toEqual([]);
}, 3_600_000);
