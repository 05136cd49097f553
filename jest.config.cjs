// Tests run on the built JavaScript: the same files that the agents, the runtime and Azure run.
module.exports = {
  testEnvironment: 'node',
  roots: ['<rootDir>/dist'],
  testMatch: ['**/*.test.js'],
  maxWorkers: 2,
  testTimeout: 30_000,
};
