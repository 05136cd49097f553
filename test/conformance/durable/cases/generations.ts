import type { Case } from '../case';
import { completed, hangs, manage, pass, raise, running, shows, start } from '../steps';
import { matching, some } from '../match';

const area = 'continue-as-new';

export const generationCases: readonly Case[] = [
  {
    area,
    name: 'an orchestration begins again with the input that it gave itself',
    uses: ['CountDown', 'Echo'],
    steps: [start('CountDown', 5), completed('done', { input: 0 })],
  },
  {
    area,
    name: 'thirty generations that wait for nothing follow each other',
    uses: ['CountDownAtOnce'],
    steps: [start('CountDownAtOnce', 30), completed('done', { input: 0 })],
  },
  {
    area,
    name: 'continueAsNew without an input leaves none',
    uses: ['OnceMoreWithout'],
    steps: [start('OnceMoreWithout', 1), completed({ isWithout: true }, { input: null })],
  },
  {
    area,
    name: 'the history begins anew with each generation',
    uses: ['CountDown', 'Echo'],
    steps: [
      start('CountDown', 3),
      completed('done'),
      manage('GET /instances/{id}?showHistory=true', {
        status: 200,
        body: some({
          historyEvents: [
            some({ EventType: 'ExecutionStarted', Input: '0' }),
            some({ EventType: 'TaskCompleted', FunctionName: 'Echo' }),
            some({ EventType: 'ExecutionCompleted' }),
          ],
        }),
      }),
    ],
  },
  {
    area,
    name: 'an event a generation is collected, one after the other',
    uses: ['Collect'],
    steps: [
      start('Collect', { got: [], wanted: 3 }),
      running(),
      raise('item', 'a'),
      shows({ customStatus: 1 }),
      raise('item', 'b'),
      shows({ customStatus: 2 }),
      raise('item', 'c'),
      completed(['a', 'b', 'c']),
    ],
  },
  {
    area,
    name: 'events that come together with the one that ends a generation are carried over',
    uses: ['Collect'],
    steps: [
      start('Collect', { got: [], wanted: 4 }),
      raise('item', 1),
      raise('item', 2),
      raise('item', 3),
      raise('item', 4),
      // How many are lost depends on the batches in which they come.
      running(),
    ],
    here: {
      reason: 'the real one loses those that came in an earlier batch',
      steps: [
        start('Collect', { got: [], wanted: 4 }),
        raise('item', 1),
        raise('item', 2),
        raise('item', 3),
        raise('item', 4),
        completed([1, 2, 3, 4]),
      ],
    },
  },
  {
    area,
    name: 'events that nobody waited for before continueAsNew are kept',
    uses: ['CollectSlowly'],
    steps: [
      start('CollectSlowly', { got: [], wanted: 2 }),
      running(),
      raise('item', 'first'),
      pass(5000),
      raise('item', 'early'),
      pass(5000),
      raise('proceed', 1),
      pass(5000),
      raise('proceed', 2),
      ...hangs,
    ],
    here: {
      reason: 'the real one loses them',
      steps: [
        start('CollectSlowly', { got: [], wanted: 2 }),
        running(),
        raise('item', 'first'),
        pass(60),
        raise('item', 'early'),
        pass(60),
        raise('proceed', 1),
        pass(60),
        raise('proceed', 2),
        completed(['first', 'early']),
      ],
    },
  },
  {
    area,
    name: 'a monitor sleeps and begins again',
    uses: ['Monitor'],
    steps: [start('Monitor', { left: 3, everyMs: 40 }), completed('seen enough')],
  },
  {
    area,
    name: 'a monitor that looks once a day for a month ends after a month',
    uses: ['Monitor'],
    steps: [
      start('Monitor', { left: 29, everyMs: 86_400_000 }),
      pass(30 * 86_400_000 - 1),
      running(),
      completed('seen enough'),
    ],
    lasts: 'months',
  },
  {
    area,
    name: 'a generation begins with the custom status of the one before',
    uses: ['StatusOfBefore'],
    steps: [
      start('StatusOfBefore', 0),
      shows({ customStatus: 'set in the first', input: 1 }),
      raise('end', null),
      completed('done', { customStatus: 'set in the first' }),
    ],
  },
  {
    area,
    name: 'a cancelled timer does not follow into the next generation',
    uses: ['LeaveTimerBehind', 'Echo'],
    steps: [start('LeaveTimerBehind', 0), completed('done')],
  },
  {
    area,
    name: 'an instance keeps its id and its name over its generations',
    uses: ['CountDown', 'Echo'],
    steps: [
      start('CountDown', 2),
      completed('done', {
        name: 'CountDown',
        instanceId: '{id}',
        createdTime: matching(/^\d{4}-\d\d-\d\dT[\d:]{8}Z$/),
      }),
    ],
  },
];
