import type { Case, Step } from '../case';
import { anything, listWith, matching, some, textWith } from '../match';
import { ask, completed, entityIs, exchange, failed, manage, operate, pass, shows, start, together } from '../steps';

const minute = 60_000;
const time = matching(/^\d{4}-\d\d-\d\dT[\d:]{8}(\.\d+)?(Z|\+00:00)$/);

const timerCases: readonly Case[] = [
  {
    area: 'timer functions',
    name: 'a timer function of six fields runs at each of its times',
    uses: ['hourly', 'Ledger'],
    steps: [
      manage('GET /entities/Ledger/timer-hourly', { status: 404 }),
      pass(3 * 60 * minute),
      entityIs('Ledger/timer-hourly', [
        some({ isPastDue: false, adjustForDst: true }),
        some({ isPastDue: false, status: { last: time, next: time, lastUpdated: time } }),
        some({ isPastDue: false, status: { last: time, next: time, lastUpdated: time } }),
      ]),
    ],
    lasts: 'hours',
  },
  {
    area: 'timer functions',
    name: 'a timer function by time span runs each time that the span has passed',
    uses: ['bySpan', 'Ledger'],
    steps: [pass(35 * minute), entityIs('Ledger/timer-by-span', [anything, anything, anything])],
    lasts: 'hours',
  },
  {
    area: 'timer functions',
    name: 'a timer function that wants so runs when the host starts',
    uses: ['atStart', 'Ledger'],
    steps: [entityIs('Ledger/timer-at-start', listWith(some({ isPastDue: false })))],
    except: { azure: 'the host may have started long ago' },
  },
  {
    area: 'timer functions',
    name: 'a timer function that fails runs again as its retry policy says, and is told so',
    uses: ['failing', 'Ledger'],
    steps: [
      pass(62 * minute),
      entityIs(
        'Ledger/timer-failing',
        [
          { retryCount: 0, maxRetryCount: null },
          { retryCount: 1, maxRetryCount: 4 },
        ],
        0,
      ),
      pass(50 * minute),
      entityIs(
        'Ledger/timer-failing',
        [
          { retryCount: 0, maxRetryCount: null },
          { retryCount: 1, maxRetryCount: 4 },
          { retryCount: 2, maxRetryCount: 4 },
        ],
        0,
      ),
    ],
    lasts: 'hours',
  },
  {
    area: 'timer functions',
    name: 'a schedule may come from the app settings',
    uses: ['fromSetting', 'Ledger'],
    steps: [entityIs('Ledger/timer-from-setting', listWith(some({ isPastDue: false })), 60_000)],
  },
];

const httpCalls: readonly Case[] = [
  {
    area: 'callHttp',
    name: 'callHttp sends method, headers and body, and gives status, headers and content',
    uses: ['Http', 'open'],
    steps: [
      start('Http', {
        method: 'POST',
        url: '{origin}/api/open/called?q=1',
        headers: { 'x-conformance': 'sent', 'content-type': 'application/json' },
        body: { a: 1 },
      }),
      completed({
        statusCode: 200,
        headers: some({ 'content-type': anything }),
        content: matching(/"header":"sent","body":"\{\\"a\\":1\}"/),
      }),
    ],
  },
  {
    area: 'callHttp',
    name: 'a body without a content type is sent as plain text',
    uses: ['Http', 'open'],
    steps: [
      start('Http', { method: 'POST', url: '{origin}/api/open', body: 'plain' }),
      completed(some({ statusCode: 200, content: matching(/"type":"text\/plain".*"body":"plain"/) })),
    ],
  },
  {
    area: 'callHttp',
    name: 'an answer that tells of an error is an answer',
    uses: ['Http', 'answer'],
    steps: [
      start('Http', { method: 'GET', url: '{origin}/api/answer/teapot' }),
      completed(some({ statusCode: 418, content: 'short and stout' })),
    ],
  },
  {
    area: 'callHttp',
    name: 'a 202 with a Location is followed until it is something else',
    uses: ['Http', 'slowly'],
    steps: [
      start('Http', { method: 'POST', url: '{origin}/api/slowly/{id}' }),
      completed(some({ statusCode: 200, content: matching(/"count":3,"method":"GET"/) })),
    ],
  },
  {
    area: 'callHttp',
    name: 'a 202 is not followed when that is switched off',
    uses: ['Http', 'slowly'],
    steps: [
      start('Http', { method: 'POST', url: '{origin}/api/slowly/{id}', enablePolling: false }),
      completed(some({ statusCode: 202 })),
    ],
  },
  {
    area: 'callHttp',
    name: 'a server that is not there fails the call',
    uses: ['Http'],
    steps: [
      start('Http', { method: 'GET', url: 'http://127.0.0.1:1/' }),
      failed(textWith("Orchestrator function 'Http' failed")),
    ],
  },
];

const still = manage('GET /instances/nobody', { status: 404 });
const bare = (name: string, pieces: readonly string[], answer: RegExp, pauseMs = 5): Case => ({
  area: 'bad input',
  name,
  uses: [],
  steps: [{ kind: 'socket', pieces, pauseMs, answer }, still],
  except: { azure: 'a front end in Azure answers such requests, not the host' },
});
const slow = (pieces: readonly string[], answer: RegExp): Step => ({
  kind: 'socket',
  pieces,
  pauseMs: 100,
  answer,
  msMax: 2000,
});

const badInput: readonly Case[] = [
  {
    area: 'bad input',
    name: 'a thousand starts at once are all accepted and all end',
    uses: ['Input'],
    isAlone: true,
    steps: [
      together(1000, start('Input', '{n}', '{id}-{n}')),
      together(1000, completed('{n}', {}, { id: '{id}-{n}', msMax: 60_000 })),
    ],
  },
  {
    area: 'bad input',
    name: 'of a hundred starts of one id one is accepted and the others are refused',
    uses: ['WaitFor'],
    steps: [
      together(100, manage('POST /orchestrators/WaitFor/{id}', { status: [202, 409] }, { json: 'go' })),
      shows({ customStatus: 'waiting' }),
      manage('POST /orchestrators/WaitFor/{id}', { status: 409 }, { json: 'go' }),
      operate('terminate'),
    ],
    except: { azure: 'a start is not atomic in Azure Storage (extension issue 2334)' },
  },
  {
    area: 'bad input',
    name: 'an id of 256 characters is taken, a longer one refused',
    uses: ['Nothing'],
    steps: [
      manage(`POST /orchestrators/Nothing/${'i'.repeat(230)}-{id}`, { status: 202 }, { text: '' }),
      manage(`POST /orchestrators/Nothing/${'i'.repeat(257)}`, { status: [400, 500] }, { text: '' }),
      manage(`GET /instances/${'i'.repeat(257)}`, { status: 404 }),
    ],
  },
  {
    area: 'bad input',
    name: "an id that looks like an entity's is refused",
    uses: ['Nothing'],
    steps: [manage('POST /orchestrators/Nothing/@a@{id}', { status: 202 }, { text: '' })],
    here: {
      reason: 'it would be both',
      steps: [
        manage(
          'POST /orchestrators/Nothing/@a@{id}',
          { status: 400, body: some({ ExceptionType: 'System.ArgumentException' }) },
          { text: '' },
        ),
      ],
    },
  },
  {
    area: 'bad input',
    name: 'ids with characters that mean something elsewhere are taken as they are',
    uses: ['Nothing'],
    steps: [
      ...['%23', '%40', '%27%3B--', '%3Cb%3E', '..', '%25'].flatMap((odd) => [
        manage(`POST /orchestrators/Nothing/{id}${odd}x`, { status: 202 }, { text: '' }),
        completed(null, {}, { id: `{id}${odd}x` }),
      ]),
    ],
    except: { azure: 'the storage provider refuses some of them' },
  },
  {
    area: 'bad input',
    name: 'JSON that is nested too deep is answered 400',
    uses: ['Nothing'],
    steps: [
      manage(
        'POST /orchestrators/Nothing/{id}',
        { status: 400 },
        { text: `${'['.repeat(20_000)}${']'.repeat(20_000)}` },
      ),
      manage('GET /instances/{id}', { status: 404 }),
    ],
  },
  {
    area: 'bad input',
    name: 'a body above the limit is answered 413, for a function and for the management API',
    uses: ['echoBytes', 'Nothing'],
    steps: [
      ask('POST /api/echo-bytes', { status: 413 }, { byteCount: 1_000_001 }),
      manage('POST /orchestrators/Nothing/{id}', { status: 413 }, { byteCount: 1_000_001 }),
      manage('GET /instances/{id}', { status: 404 }),
      ask('POST /api/echo-bytes', { status: 200 }, { byteCount: 1_000_000 }),
    ],
    except: { azure: 'the limit there is 100 MB' },
  },
  {
    area: 'bad input',
    name: 'dates, numbers and flags of a query that cannot be read are as good as none',
    uses: ['Nothing'],
    steps: [
      start('Nothing'),
      completed(null),
      manage('GET /instances?instanceIdPrefix={id}&createdTimeFrom=yesterday&top=many&showInput=perhaps', {
        status: 200,
        body: [some({ instanceId: '{id}' })],
      }),
      manage('GET /instances/{id}?showHistory=perhaps', { status: 200 }),
    ],
  },
  {
    area: 'bad input',
    name: 'a continuation token that nobody gave does no harm',
    uses: [],
    steps: [
      manage(
        'GET /instances?instanceIdPrefix={id}',
        { status: [200, 400, 500] },
        { headers: { 'x-ms-continuation-token': '!!no-token!!' } },
      ),
      still,
    ],
  },
  bare('a request that is no HTTP is answered 400', ['NONSENSE\r\n\r\n'], /^HTTP\/1\.1 400/),
  bare(
    'an address that cannot be decoded is answered 400',
    ['GET /api/%zz HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n'],
    /^HTTP\/1\.1 400/,
  ),
  bare(
    'a request without a Host is answered 400',
    ['GET /api/open HTTP/1.1\r\nconnection: close\r\n\r\n'],
    /^HTTP\/1\.1 400/,
  ),
  bare(
    'headers above the limit are answered 431',
    [`GET /api/open HTTP/1.1\r\nhost: {host}\r\nx-long: ${'h'.repeat(40_000)}\r\n\r\n`],
    /^HTTP\/1\.1 431/,
  ),
  bare(
    'two lengths that contradict each other are answered 400',
    ['POST /api/open HTTP/1.1\r\nhost: {host}\r\ncontent-length: 3\r\ncontent-length: 5\r\n\r\nabc'],
    /^HTTP\/1\.1 400/,
  ),
  bare(
    'a body that comes in small pieces is taken whole',
    ['POST /api/open HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\ncontent-length: 6\r\n\r\n', 'ab', 'cd', 'ef'],
    /^HTTP\/1\.1 200[^]*"body":"abcdef"/,
    30,
  ),
  {
    area: 'bad input',
    name: 'clients that never finish their requests keep nobody else waiting',
    uses: ['Chain', 'Echo'],
    steps: [
      {
        kind: 'beside',
        rows: [
          ...Array.from({ length: 20 }, () => [
            slow(['POST /api/open HTTP/1.1\r\nhost: {host}\r\ncontent-length: 9\r\n\r\n', 'a', 'b', ''], /^$/),
          ]),
          [start('Chain', 3), completed(6, {}, { msMax: 30_000 })],
        ],
      },
    ],
    except: { azure: 'a front end in Azure answers such requests, not the host' },
  },
  {
    area: 'bad input',
    name: 'an event name with a slash is not there',
    uses: ['WaitFor'],
    steps: [
      start('WaitFor', 'go'),
      shows({ customStatus: 'waiting' }),
      manage('POST /instances/{id}/raiseEvent/a/b', { status: 404 }, { json: 1 }),
      operate('terminate'),
    ],
  },
  {
    area: 'bad input',
    name: 'a very long reason is kept',
    uses: ['WaitFor'],
    steps: [
      start('WaitFor', 'go'),
      shows({ customStatus: 'waiting' }),
      operate(`terminate?reason=${'r'.repeat(5000)}`),
      exchange(
        { method: 'GET', path: 'durable:/instances/{id}' },
        { status: 200, body: some({ output: matching(/^r{5000}$/) }) },
        { until: 'ended' },
      ),
    ],
  },
];

export const otherCases: readonly Case[] = [...timerCases, ...httpCalls, ...badInput];
