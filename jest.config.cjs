// Tests run on the built JavaScript: the same files that the agents, the runtime and Azure run.
//
// Suites that kill real processes, run the whole stack or walk thousands of random steps are named `*.long.test.ts`. `npm cit` leaves them
// out, so that a newcomer has an answer in minutes; `.ci/run` runs everything (HYPERFERRY_TESTS=all), `npm run test:long` the rest alone.
const choice = process.env.HYPERFERRY_TESTS ?? 'quick';
const paths = { quick: ['**/*.test.js', '!**/*.long.test.js'], all: ['**/*.test.js'] };
if (!(choice in paths))
  throw new Error(`HYPERFERRY_TESTS is "${choice}"; it is one of ${Object.keys(paths).join(', ')}`);

module.exports = {
  testEnvironment: 'node',
  roots: ['<rootDir>/dist'],
  testMatch: paths[choice],
  // The Functions worker supplies this module and npm has none; the runtime's own stands in, so that apps register in tests.
  moduleNameMapper: { '^@azure/functions-core$': '<rootDir>/dist/runtime/core/functions-core.js' },
  // The build is plain CommonJS already; Babel would read every file again for nothing.
  transform: {},
  // More than two cores have: tests that wait for a disk or a clock leave a core to the next.
  maxWorkers: 3,
  // For the slowest machine that is known to run them with everything else beside; a test that hangs costs this long.
  testTimeout: 180_000,
};
