import type { Case } from '../case';
import { matching, some, textWith } from '../match';
import { completed, failed, hangs, start } from '../steps';

const given = (name: string, what: string, output: string | number | boolean | null | object): Case => ({
  area: 'activities',
  name,
  uses: ['Call', 'Give'],
  steps: [start('Call', { activity: 'Give', input: what }), completed(output as never)],
});
const taken = (name: string, input: unknown, type: string, value: unknown): Case => ({
  area: 'activities',
  name,
  uses: ['Call', 'TypeOf'],
  steps: [start('Call', { activity: 'TypeOf', input }), completed({ type, value: value as never })],
});
const thrown = (name: string, what: string, reason: string): Case => ({
  area: 'activities',
  name,
  uses: ['Catch', 'Throw'],
  steps: [
    start('Catch', { activity: 'Throw', input: what }),
    completed({ isError: true, message: textWith(`Activity function 'Throw' failed:  ${reason}`) }),
  ],
});

export const activityCases: readonly Case[] = [
  {
    area: 'activities',
    name: 'an activity that returns a promise gives its value',
    uses: ['Call', 'EchoLater'],
    steps: [start('Call', { activity: 'EchoLater', input: { deep: [1] } }), completed({ deep: [1] })],
  },
  {
    area: 'activities',
    name: 'a chain of activities hands each result on',
    uses: ['Chain', 'Echo'],
    steps: [start('Chain', 20), completed(210)],
  },
  {
    area: 'activities',
    name: 'an activity is called by its name in any case',
    uses: ['Call', 'Echo'],
    steps: [start('Call', { activity: 'eCHO', input: 1 }), completed(1)],
  },
  {
    area: 'activities',
    name: 'an activity that nobody yields is never run',
    uses: ['CallWithoutYield', 'Echo', 'Throw'],
    steps: [start('CallWithoutYield'), completed('only this')],
  },
  {
    area: 'activities',
    name: 'an activity without input gets undefined',
    uses: ['CallWithoutInput', 'TypeOf'],
    steps: [start('CallWithoutInput', 'TypeOf'), completed({ type: 'undefined', value: 'undefined' })],
  },
  taken('null reaches an activity as undefined', null, 'undefined', 'undefined'),
  taken('zero reaches an activity as a number', 0, 'number', 0),
  taken('a fraction reaches an activity as it was', -1.5e-7, 'number', -1.5e-7),
  taken('a large whole number reaches an activity as it was', 9_007_199_254_740_991, 'number', 9_007_199_254_740_991),
  taken('a text reaches an activity as a text', 'plain', 'string', 'plain'),
  taken('an empty text reaches an activity as an empty text', '', 'string', ''),
  taken('quotes and other letters reach an activity unchanged', 'é"\\\n\u2028世', 'string', 'é"\\\n\u2028世'),
  taken('a text of digits stays a text', '12', 'string', '12'),
  taken('a text of JSON stays a text', '{"a":1}', 'string', '{"a":1}'),
  taken('a text of a date stays a text', '2020-01-01T00:00:00Z', 'string', '2020-01-01T00:00:00Z'),
  taken('false reaches an activity as the text "False"', false, 'string', 'False'),
  taken('true reaches an activity as the text "True"', true, 'string', 'True'),
  taken('an empty list reaches an activity as a list', [], 'array', []),
  taken('a list of texts reaches an activity as a list', ['a', 'b'], 'array', ['a', 'b']),
  taken('an object reaches an activity as an object', { a: { b: [null, false] } }, 'object', {
    a: { b: [null, false] },
  }),
  given('an activity returns a text', 'text', 'plain'),
  given('an activity returns an empty text', 'empty', ''),
  given('an activity returns a text of JSON, which stays a text', 'json', '{"a":1}'),
  given('an activity returns a fraction', 'number', 1.5),
  given('an activity returns a number beyond 32 bits', 'large', 12_345_678_901),
  given('an activity returns a negative number', 'negative', -3),
  given('an activity returns false', 'false', false),
  given('an activity returns null', 'null', null),
  given('an activity that returns nothing gives null', 'nothing', null),
  given('an activity returns a list', 'list', [1, [2]]),
  given('an activity returns an object', 'object', { a: { b: 'c' } }),
  given('an activity returns a date, which arrives as its text', 'date', '2020-01-01T00:00:00.000Z'),
  {
    area: 'activities',
    name: 'a value of 300,000 characters goes to an activity and comes back',
    uses: ['Call', 'LongText', 'LengthOf'],
    steps: [
      start('Call', { activity: 'LongText', input: 300_000 }),
      completed(matching(/^x{300000}$/)),
      start('Call', { activity: 'LengthOf', input: 'y'.repeat(300_000) }, '{id}-in'),
      completed(300_000, {}, { id: '{id}-in' }),
    ],
  },
  thrown('an error of an activity is caught with its message', 'plain message', 'plain message'),
  thrown('an error of another class is caught with its message', 'type', 'a type error'),
  thrown('an error with a code is caught with its message', 'coded', 'a coded error'),
  thrown('an error with a cause is caught with the outer message', 'cause', 'an outer error'),
  thrown('an error of several lines keeps its lines', 'lines', 'first line\nsecond line'),
  {
    area: 'activities',
    name: 'what an activity throws that is no error is an error for its caller',
    uses: ['Catch', 'Throw'],
    steps: [start('Catch', { activity: 'Throw', input: 'text' }), completed(some({ isError: true }))],
  },
  {
    area: 'activities',
    name: 'a rejected promise is the failure of its activity',
    uses: ['Catch', 'RejectLater'],
    steps: [
      start('Catch', { activity: 'RejectLater', input: 'rejected' }),
      completed({ isError: true, message: textWith("Activity function 'RejectLater' failed:  rejected") }),
    ],
  },
  {
    area: 'activities',
    name: 'an orchestrator goes on after failures that it has caught',
    uses: ['CatchAndGoOn', 'Throw', 'Echo'],
    steps: [start('CatchAndGoOn'), completed([true, true, 'after'])],
  },
  {
    area: 'activities',
    name: 'an unknown activity fails its call',
    uses: ['Catch'],
    steps: [start('Catch', { activity: 'Unheard', input: 1 }), ...hangs],
    here: {
      reason: 'the real caller waits for ever',
      steps: [
        start('Catch', { activity: 'Unheard', input: 1 }),
        completed({ isError: true, message: textWith("The function 'Unheard' doesn't exist") }),
      ],
    },
  },
  {
    area: 'activities',
    name: 'an orchestrator is no activity',
    uses: ['Call', 'Nothing'],
    steps: [start('Call', { activity: 'Nothing' }), ...hangs],
    here: {
      reason: 'the real caller waits for ever',
      steps: [
        start('Call', { activity: 'Nothing' }),
        failed(textWith("The function 'Nothing' doesn't exist, is disabled, or is not an activity function")),
      ],
    },
  },
];
