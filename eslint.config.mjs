// Orchestrators are deterministic: what Durable replays may ask for nothing that changes from one time to the next. All other rules are
// those of .oxlintrc.json, which needs a tenth of the time for them and knows types; it has no rule for a shape of code, as these want.
// Which folder may import which is held by .dependency-cruiser.cjs, each rule with its reason.
import parser from '@typescript-eslint/parser';

const nonDeterministic =
  'Durable replays orchestrators: time, chance and identity come from context.df, everything else from an activity.';

const forbiddenInOrchestrators = [
  'setTimeout',
  'setInterval',
  'setImmediate',
  'fetch',
  'process',
  'crypto',
  'performance',
  'Promise',
  'queueMicrotask',
].map((name) => ({ name, message: nonDeterministic }));

export default [
  {
    files: ['functions/orchestrators/**/*.ts', 'functions/saga/**/*.ts'],
    ignores: ['**/*.test.ts'],
    languageOptions: { parser },
    rules: {
      'no-restricted-globals': ['error', ...forbiddenInOrchestrators],
      'no-restricted-properties': [
        'error',
        { object: 'Math', property: 'random', message: nonDeterministic },
        {
          property: 'callActivityWithRetry',
          message: 'RetryOptions cannot tell permanent from transient and has a known hang; saga/attempt.ts retries.',
        },
        {
          property: 'callSubOrchestratorWithRetry',
          message: 'RetryOptions cannot tell permanent from transient; children return outcomes.',
        },
        { property: 'lock', message: 'df.lock is gone in durable-functions 4.' },
        { property: 'callHttp', message: 'df.callHttp cannot sign requests to agents; use an activity.' },
        {
          property: 'isReplaying',
          message: 'Nothing may depend on isReplaying: it differs between a replay and a first run.',
        },
      ],
      'no-restricted-syntax': [
        'error',
        {
          selector: "NewExpression[callee.name='Date'][arguments.length=0], CallExpression[callee.name='Date']",
          message: nonDeterministic,
        },
        { selector: "MemberExpression[object.name='Date'][property.name='now']", message: nonDeterministic },
        { selector: 'AwaitExpression', message: 'Orchestrators are generators: yield* a helper of saga/.' },
        { selector: ':function[async=true]', message: 'Orchestrators are generators: yield* a helper of saga/.' },
      ],
    },
  },
];
