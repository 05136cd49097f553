import type { Case } from '../case';
import { anything, matching, some, textWith, type Expected } from '../match';
import {
  ask,
  askWith,
  completed,
  exchange,
  failed,
  manage,
  operate,
  raise,
  running,
  shows,
  start,
  startLinks,
} from '../steps';

const area = 'http api';
const json = matching(/^application\/json; ?charset=utf-8$/i);
const secondsTime = matching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
const noTime = (name: string, line: string, status: number): Case => ({
  area,
  name,
  uses: [],
  steps: [manage(line, { status })],
});
const statusFields = (fields: { readonly [name: string]: Expected }): Expected => ({
  name: 'WaitFor',
  instanceId: '{id}',
  input: 'go',
  customStatus: 'waiting',
  createdTime: secondsTime,
  lastUpdatedTime: secondsTime,
  ...fields,
});

export const httpApiCases: readonly Case[] = [
  {
    area,
    name: 'a start is answered 202 with the place of the status, when to come again, and eight links',
    uses: ['Nothing'],
    steps: [
      manage(
        'POST /orchestrators/Nothing/{id}',
        {
          status: 202,
          headers: {
            'content-type': json,
            'retry-after': '10',
            location: matching(/\/runtime\/webhooks\/durabletask\/instances\/{id}\?taskHub=/),
          },
          body: startLinks(),
        },
        { text: '' },
      ),
      completed(null),
    ],
  },
  {
    area,
    name: 'a start without an id makes one of 32 digits',
    uses: ['Nothing'],
    steps: [
      exchange(
        { method: 'POST', path: 'durable:/orchestrators/Nothing', text: '' },
        { status: 202, body: startLinks(matching(/^[0-9a-f]{32}$/)) },
        { save: { made: 'body.id' } },
      ),
      completed(null, {}, { id: '{made}' }),
    ],
  },
  {
    area,
    name: 'an orchestrator is started by its name in any case',
    uses: ['Nothing'],
    steps: [manage('POST /orchestrators/nOTHING/{id}', { status: 202 }, { text: '' }), completed(null)],
  },
  {
    area,
    name: 'a start takes JSON of any content type',
    uses: ['Input'],
    steps: [
      manage(
        'POST /orchestrators/Input/{id}',
        { status: 202 },
        { text: ' {"a" : 1 } ', headers: { 'content-type': 'text/plain' } },
      ),
      completed({ a: 1 }),
    ],
  },
  {
    area,
    name: 'a body that is no JSON is answered 400 and starts nothing',
    uses: ['Input'],
    steps: [
      manage(
        'POST /orchestrators/Input/{id}',
        {
          status: 400,
          body: some({ Message: 'Invalid JSON content', ExceptionType: 'Newtonsoft.Json.JsonReaderException' }),
        },
        { text: '{oops' },
      ),
      manage('GET /instances/{id}', { status: 404 }),
    ],
  },
  {
    area,
    name: 'a start that waits is answered with the bare output of one that completes',
    uses: ['Input'],
    steps: [
      manage(
        'POST /orchestrators/Input/{id}?timeout=40&pollingInterval=0.2',
        { status: 200, body: { a: [1] } },
        { json: { a: [1] } },
      ),
    ],
  },
  {
    area,
    name: 'a start that waits is answered 200 with the status of one that fails',
    uses: ['ThrowAtOnce'],
    steps: [
      manage(
        'POST /orchestrators/ThrowAtOnce/{id}?timeout=40&pollingInterval=0.2',
        { status: 200, body: some({ runtimeStatus: 'Failed', output: textWith('why') }) },
        { json: 'why' },
      ),
    ],
  },
  {
    area,
    name: 'a start that waits is answered the links when time is up',
    uses: ['WaitFor'],
    steps: [
      manage(
        'POST /orchestrators/WaitFor/{id}?timeout=1&pollingInterval=0.2',
        { status: 202, headers: { 'retry-after': '10' }, body: startLinks() },
        { json: 'go' },
      ),
      operate('terminate'),
    ],
  },
  {
    area,
    name: 'a time-out without a polling interval is no wait',
    uses: ['WaitFor'],
    steps: [
      manage('POST /orchestrators/WaitFor/{id}?timeout=30', { status: 202, body: startLinks() }, { json: 'go' }),
      operate('terminate'),
    ],
  },
  {
    area,
    name: 'the status of one that runs is answered 202 with when to come again',
    uses: ['WaitFor'],
    steps: [
      start('WaitFor', 'go'),
      shows({ customStatus: 'waiting' }),
      manage('GET /instances/{id}', {
        status: 202,
        headers: { 'content-type': json, 'retry-after': '5', location: textWith('/instances/{id}') },
        body: statusFields({ runtimeStatus: 'Running', output: null }),
      }),
      operate('terminate?reason=x'),
    ],
  },
  {
    area,
    name: 'the status of one that has ended is answered 200, not to be asked again',
    uses: ['WaitFor'],
    steps: [
      start('WaitFor', 'go'),
      shows({ customStatus: 'waiting' }),
      raise('go', 7),
      completed(7),
      manage('GET /instances/{id}', {
        status: 200,
        headers: { 'content-type': json, 'retry-after': null, location: null },
        body: statusFields({ runtimeStatus: 'Completed', output: 7 }),
      }),
    ],
  },
  {
    area,
    name: 'the failure of an instance is answered 500 only when asked for',
    uses: ['ThrowAtOnce'],
    steps: [
      start('ThrowAtOnce', 'x'),
      failed(textWith('x')),
      manage('GET /instances/{id}?returnInternalServerErrorOnFailure=true', {
        status: 500,
        body: some({ runtimeStatus: 'Failed' }),
      }),
      manage('GET /instances/{id}?returnInternalServerErrorOnFailure=false', { status: 200 }),
    ],
  },
  {
    area,
    name: 'names in the query are taken in any case',
    uses: ['Nothing'],
    steps: [
      start('Nothing'),
      completed(null),
      manage('GET /instances/{id}?SHOWHISTORY=True', { status: 200, body: some({ historyEvents: anything }) }),
    ],
  },
  {
    area,
    name: 'a history shows no inputs when they are not wanted',
    uses: ['Input'],
    steps: [
      start('Input', 'secret'),
      completed('secret'),
      manage('GET /instances/{id}?showHistory=true&showInput=false', {
        status: 200,
        body: some({
          historyEvents: [
            {
              EventType: 'ExecutionStarted',
              Correlation: null,
              ParentTraceContext: null,
              ScheduledStartTime: null,
              Generation: null,
              GenerateNewTrace: false,
              Timestamp: anything,
              FunctionName: 'Input',
            },
            anything,
          ],
        }),
      }),
    ],
  },
  {
    area,
    name: 'a history shows results only when they are wanted',
    uses: ['Call', 'Echo'],
    steps: [
      start('Call', { activity: 'Echo', input: 'r' }),
      completed('r'),
      manage('GET /instances/{id}?showHistory=true', {
        status: 200,
        body: some({
          historyEvents: [
            anything,
            {
              EventType: 'TaskCompleted',
              Timestamp: anything,
              ScheduledTime: anything,
              FunctionName: 'Echo',
              Input: null,
            },
            {
              EventType: 'ExecutionCompleted',
              OrchestrationStatus: 'Completed',
              FailureDetails: null,
              Timestamp: anything,
            },
          ],
        }),
      }),
    ],
  },
  {
    area,
    name: 'a timer stands in the history with its creation and its firing',
    uses: ['Sleep'],
    steps: [
      start('Sleep', 10),
      completed(anything),
      manage('GET /instances/{id}?showHistory=true', {
        status: 200,
        body: some({
          historyEvents: [
            some({ EventType: 'ExecutionStarted' }),
            some({ EventType: 'TimerCreated', FireAt: matching(/Z$/) }),
            some({ EventType: 'TimerFired', FireAt: matching(/Z$/) }),
            some({ EventType: 'ExecutionCompleted' }),
          ],
        }),
      }),
    ],
  },
  {
    area,
    name: 'links that a start gave are enough to manage the instance',
    uses: ['WaitFor'],
    steps: [
      exchange(
        { method: 'POST', path: 'durable:/orchestrators/WaitFor/{id}', json: 'go' },
        { status: 202 },
        {
          save: {
            statusLink: 'body.statusQueryGetUri',
            suspendLink: 'body.suspendPostUri',
            purgeLink: 'body.purgeHistoryDeleteUri',
          },
        },
      ),
      shows({ customStatus: 'waiting' }),
      exchange(
        { method: 'GET', path: '{statusLink}', key: 'none' },
        { status: 202, body: some({ instanceId: '{id}' }) },
      ),
      exchange({ method: 'POST', path: '{suspendLink}', key: 'none' }, { status: 202 }),
      shows({ runtimeStatus: 'Suspended' }),
      operate('resume'),
      running(),
      raise('go', 1),
      completed(1),
      exchange({ method: 'DELETE', path: '{purgeLink}', key: 'none' }, { status: 200 }),
      manage('GET /instances/{id}', { status: 404 }),
    ],
  },
  {
    area,
    name: 'an id with a space and other letters is one id in every place',
    uses: ['Identity'],
    steps: [
      manage(
        'POST /orchestrators/Identity/{id}%20%C3%A9%26',
        { status: 202, body: startLinks('{id} é&') },
        { text: '' },
      ),
      completed(some({ instanceId: '{id} é&' }), {}, { id: '{id}%20%C3%A9%26' }),
      manage('DELETE /instances/{id}%20%C3%A9%26', { status: 200 }),
    ],
  },
  noTime('the status of an unknown instance is answered 404', 'GET /instances/{id}', 404),
  noTime('purging an unknown instance is answered 404', 'DELETE /instances/{id}', 404),
  noTime('PUT of an instance is answered 404', 'PUT /instances/{id}', 404),
  noTime('POST to the list of instances is answered 404', 'POST /instances', 404),
  noTime('GET of an orchestrator is answered 404', 'GET /orchestrators/Nothing', 404),
  noTime('GET of an operation is answered 404', 'GET /instances/{id}/terminate', 404),
  noTime('an unknown operation is answered 404', 'POST /instances/{id}/explode', 404),
  noTime('a path that is not there is answered 404', 'GET /bogus', 404),
  noTime('a path that is too long is answered 404', 'GET /instances/{id}/raiseEvent/a/b', 404),
  noTime('PUT of an entity is answered 404', 'PUT /entities/Counter/{id}', 404),
  {
    area,
    name: 'the management API asks for a key',
    uses: [],
    steps: [
      askWith('none', 'GET /runtime/webhooks/durabletask/instances/{id}', 401),
      askWith('wrong', 'GET /runtime/webhooks/durabletask/instances/{id}', 401),
      askWith('master', 'GET /runtime/webhooks/durabletask/instances/{id}', 404),
      askWith('master in the address', 'GET /runtime/webhooks/durabletask/instances/{id}', 404),
    ],
  },
  {
    area,
    name: 'the system key opens the management API, a function key does not',
    uses: [],
    steps: [
      askWith('system', 'GET /runtime/webhooks/durabletask/instances/{id}', 404),
      askWith('function', 'GET /runtime/webhooks/durabletask/instances/{id}', 401),
    ],
    except: { azure: 'the suite knows no keys of the app but the one given' },
  },
  {
    area,
    name: 'the host tells that it lives without a key, and how it is with the master key',
    uses: [],
    steps: [
      ask('GET /admin/host/ping', { status: 200 }, { key: 'none' }),
      ask('GET /admin/host/status', { status: 401 }, { key: 'none' }),
      ask('GET /admin/host/status', { status: 200, body: some({ state: 'Running' }) }),
    ],
  },
];
