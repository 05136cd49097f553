import type { Case } from '../case';
import { anything, listOf, listWith, listWithout, matching, some } from '../match';
import { completed, entityIs, exchange, manage, pass, raise, running, shows, signal, start, together } from '../steps';

const area = 'entities';

export const entityCases: readonly Case[] = [
  {
    area,
    name: 'a signal makes an entity that was not there',
    uses: ['Counter'],
    steps: [
      manage('GET /entities/Counter/{id}', { status: 404 }),
      signal('Counter/{id}', 'add', 5),
      entityIs('Counter/{id}', 5),
    ],
  },
  {
    area,
    name: 'the name of an entity is taken in any case, its key is not',
    uses: ['Counter'],
    steps: [
      signal('Counter/{id}', 'add', 5),
      entityIs('cOUNTER/{id}', 5),
      manage('GET /entities/Counter/{ID}', { status: 404 }),
    ],
  },
  {
    area,
    name: 'a call gives the result of its operation',
    uses: ['CallEntity', 'Counter'],
    steps: [
      signal('Counter/{id}', 'add', 7),
      entityIs('Counter/{id}', 7),
      start('CallEntity', { key: '{id}', operation: 'get' }),
      completed(7),
    ],
  },
  {
    area,
    name: 'an operation that returns nothing gives null to its caller',
    uses: ['CallEntity', 'Counter'],
    steps: [start('CallEntity', { key: '{id}', operation: 'add', input: 1 }), completed(null)],
  },
  {
    area,
    name: 'an entity knows its name in lower case and its key',
    uses: ['CallEntity', 'Counter'],
    steps: [start('CallEntity', { key: '{id}', operation: 'who' }), completed({ name: 'counter', key: '{id}' })],
  },
  {
    area,
    name: 'an entity is newly constructed as long as it has no state',
    uses: ['CallEntity', 'Counter'],
    steps: [
      start('CallEntity', { key: '{id}', operation: 'isNew' }),
      completed(true),
      signal('Counter/{id}', 'add', 1),
      entityIs('Counter/{id}', 1),
      start('CallEntity', { key: '{id}', operation: 'isNew' }, '{id}-again'),
      completed(false, {}, { id: '{id}-again' }),
    ],
  },
  {
    area,
    name: 'signals of an orchestration arrive in order, before its later call',
    uses: ['SignalThenCall', 'Counter'],
    steps: [start('SignalThenCall', '{id}'), completed(15)],
  },
  {
    area,
    name: 'a signal that is sent with the end of its orchestration arrives',
    uses: ['SignalAndEnd', 'Counter'],
    steps: [start('SignalAndEnd', '{id}'), completed('signalled'), entityIs('Counter/{id}', 3)],
  },
  {
    area,
    name: 'an error of an operation is an error of its caller',
    uses: ['CatchEntity', 'Counter'],
    steps: [
      signal('Counter/{id}', 'add', 4),
      entityIs('Counter/{id}', 4),
      start('CatchEntity', { key: '{id}', operation: 'fail' }),
      completed({ isError: true, after: 4 }),
    ],
  },
  {
    area,
    name: 'the state that an operation has set before it failed stays',
    uses: ['CatchEntity', 'Counter'],
    steps: [start('CatchEntity', { key: '{id}', operation: 'setAndFail' }), completed({ isError: true, after: 999 })],
  },
  {
    area,
    name: 'a failed signal does not stop those after it',
    uses: ['Counter'],
    steps: [
      signal('Counter/{id}', 'add', 1),
      signal('Counter/{id}', 'fail'),
      signal('Counter/{id}', 'add', 2),
      entityIs('Counter/{id}', 3),
    ],
  },
  {
    area,
    name: 'an unknown operation reaches the entity',
    uses: ['CallEntity', 'Counter'],
    steps: [start('CallEntity', { key: '{id}', operation: 'unheard' }), completed("no operation 'unheard'")],
  },
  {
    area,
    name: 'an entity sends a signal to another',
    uses: ['Counter'],
    steps: [
      signal('Counter/{id}', 'addTo', '{id}-other'),
      pass(3000),
      manage('GET /entities/Counter/{id}-other', { status: 404 }),
    ],
    here: {
      reason: 'the real one keeps the case of the name and reaches another entity than everybody else',
      steps: [signal('Counter/{id}', 'addTo', '{id}-other'), entityIs('Counter/{id}-other', 7)],
    },
  },
  {
    area,
    name: 'a destroyed entity is gone and can be made again',
    uses: ['Counter'],
    steps: [
      signal('Counter/{id}', 'add', 1),
      entityIs('Counter/{id}', 1),
      signal('Counter/{id}', 'destroy'),
      exchange({ method: 'GET', path: 'durable:/entities/Counter/{id}' }, { status: 404 }, { until: 'fits' }),
      signal('Counter/{id}', 'add', 2),
      entityIs('Counter/{id}', 2),
    ],
  },
  {
    area,
    name: 'DELETE sends the operation "delete"',
    uses: ['Counter'],
    steps: [
      signal('Counter/{id}', 'add', 1),
      entityIs('Counter/{id}', 1),
      manage('DELETE /entities/Counter/{id}', { status: 202 }),
    ],
  },
  {
    area,
    name: 'operations of one entity never overlap: forty writers lose nothing',
    uses: ['Ledger'],
    steps: [
      together(40, signal('Ledger/{id}', 'write', '{n}')),
      entityIs('Ledger/{id}', listOf(40, matching(/^\d+$/))),
    ],
  },
  {
    area,
    name: 'the writes of an orchestration keep their order',
    uses: ['WriteMany', 'Ledger'],
    steps: [start('WriteMany', { key: '{id}', from: 0, count: 12 }), completed([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11])],
  },
  {
    area,
    name: 'calls to one entity that are made at once are done one after the other, in order',
    uses: ['CallMany', 'Ledger'],
    steps: [start('CallMany', '{id}'), completed([1, 2, 3, 4])],
  },
  {
    area,
    name: 'signals of one client keep their order',
    uses: ['Ledger'],
    steps: [...[1, 2, 3, 4, 5].map((n) => signal('Ledger/{id}', 'write', n)), entityIs('Ledger/{id}', [1, 2, 3, 4, 5])],
  },
  {
    area,
    name: 'an input that is no JSON is a text',
    uses: ['Ledger'],
    steps: [
      manage(
        'POST /entities/Ledger/{id}?op=write',
        { status: 202 },
        { text: 'a text', headers: { 'content-type': 'text/plain' } },
      ),
      entityIs('Ledger/{id}', ['a text']),
    ],
  },
  {
    area,
    name: 'an input that claims to be JSON and is not is answered 400',
    uses: ['Ledger'],
    steps: [
      manage(
        'POST /entities/Ledger/{id}?op=write',
        { status: 400, body: some({ Message: matching(/^Could not parse JSON content/) }) },
        { text: '{oops', headers: { 'content-type': 'application/json' } },
      ),
    ],
  },
  {
    area,
    name: 'a signal to an unknown entity function is answered 400',
    uses: [],
    steps: [
      manage(
        'POST /entities/Unheard/{id}?op=x',
        { status: 400, body: some({ Message: matching(/^The function 'unheard' doesn't exist/) }) },
        { json: 1 },
      ),
    ],
  },
  {
    area,
    name: 'a signal without a key is answered 400',
    uses: ['Counter'],
    steps: [manage('POST /entities/Counter?op=add', { status: 400 }, { json: 1 })],
  },
  {
    area,
    name: 'a key with forbidden characters is answered 400',
    uses: ['Counter'],
    steps: [
      manage('POST /entities/Counter/a%23b?op=add', { status: 400 }, { json: 1 }),
      manage('POST /entities/Counter/a%3Fb?op=add', { status: 400 }, { json: 1 }),
      manage('POST /entities/Counter/a%5Cb?op=add', { status: 400 }, { json: 1 }),
    ],
  },
  {
    area,
    name: 'entities of a name are listed with their states',
    uses: ['Ledger'],
    isAlone: true,
    steps: [
      signal('Ledger/{id}-1', 'write', 'one'),
      signal('Ledger/{id}-2', 'write', 'two'),
      entityIs('Ledger/{id}-1', ['one']),
      entityIs('Ledger/{id}-2', ['two']),
      manage('GET /entities/Ledger?top=1000', {
        status: 200,
        body: listWith(some({ entityId: { name: 'ledger', key: '{id}-2' }, state: ['two'] })),
        headers: { 'x-ms-continuation-token': anything },
      }),
      manage('GET /entities?top=1000', {
        status: 200,
        body: listWith(some({ entityId: { name: 'ledger', key: '{id}-2' }, state: ['two'] })),
      }),
      manage('GET /entities/Counter?top=1000', {
        status: 200,
        body: listWithout(some({ entityId: { name: 'ledger', key: '{id}-1' } })),
      }),
      manage('GET /entities/Ledger?top=1000&fetchState=false', {
        status: 200,
        body: listWith({ entityId: { name: 'ledger', key: '{id}-1' }, lastOperationTime: matching(/^\d{4}-/) }),
      }),
    ],
  },
  {
    area,
    name: 'entities are listed by the time of their last operation',
    uses: ['Ledger'],
    isAlone: true,
    steps: [
      signal('Ledger/{id}', 'write', 1),
      entityIs('Ledger/{id}', [1]),
      manage('GET /entities/Ledger?top=1000&lastOperationTimeFrom=2900-01-01T00:00:00Z', { status: 200, body: [] }),
      manage('GET /entities/Ledger?top=1000&lastOperationTimeTo=2020-01-01T00:00:00Z', { status: 200, body: [] }),
      manage('GET /entities/Ledger?top=1000&lastOperationTimeFrom=2020-01-01T00:00:00Z', {
        status: 200,
        body: listWith(some({ entityId: { name: 'ledger', key: '{id}' } })),
      }),
    ],
  },
  {
    area,
    name: 'a state of 100,000 characters is kept',
    uses: ['Ledger'],
    steps: [
      signal('Ledger/{id}', 'write', 's'.repeat(100_000)),
      entityIs('Ledger/{id}', listOf(1, matching(/^s{100000}$/))),
    ],
  },
  {
    area: 'locks',
    name: 'a transfer between two locked entities is done whole',
    uses: ['Transfer', 'Counter'],
    steps: [
      signal('Counter/{id}-a', 'add', 10),
      entityIs('Counter/{id}-a', 10),
      start('Transfer', { from: '{id}-a', to: '{id}-b', amount: 4 }),
      completed({ inside: true, outside: false, available: 10 }),
      entityIs('Counter/{id}-a', 6),
      entityIs('Counter/{id}-b', 4),
    ],
  },
  {
    area: 'locks',
    name: 'transfers in both directions at once do not wait for each other for ever',
    uses: ['Transfer', 'Counter'],
    steps: [
      signal('Counter/{id}-a', 'add', 100),
      signal('Counter/{id}-b', 'add', 100),
      entityIs('Counter/{id}-a', 100),
      entityIs('Counter/{id}-b', 100),
      ...[1, 2, 3].flatMap((n) => [
        start('Transfer', { from: '{id}-a', to: '{id}-b', amount: 5 }, `{id}-to-${n}`),
        start('Transfer', { from: '{id}-b', to: '{id}-a', amount: 3 }, `{id}-back-${n}`),
      ]),
      ...[1, 2, 3].flatMap((n) => [
        completed(some({ inside: true }), {}, { id: `{id}-to-${n}` }),
        completed(some({ inside: true }), {}, { id: `{id}-back-${n}` }),
      ]),
      entityIs('Counter/{id}-a', 94),
      entityIs('Counter/{id}-b', 106),
    ],
  },
  {
    area: 'locks',
    name: 'of ten increments that read and write under a lock none is lost',
    uses: ['SafeIncrement', 'Counter'],
    steps: [
      together(10, start('SafeIncrement', '{id}', '{id}-{n}')),
      together(10, completed(anything, {}, { id: '{id}-{n}' })),
      entityIs('Counter/{id}', 10),
    ],
  },
  {
    area: 'locks',
    name: 'a signal to a locked entity waits until the lock is released',
    uses: ['HoldLock', 'Counter'],
    steps: [
      signal('Counter/{id}', 'add', 1),
      entityIs('Counter/{id}', 1),
      start('HoldLock', '{id}'),
      shows({ customStatus: 'locked' }),
      signal('Counter/{id}', 'add', 1),
      pass(100),
      manage('GET /entities/Counter/{id}', { status: 200, body: 1 }),
      raise('release', null),
      completed('released'),
      entityIs('Counter/{id}', 2),
    ],
  },
  {
    area: 'locks',
    name: 'a lock that is still held at the end of its orchestration is released',
    uses: ['KeepLock', 'CallEntity', 'Counter'],
    steps: [
      start('KeepLock', '{id}'),
      completed(true),
      start('CallEntity', { key: '{id}', operation: 'get' }, '{id}-after'),
      completed(0, {}, { id: '{id}-after' }),
    ],
  },
  {
    area: 'locks',
    name: 'a second orchestration gets the lock when the first has released it',
    uses: ['HoldLock', 'Counter'],
    steps: [
      start('HoldLock', '{id}', '{id}-1'),
      shows({ customStatus: 'locked' }, { id: '{id}-1' }),
      start('HoldLock', '{id}', '{id}-2'),
      running({ id: '{id}-2' }),
      pass(100),
      manage('GET /instances/{id}-2', { status: 202, body: some({ customStatus: null }) }),
      raise('release', null, '{id}-1'),
      completed('released', {}, { id: '{id}-1' }),
      shows({ customStatus: 'locked' }, { id: '{id}-2' }),
      raise('release', null, '{id}-2'),
      completed('released', {}, { id: '{id}-2' }),
    ],
  },
  ...(
    [
      ['nested', 'critical sections do not nest'],
      ['child', 'a critical section starts no child'],
      ['callOther', 'a critical section calls no entity that it has not locked'],
      ['signalHeld', 'a critical section signals no entity that it has locked'],
    ] as const
  ).map(([rule, name]): Case => ({
    area: 'locks',
    name,
    uses: ['BreakLockRule', 'Counter'],
    steps: [
      start('BreakLockRule', { rule, key: '{id}' }),
      completed({ isViolation: true, isError: true }),
      start('CallEntity', { key: '{id}', operation: 'get' }, '{id}-after'),
      completed(0, {}, { id: '{id}-after' }),
    ],
  })),
];
