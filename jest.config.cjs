// Tests run on the built JavaScript: the same files that the agents, the runtime and Azure run.
module.exports = {
  testEnvironment: 'node',
  roots: ['<rootDir>/dist'],
  testMatch: ['**/*.test.js'],
  // The Functions worker supplies this module and npm has none; the runtime's own stands in, so that apps register in tests.
  moduleNameMapper: { '^@azure/functions-core$': '<rootDir>/dist/runtime/core/functions-core.js' },
  // The build is plain CommonJS already; Babel would read every file again for nothing.
  transform: {},
  maxWorkers: 2,
  testTimeout: 60_000,
};
