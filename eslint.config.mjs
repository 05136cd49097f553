// Lint guards three things that a type checker cannot: nothing floats, orchestrators are deterministic, failures are values.
// Which folder may import which is held by .dependency-cruiser.cjs, each rule with its reason.
import js from '@eslint/js';
import tseslint from 'typescript-eslint';

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

export default tseslint.config(
  { ignores: ['dist/**', 'node_modules/**', '.hyperferry/**'] },
  js.configs.recommended,
  {
    files: ['**/*.ts'],
    extends: [...tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/return-await': ['error', 'in-try-catch'],
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      // Records of the wire are read with [] and narrowed; a delete of a key that was computed is ordinary there.
      '@typescript-eslint/no-dynamic-delete': 'off',
      // A handler may have to be async for its interface and have nothing to wait for.
      '@typescript-eslint/require-await': 'off',
      eqeqeq: 'error',
      'no-console': 'error',
    },
  },
  {
    files: ['functions/orchestrators/**/*.ts', 'functions/saga/**/*.ts'],
    ignores: ['**/*.test.ts'],
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
  {
    files: ['**/*.test.ts', 'test/**/*.ts', 'bench/**/*.ts'],
    rules: {
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
    },
  },
  { files: ['bench/**/*.ts', 'cli/**/*.ts', 'runtime/**/*.ts'], rules: { 'no-console': 'off' } },
  {
    files: ['**/*.cjs', '**/*.mjs'],
    languageOptions: { globals: { module: 'writable', require: 'readonly', process: 'readonly', console: 'readonly' } },
  },
);
