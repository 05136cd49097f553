import type { Case } from '../case';
import { some } from '../match';
import { completed, manage, operate, pass, raise, running, shows, start, staysRunning, together } from '../steps';

const area = 'events';
const event = (name: string, data: unknown, type: string, seen: unknown): Case => ({
  area,
  name,
  uses: ['EventType'],
  steps: [start('EventType'), running(), raise('data', data), completed({ type, data: seen as never })],
});

export const eventCases: readonly Case[] = [
  {
    area,
    name: 'an event reaches who waits for it',
    uses: ['WaitFor'],
    steps: [start('WaitFor', 'go'), shows({ customStatus: 'waiting' }), raise('go', { a: 1 }), completed({ a: 1 })],
  },
  event('a number of an event arrives as a number', 7.5, 'number', 7.5),
  event('a text of an event arrives as a text', 'text', 'string', 'text'),
  event('an empty text of an event arrives as an empty text', '', 'string', ''),
  event('false arrives as false with an event', false, 'boolean', false),
  event('a list of an event arrives as a list', [1, 'two', null], 'array', [1, 'two', null]),
  event('an object of an event arrives as an object', { a: { b: 1 } }, 'object', { a: { b: 1 } }),
  event('null arrives as null with an event', null, 'null', null),
  {
    area,
    name: 'events that come before anybody waits are kept, in order',
    uses: ['LookLater'],
    steps: [
      start('LookLater'),
      shows({ customStatus: 'not looking' }),
      raise('early', 1),
      raise('early', 2),
      pass(50),
      raise('look', null),
      completed([1, 2]),
    ],
  },
  {
    area,
    name: 'an event that comes right after the start is not lost',
    uses: ['WaitFor'],
    steps: [start('WaitFor', 'go'), raise('go', 'at once'), completed('at once')],
  },
  {
    area,
    name: 'events are waited for one after the other',
    uses: ['WaitInOrder'],
    steps: [
      start('WaitInOrder', ['a', 'b']),
      shows({ customStatus: 'waiting' }),
      raise('a', 1),
      shows({ customStatus: 'got a' }),
      raise('b', 2),
      completed([1, 2]),
    ],
  },
  {
    area,
    name: 'events may come in another order than they are waited for',
    uses: ['WaitInOrder'],
    steps: [
      start('WaitInOrder', ['a', 'b', 'c']),
      running(),
      raise('c', 3),
      raise('b', 2),
      pass(50),
      raise('a', 1),
      completed([1, 2, 3]),
    ],
  },
  {
    area,
    name: 'one event of several ends a wait for any of them',
    uses: ['WaitForAny'],
    steps: [start('WaitForAny', ['a', 'b', 'c']), running(), raise('b', 'it'), completed({ index: 1, result: 'it' })],
  },
  {
    area,
    name: 'a wait for all ends when all have come',
    uses: ['WaitForAll'],
    steps: [
      start('WaitForAll', ['a', 'b']),
      running(),
      raise('b', 2),
      ...staysRunning(60),
      raise('a', 1),
      completed([1, 2]),
    ],
  },
  {
    area,
    name: 'of two waits for the same name the later one gets the first event',
    uses: ['WaitForAll'],
    steps: [
      start('WaitForAll', ['same', 'same']),
      running(),
      raise('same', 'first'),
      pass(50),
      raise('same', 'second'),
      completed(['second', 'first']),
    ],
  },
  {
    area,
    name: 'an event that nobody asks for changes nothing',
    uses: ['WaitFor'],
    steps: [
      start('WaitFor', 'go'),
      shows({ customStatus: 'waiting' }),
      raise('unheard', 1),
      ...staysRunning(60),
      raise('go', 2),
      completed(2),
    ],
  },
  {
    area,
    name: 'a name with other letters reaches who waits for it',
    uses: ['WaitFor'],
    steps: [
      start('WaitFor', 'größe 1'),
      shows({ customStatus: 'waiting' }),
      raise(encodeURIComponent('größe 1'), 1),
      completed(1),
    ],
  },
  {
    area,
    name: 'events keep their order over many turns',
    uses: ['WaitInOrder'],
    steps: [
      start(
        'WaitInOrder',
        Array.from({ length: 12 }, () => 'item'),
      ),
      running(),
      ...Array.from({ length: 12 }, (_, n) => raise('item', n)),
      completed([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]),
    ],
  },
  {
    area,
    name: 'fifty events at once are all received',
    uses: ['WaitForAll'],
    steps: [
      start(
        'WaitForAll',
        Array.from({ length: 50 }, (_, n) => `e${n}`),
      ),
      running(),
      together(50, raise('e{n}', 'x')),
      completed(Array.from({ length: 50 }, () => 'x')),
    ],
  },
  {
    area,
    name: 'an event of 100,000 characters arrives whole',
    uses: ['WaitFor'],
    steps: [start('WaitFor', 'go'), running(), raise('go', 'z'.repeat(100_000)), completed('z'.repeat(100_000))],
  },
  {
    area,
    name: 'an event for an instance that has ended is answered 410',
    uses: ['Nothing'],
    steps: [
      start('Nothing'),
      completed(null),
      manage('POST /instances/{id}/raiseEvent/go', { status: 410 }, { json: 1 }),
    ],
  },
  {
    area,
    name: 'an event for an unknown instance is answered 404',
    uses: [],
    steps: [manage('POST /instances/{id}/raiseEvent/go', { status: 404 }, { json: 1 })],
  },
  {
    area,
    name: 'an event without a body of JSON is answered 400 and not delivered',
    uses: ['WaitFor'],
    steps: [
      start('WaitFor', 'go'),
      shows({ customStatus: 'waiting' }),
      manage(
        'POST /instances/{id}/raiseEvent/go',
        { status: 400, body: some({ Message: 'Only application/json request content is supported' }) },
        { text: 'text', headers: { 'content-type': 'text/plain' } },
      ),
      manage(
        'POST /instances/{id}/raiseEvent/go',
        { status: 400, body: some({ Message: 'Invalid JSON content' }) },
        { text: '{oops', headers: { 'content-type': 'application/json' } },
      ),
      manage(
        'POST /instances/{id}/raiseEvent/go',
        { status: 400, body: some({ Message: 'Invalid JSON content' }) },
        { text: '', headers: { 'content-type': 'application/json' } },
      ),
      ...staysRunning(50),
      operate('terminate'),
    ],
  },
];
