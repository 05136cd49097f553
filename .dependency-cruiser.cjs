// The layers of docs/decisions/0001: arrows point down only. A violation prints the reason below.
const tests = '\\.test\\.ts$';
const layer = (name, from, to, comment) => ({
  name,
  severity: 'error',
  comment,
  from: { path: from, pathNot: tests },
  to,
});

module.exports = {
  forbidden: [
    {
      name: 'no-cycles',
      severity: 'error',
      comment: 'Modules that need each other are one module, or miss a third.',
      from: {},
      to: { circular: true },
    },
    layer(
      'contracts-import-only-zod',
      '^contracts/',
      { pathNot: ['^contracts/', 'node_modules/zod/'] },
      'Both sides of the wire and the orchestrators (which must be deterministic) depend on contracts.',
    ),
    layer(
      'relay-imports-only-contracts',
      '^relay/',
      { path: '^(agent|activities|functions|runtime|cli|test|bench)/' },
      'The relay is used from both sides; it knows neither.',
    ),
    layer(
      'agent-knows-no-functions',
      '^agent/',
      { path: '^(activities|functions|runtime|cli|test|bench)/|node_modules/(@azure/functions|durable-functions)/' },
      'The agent is a program of its own on a Hyper-V host: nothing of Azure Functions runs there.',
    ),
    layer(
      'activities-know-no-orchestrators',
      '^activities/',
      { path: '^(functions|agent|runtime|cli|test|bench)/' },
      'An activity is called by name; it reaches agents through the relay only.',
    ),
    layer(
      'saga-knows-no-domain',
      '^functions/saga/',
      { path: '^(activities/(?!definitions)|relay|agent|runtime|functions/(?!saga))' },
      'The interpreter runs any itinerary; it must stay deterministic and free of one kind.',
    ),
    layer(
      'saga-and-orchestrators-use-no-node',
      '^functions/(saga|orchestrators)/',
      { dependencyTypes: ['core'] },
      'Orchestrators are replayed: no input and output, no clock, no chance.',
    ),
    layer(
      'orchestrators-import-definitions-only',
      '^functions/orchestrators/',
      {
        pathNot: [
          '^functions/(orchestrators|saga)/',
          '^contracts/',
          '^activities/definitions',
          'node_modules/(durable-functions|zod|@azure/functions)/',
        ],
      },
      'An orchestrator that imports an activity body would run it on replay.',
    ),
    layer(
      'triggers-know-no-activity-body',
      '^functions/triggers/',
      { path: '^(agent|runtime|cli|functions/saga)/' },
      'A trigger parses, calls the durable client, answers.',
    ),
    layer(
      'runtime-imported-by-outermost-only',
      '^(contracts|relay|agent|activities|functions)/',
      { path: '^(runtime|cli|bench|test)/' },
      'In Azure the real Functions host takes the place of runtime/.',
    ),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { extensions: ['.ts', '.js', '.json'] },
  },
};
