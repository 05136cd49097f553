import type { Case } from '../case';
import { anything, matching, some, textWith } from '../match';
import { completed, exchange, failed, hangs, manage, pass, raise, running, shows, start } from '../steps';

const versioned = (query: string, version: string | null, name: string): Case => ({
  area: 'versions',
  name,
  uses: ['Version'],
  steps: [manage(`POST /orchestrators/Version/{id}${query}`, { status: 202 }, { text: '' }), completed(version)],
});
const broken = (name: string, orchestrator: string, complaint: string, uses: readonly string[]): Case => ({
  area: 'determinism',
  name,
  uses: [orchestrator, ...uses],
  steps: [start(orchestrator), failed(textWith(complaint))],
});

const isoTime = matching(/^\d{4}-\d\d-\d\dT[\d:]{8}(\.\d+)?Z$/);
const isoTimeWithZone = matching(/^\d{4}-\d\d-\d\dT[\d:]{8}(\.\d+)?\+00:00$/);
const commonStatusFields = {
  name: anything,
  instanceId: '{id}',
  runtimeStatus: 'Failed',
  input: null,
  customStatus: null,
  output: anything,
  createdTime: isoTime,
  lastUpdatedTime: isoTime,
};
const startedFields = {
  EventType: 'ExecutionStarted',
  Input: null,
  Correlation: null,
  ParentTraceContext: null,
  ScheduledStartTime: null,
  Generation: null,
  GenerateNewTrace: false,
  Timestamp: isoTime,
  FunctionName: 'Uncaught',
};

export const replayCases: readonly Case[] = [
  {
    area: 'custom status',
    name: 'a custom status is seen while the orchestration runs, and after it',
    uses: ['SetStatus'],
    steps: [
      start('SetStatus', [{ step: 1 }, 'text', [1, 2], 7]),
      shows({ runtimeStatus: 'Running', customStatus: { step: 1 } }),
      raise('next', 0),
      shows({ customStatus: 'text' }),
      raise('next', 0),
      shows({ customStatus: [1, 2] }),
      raise('next', 0),
      shows({ customStatus: 7 }),
      raise('next', 0),
      completed('done', { customStatus: 7 }),
    ],
  },
  {
    area: 'custom status',
    name: 'without one it is null',
    uses: ['Nothing'],
    steps: [start('Nothing'), completed(null, { customStatus: null })],
  },
  {
    area: 'custom status',
    name: 'a falsy value does not clear it',
    uses: ['SetStatus'],
    steps: [
      start('SetStatus', ['set', null]),
      shows({ customStatus: 'set' }),
      raise('next', 0),
      raise('next', 0),
      completed('done', { customStatus: 'set' }),
    ],
  },
  {
    area: 'custom status',
    name: 'an empty object takes its place',
    uses: ['SetStatus'],
    steps: [
      start('SetStatus', ['set', {}]),
      shows({ customStatus: 'set' }),
      raise('next', 0),
      shows({ customStatus: {} }),
      raise('next', 0),
      completed('done', { customStatus: {} }),
    ],
  },
  {
    area: 'custom status',
    name: 'one of 16 KB in UTF-16 fits',
    uses: ['StatusOfLength', 'Echo'],
    steps: [start('StatusOfLength', 8190), completed('fits', { customStatus: matching(/^x{8190}$/) })],
  },
  {
    area: 'custom status',
    name: 'one above 16 KB in UTF-16 fails its orchestration and says so',
    uses: ['StatusOfLength'],
    steps: [
      start('StatusOfLength', 8192),
      failed(textWith('The UTF-16 size of the JSON-serialized payload must not exceed 16 KB.')),
    ],
  },
  versioned('?version=1.4', '1.4', 'an orchestration sees the version with which it was started'),
  versioned('?version=1.05', '1.05', 'a version of other digits that is not newer runs'),
  versioned('', '1.5', 'without one it has the default version of host.json'),
  ...['1.10', '2.0', '1.5.0', 'beta'].map((version): Case => ({
    area: 'versions',
    name: `an instance of the version ${version} is newer than 1.5 and waits for an app that runs it`,
    uses: ['Version'],
    steps: [
      manage(`POST /orchestrators/Version/{id}?version=${version}`, { status: 202 }, { text: '' }),
      pass(500),
      manage('GET /instances/{id}', { status: 202, body: some({ runtimeStatus: 'Pending', output: null }) }),
    ],
  })),
  {
    area: 'versions',
    name: 'a child has the default version unless it is given another',
    uses: ['ChildVersions', 'Version'],
    steps: [start('ChildVersions'), completed({ parent: '1.5', own: '1.5', given: '0.9' })],
  },
  {
    area: 'versions',
    name: 'the durable client starts with a version',
    uses: ['client', 'Version'],
    steps: [
      exchange(
        { method: 'POST', path: '/api/client/startNew', json: { name: 'Version', id: '{id}', version: '1.2' } },
        { status: 200, body: { result: '{id}' } },
      ),
      completed('1.2'),
    ],
  },
  {
    area: 'replay',
    name: 'a GUID is the same on each replay, another for each call, and of version 5',
    uses: ['Guids', 'Echo'],
    steps: [
      start('Guids'),
      completed({
        isSame: true,
        areDifferent: true,
        first: matching(/^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/),
      }),
    ],
  },
  {
    area: 'replay',
    name: 'the current time is the same on each replay and goes on from turn to turn',
    uses: ['Times', 'Echo'],
    steps: [start('Times'), completed({ isSame: true, isLater: true })],
  },
  {
    area: 'replay',
    name: 'what was played before counts as replayed, what is new does not',
    uses: ['Replaying', 'Echo'],
    steps: [start('Replaying'), completed([true, true, false])],
  },
  {
    area: 'replay',
    name: 'an orchestration without steps ends in its first turn',
    uses: ['Nothing'],
    steps: [start('Nothing'), completed(null)],
  },
  ...(
    [
      ['an object', { a: [1, null] }, { a: [1, null] }],
      ['a text', 'text', 'text'],
      ['zero', 0, 0],
      ['false', false, false],
      ['an empty list', [], []],
      ['a text of JSON', '{"a":1}', '{"a":1}'],
    ] as const
  ).map(([what, input, output]): Case => ({
    area: 'replay',
    name: `an orchestration gets ${what} as its input and returns it`,
    uses: ['Input'],
    steps: [start('Input', input), completed(output as never, { input: input as never })],
  })),
  {
    area: 'replay',
    name: 'an orchestration that is started without an input gets null',
    uses: ['InputType'],
    steps: [start('InputType'), completed('null', { input: null })],
  },
  broken('another activity than before breaks determinism', 'ChangesName', "with sequence ID 0 and name 'Echo'", [
    'Echo',
    'TypeOf',
  ]),
  broken('a timer instead of an activity breaks determinism', 'ChangesKind', 'with sequence ID 0', ['Echo']),
  broken('a call that is not made any more breaks determinism', 'ForgetsCall', 'with sequence ID 0', ['Echo']),
  broken('a call that was not made before breaks determinism', 'InsertsCall', 'with sequence ID 0', [
    'Echo',
    'Nothing',
  ]),
  {
    area: 'determinism',
    name: 'another input of a call does not: the first one holds',
    uses: ['ChangesInput', 'Echo'],
    steps: [start('ChangesInput'), completed('first')],
  },
  {
    area: 'determinism',
    name: 'the history of an instance that broke determinism can be read',
    uses: ['ChangesName', 'Echo', 'TypeOf'],
    steps: [
      start('ChangesName'),
      failed(textWith('')),
      manage('GET /instances/{id}?showHistory=true&showHistoryOutput=true', { status: 400 }),
    ],
    here: {
      reason: 'the history is what one needs then; the real one is answered 400',
      steps: [
        start('ChangesName'),
        failed(textWith('Was a change made to the orchestrator code')),
        manage('GET /instances/{id}?showHistory=true&showHistoryOutput=true', { status: 200 }),
      ],
    },
  },
  {
    area: 'failures',
    name: 'an orchestrator that throws at once fails with its message',
    uses: ['ThrowAtOnce'],
    steps: [
      start('ThrowAtOnce', 'why not'),
      failed("Orchestrator function 'ThrowAtOnce' failed: why not", { customStatus: null }),
    ],
  },
  {
    area: 'failures',
    name: 'an orchestrator that throws later fails with its message',
    uses: ['ThrowLater', 'Echo'],
    steps: [start('ThrowLater'), failed("Orchestrator function 'ThrowLater' failed: thrown later")],
  },
  {
    area: 'failures',
    name: 'an error of an activity that nobody catches fails the orchestration',
    uses: ['Uncaught', 'Throw'],
    steps: [
      start('Uncaught'),
      failed(textWith("Orchestrator function 'Uncaught' failed: Activity function 'Throw' failed:  nobody catches it")),
    ],
  },
  {
    area: 'failures',
    name: 'a text that an orchestrator throws fails it',
    uses: ['ThrowText'],
    steps: [start('ThrowText'), ...hangs],
    here: {
      reason: 'the real instance waits for ever: what is no Error has no message, and the extension sees no failure',
      steps: [
        start('ThrowText'),
        failed("Orchestrator function 'ThrowText' failed: it threw something that is no Error"),
      ],
    },
  },
  {
    area: 'failures',
    name: 'an orchestrator that yields no task fails and is told what it may yield',
    uses: ['YieldNumber'],
    steps: [start('YieldNumber'), failed(textWith('Orchestration yielded data of type number'))],
  },
  {
    area: 'failures',
    name: 'an orchestrator that yields nothing fails and is told why that may be',
    uses: ['YieldNothing'],
    steps: [start('YieldNothing'), failed(textWith('Orchestration yielded data of type undefined'))],
  },
  {
    area: 'failures',
    name: 'an orchestrator cleans up after a failure and then fails with the first error',
    uses: ['CleansUp', 'Throw', 'Echo'],
    steps: [
      start('CleansUp'),
      failed(textWith("Orchestrator function 'CleansUp' failed: Activity function 'Throw' failed:  the work"), {
        customStatus: 'cleaned up',
      }),
    ],
  },
  {
    area: 'failures',
    name: 'an unknown orchestrator is accepted and then fails',
    uses: [],
    steps: [
      start('Unheard'),
      failed(textWith("The function 'Unheard' doesn't exist, is disabled, or is not an orchestrator")),
    ],
  },
  {
    area: 'failures',
    name: 'an activity is no orchestrator',
    uses: ['Echo'],
    steps: [
      start('Echo'),
      failed(textWith("The function 'Echo' doesn't exist, is disabled, or is not an orchestrator")),
    ],
  },
  {
    area: 'failures',
    name: 'the failure of an activity stands in the history with its reason and details',
    uses: ['Uncaught', 'Throw'],
    steps: [
      start('Uncaught'),
      failed(textWith('')),
      manage('GET /instances/{id}?showHistory=true', {
        status: 200,
        body: {
          ...commonStatusFields,
          historyEvents: [
            { ...startedFields },
            {
              EventType: 'TaskFailed',
              Reason: textWith("Activity function 'Throw' failed:  nobody catches it"),
              Details: textWith('Exception: nobody catches it'),
              FailureDetails: null,
              Timestamp: isoTime,
              ScheduledTime: isoTimeWithZone,
              FunctionName: 'Throw',
              Input: null,
            },
            {
              EventType: 'ExecutionCompleted',
              OrchestrationStatus: 'Failed',
              FailureDetails: null,
              Timestamp: isoTime,
            },
          ],
        },
      }),
    ],
  },
  {
    area: 'replay',
    name: 'an orchestration can be found by its name while it runs',
    uses: ['WaitFor'],
    steps: [start('WaitFor', 'go'), running(), shows({ name: 'WaitFor', input: 'go', output: null })],
  },
];
