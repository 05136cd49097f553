import type { Case } from '../case';
import { anything, listWith, matching, some, textWith } from '../match';
import {
  ask,
  client,
  clientFails,
  completed,
  entityIs,
  exchange,
  failed,
  manage,
  operate,
  running,
  shows,
  signal,
  start,
  terminated,
} from '../steps';

const area = 'client';
const waiting = [start('WaitFor', 'go'), shows({ customStatus: 'waiting' })];
const link = (rest: string): ReturnType<typeof matching> =>
  matching(new RegExp(`^{origin}/runtime/webhooks/durabletask/instances/{id}${rest}.*code=`));
const payload = {
  id: '{id}',
  statusQueryGetUri: link('\\?taskHub='),
  sendEventPostUri: link('/raiseEvent/\\{eventName\\}\\?taskHub='),
  terminatePostUri: link('/terminate\\?reason=\\{text\\}&taskHub='),
  rewindPostUri: link('/rewind\\?reason=\\{text\\}&taskHub='),
  purgeHistoryDeleteUri: link('\\?taskHub='),
  restartPostUri: link('/restart\\?taskHub='),
  suspendPostUri: link('/suspend\\?reason=\\{text\\}&taskHub='),
  resumePostUri: link('/resume\\?reason=\\{text\\}&taskHub='),
};
const statusOf = (runtimeStatus: string) => some({ instanceId: '{id}', runtimeStatus });

export const clientCases: readonly Case[] = [
  {
    area,
    name: 'startNew starts with a chosen id and an input',
    uses: ['client', 'Input'],
    steps: [client('startNew', { name: 'Input', id: '{id}', input: { a: 1 } }, '{id}'), completed({ a: 1 })],
  },
  {
    area,
    name: 'startNew without an id makes one of 32 digits',
    uses: ['client', 'Nothing'],
    steps: [
      client('startNew', { name: 'Nothing' }, matching(/^[0-9a-f]{32}$/), { save: { made: 'body.result' } }),
      completed(null, {}, { id: '{made}' }),
    ],
  },
  {
    area,
    name: 'startNew with a living id fails and says why',
    uses: ['client', 'WaitFor', 'Nothing'],
    steps: [
      ...waiting,
      clientFails('startNew', { name: 'Nothing', id: '{id}' }, matching(/409.*already exists/)),
      operate('terminate'),
    ],
  },
  {
    area,
    name: 'a client function can be registered with df.app.client',
    uses: ['clientStarter', 'Nothing'],
    steps: [ask('POST /api/client-starter/Nothing/{id}', { status: 200, body: '{id}' }), completed(null)],
  },
  {
    area,
    name: 'getStatus tells of an instance, with dates',
    uses: ['client', 'Input'],
    steps: [
      start('Input', 'x'),
      completed('x'),
      client(
        'getStatus',
        { id: '{id}' },
        some({
          name: 'Input',
          instanceId: '{id}',
          runtimeStatus: 'Completed',
          input: 'x',
          output: 'x',
          createdTime: matching(/^\d{4}-\d\d-\d\dT/),
          lastUpdatedTime: matching(/^\d{4}-\d\d-\d\dT/),
        }),
      ),
    ],
  },
  {
    area,
    name: 'getStatus of an unknown instance fails and says 404',
    uses: ['client'],
    steps: [clientFails('getStatus', { id: '{id}' }, textWith('HTTP 404'))],
  },
  {
    area,
    name: 'getStatus takes its options; the package itself drops the history that it is given',
    uses: ['client', 'Input'],
    steps: [
      start('Input', 'x'),
      completed('x'),
      client(
        'getStatus',
        { id: '{id}', options: { showHistory: true, showHistoryOutput: true, showInput: true } },
        {
          name: 'Input',
          instanceId: '{id}',
          runtimeStatus: 'Completed',
          input: 'x',
          output: 'x',
          customStatus: null,
          createdTime: anything,
          lastUpdatedTime: anything,
        },
      ),
    ],
  },
  {
    area,
    name: 'getStatusAll lists this one among all',
    uses: ['client', 'Nothing'],
    isAlone: true,
    steps: [start('Nothing'), completed(null), client('getStatusAll', {}, listWith(statusOf('Completed')))],
  },
  {
    area,
    name: 'getStatusBy lists by state and time, page after page',
    uses: ['client', 'ThrowAtOnce'],
    isAlone: true,
    steps: [
      start('ThrowAtOnce', 'x'),
      failed(textWith('x')),
      client(
        'getStatusBy',
        { from: '2020-01-01T00:00:00Z', to: '2900-01-01T00:00:00Z', statuses: ['Failed'] },
        listWith(statusOf('Failed')),
      ),
      client('getStatusBy', { to: '2020-01-01T00:00:00Z' }, []),
    ],
  },
  {
    area,
    name: 'getStatusBy gets more than a page holds',
    uses: ['client', 'Nothing'],
    isAlone: true,
    steps: [
      { kind: 'together', count: 130, steps: [start('Nothing', undefined, '{id}-{n}')] },
      { kind: 'together', count: 130, steps: [completed(null, {}, { id: '{id}-{n}' })] },
      client('getStatusBy', { statuses: ['Completed'] }, listWith(some({ instanceId: '{id}-0' }))),
      client('getStatusBy', { statuses: ['Completed'] }, listWith(some({ instanceId: '{id}-129' }))),
      client('getStatusBy', { statuses: ['Completed'] }, listWith(some({ instanceId: '{id}-64' }))),
    ],
  },
  {
    area,
    name: 'raiseEvent delivers',
    uses: ['client', 'WaitFor'],
    steps: [...waiting, client('raiseEvent', { id: '{id}', event: 'go', data: { n: 1 } }, null), completed({ n: 1 })],
  },
  {
    area,
    name: 'raiseEvent to an unknown instance fails, to one that has ended it does not',
    uses: ['client', 'Nothing'],
    steps: [
      clientFails('raiseEvent', { id: '{id}', event: 'go', data: 1 }, "No instance with ID '{id}' found."),
      start('Nothing'),
      completed(null),
      client('raiseEvent', { id: '{id}', event: 'go', data: 1 }, null),
    ],
  },
  {
    area,
    name: 'terminate ends an instance',
    uses: ['client', 'WaitFor'],
    steps: [...waiting, client('terminate', { id: '{id}', reason: 'by client' }, null), terminated('by client')],
  },
  {
    area,
    name: 'suspend and resume hold an instance and let it go on',
    uses: ['client', 'WaitFor'],
    steps: [
      ...waiting,
      client('suspend', { id: '{id}', reason: 'pause' }, null),
      shows({ runtimeStatus: 'Suspended' }),
      client('resume', { id: '{id}', reason: 'on' }, null),
      running(),
      client('raiseEvent', { id: '{id}', event: 'go', data: 1 }, null),
      completed(1),
    ],
  },
  ...['terminate', 'suspend', 'resume'].map((operation): Case => ({
    area,
    name: `${operation} of an unknown instance fails with its id`,
    uses: ['client'],
    steps: [clientFails(operation, { id: '{id}', reason: 'x' }, "No instance with ID '{id}' found.")],
  })),
  {
    area,
    name: 'rewind lets a failed instance go on',
    uses: ['client', 'FailsTwice', 'FailTimes', 'Echo'],
    steps: [
      start('FailsTwice'),
      failed(textWith('failure 1')),
      client('rewind', { id: '{id}', reason: 'again' }, null),
      completed(['before', 'succeeded after 1']),
    ],
  },
  {
    area,
    name: 'rewind of an instance that has not failed fails and says so',
    uses: ['client', 'Nothing'],
    steps: [
      start('Nothing'),
      completed(null),
      clientFails(
        'rewind',
        { id: '{id}', reason: 'x' },
        textWith('only orchestrations in the "Failed" state can be rewound'),
      ),
    ],
  },
  {
    area,
    name: 'rewind of an unknown instance fails and says so',
    uses: ['client'],
    steps: [clientFails('rewind', { id: '{id}', reason: 'x' }, textWith('No orchestration with instance ID'))],
  },
  {
    area,
    name: 'purgeInstanceHistory forgets one, and tells of none when there is none',
    uses: ['client', 'Nothing'],
    steps: [
      start('Nothing'),
      completed(null),
      client('purgeInstanceHistory', { id: '{id}' }, { instancesDeleted: 1 }),
      client('purgeInstanceHistory', { id: '{id}' }, { instancesDeleted: 0 }),
    ],
  },
  {
    area,
    name: 'purgeInstanceHistory of one that runs fails',
    uses: ['client', 'WaitFor'],
    steps: [...waiting, clientFails('purgeInstanceHistory', { id: '{id}' }, matching(/412/)), operate('terminate')],
  },
  {
    area,
    name: 'purgeInstanceHistoryBy forgets by time and state',
    uses: ['client', 'Nothing'],
    isAlone: true,
    steps: [
      start('Nothing'),
      completed(null),
      client(
        'purgeInstanceHistoryBy',
        { from: '2019-01-01T00:00:00Z', to: '2019-01-02T00:00:00Z' },
        { instancesDeleted: 0 },
      ),
      manage('GET /instances/{id}', { status: 200 }),
      client('purgeInstanceHistoryBy', { from: '2020-01-01T00:00:00Z', statuses: ['Completed'] }, some({})),
      manage('GET /instances/{id}', { status: 404 }),
    ],
  },
  {
    area,
    name: 'signalEntity and readEntityState reach an entity',
    uses: ['client', 'Counter'],
    steps: [
      client('readEntityState', { key: '{id}' }, { entityExists: false }),
      client('signalEntity', { key: '{id}', operation: 'add', data: 4 }, null),
      entityIs('Counter/{id}', 4),
      client('readEntityState', { key: '{id}' }, { entityExists: true, entityState: 4 }),
    ],
  },
  {
    area,
    name: 'signalEntity to an unknown entity function fails',
    uses: ['client'],
    steps: [
      clientFails(
        'signalEntity',
        { name: 'Unheard', key: '{id}', operation: 'x' },
        textWith("The function 'unheard' doesn't exist"),
      ),
    ],
  },
  {
    area,
    name: 'createHttpManagementPayload gives the links of an instance',
    uses: ['client'],
    steps: [client('createHttpManagementPayload', { id: '{id}' }, payload)],
    isAlone: true,
    except: { azure: 'the origin in the links is the one that the app is known by, not the one that was asked' },
  },
  {
    area,
    name: 'createCheckStatusResponse answers 202 with the place of the status and the links',
    uses: ['checkStatus'],
    steps: [
      ask('POST /api/check-status/{id}', {
        status: 202,
        headers: {
          location: link('\\?taskHub='),
          'retry-after': '10',
          'content-type': matching(/^application\/json/),
        },
        body: payload,
      }),
    ],
  },
  {
    area,
    name: 'the links of a check-status response work',
    uses: ['checkStatus', 'WaitFor'],
    steps: [
      ...waiting,
      exchange(
        { method: 'POST', path: '/api/check-status/{id}' },
        { status: 202 },
        { save: { status: 'body.statusQueryGetUri', event: 'body.sendEventPostUri' } },
      ),
      exchange(
        { method: 'GET', path: '{status}', key: 'none' },
        { status: 202, body: some({ customStatus: 'waiting' }) },
      ),
      operate('terminate'),
    ],
  },
  {
    area,
    name: 'waitForCompletion answers the output of one that ends in time',
    uses: ['startAndWait', 'Chain', 'Echo'],
    steps: [
      ask('POST /api/start-and-wait/Chain/{id}', { status: 200, body: 15 }, { json: { input: 5, timeoutMs: 40_000 } }),
    ],
  },
  {
    area,
    name: 'waitForCompletion answers 500 with the status of one that fails',
    uses: ['startAndWait', 'ThrowAtOnce'],
    steps: [
      ask(
        'POST /api/start-and-wait/ThrowAtOnce/{id}',
        { status: 500, body: some({ runtimeStatus: 'Failed', output: textWith('why') }) },
        { json: { input: 'why', timeoutMs: 40_000 } },
      ),
    ],
  },
  {
    area,
    name: 'waitForCompletion answers the links when time is up',
    uses: ['startAndWait', 'WaitFor'],
    steps: [
      ask(
        'POST /api/start-and-wait/WaitFor/{id}',
        { status: 202, headers: { 'retry-after': '10' }, body: some({ id: '{id}', statusQueryGetUri: anything }) },
        { json: { input: 'go', timeoutMs: 200, intervalMs: 50 } },
      ),
      operate('terminate'),
    ],
  },
  {
    area,
    name: 'waitForCompletion refuses an interval that is longer than its time',
    uses: ['startAndWait', 'Nothing'],
    steps: [
      ask(
        'POST /api/start-and-wait/Nothing/{id}',
        {
          status: 400,
          body: { error: textWith('Total timeout 100 (ms) should be bigger than retry timeout 200 (ms)') },
        },
        { json: { timeoutMs: 100, intervalMs: 200 } },
      ),
    ],
  },
  {
    area,
    name: 'the client knows its task hub',
    uses: ['client'],
    steps: [client('taskHubName', {}, 'DurableConformance')],
  },
  {
    area,
    name: 'an entity that nobody has signalled is not made by reading it',
    uses: ['client', 'Counter'],
    steps: [
      client('readEntityState', { key: '{id}' }, { entityExists: false }),
      manage('GET /instances?instanceIdPrefix=@counter@{id}', { status: 200, body: [] }),
      signal('Counter/{id}', 'add', 1),
      entityIs('Counter/{id}', 1),
    ],
  },
];
