import type { Case } from '../case';
import { listWith, some, textWith } from '../match';
import { completed, failed, raise, running, shows, start, staysRunning } from '../steps';

const area = 'tasks';

export const taskCases: readonly Case[] = [
  {
    area,
    name: 'all gives the results in the order of the tasks, not of their ends',
    uses: ['All', 'Nap'],
    steps: [start('All', [60, 5, 30]), completed([0, 1, 2])],
  },
  {
    area,
    name: 'a hundred activities at once are all done, in order',
    uses: ['Wide', 'Echo'],
    steps: [start('Wide', 100), completed({ count: 100, isInOrder: true })],
  },
  {
    area,
    name: 'all of nothing fails and says what is missing',
    uses: ['AllOfNone'],
    steps: [start('AllOfNone'), failed(textWith('you must specify at least one Task'))],
  },
  {
    area,
    name: 'all fails with the first error',
    uses: ['AllFails', 'Echo', 'Throw'],
    steps: [start('AllFails'), completed(true)],
  },
  {
    area,
    name: 'all takes an activity, a child, an event and a timer together',
    uses: ['AllOfKinds', 'Echo', 'Echoing'],
    steps: [start('AllOfKinds'), running(), raise('event', 'came'), completed(['activity', 'child', 'came', null])],
  },
  {
    area,
    name: 'any gives the task that was first, with its result',
    uses: ['Any', 'Nap'],
    steps: [start('Any', [2000, 5]), completed({ index: 1, result: 1, isCompleted: true })],
    activitiesOverlap: true,
  },
  {
    area,
    name: 'any gives a task that failed instead of throwing',
    uses: ['AnyFails', 'Throw'],
    steps: [start('AnyFails'), completed(true, { customStatus: { isFaulted: true, isCompleted: false } })],
  },
  {
    area,
    name: 'an orchestration does not end before an activity that lost has ended',
    uses: ['LeaveActivity', 'Nap', 'Echo'],
    steps: [start('LeaveActivity', 4000), running(), ...staysRunning(200), completed('returned')],
    activitiesOverlap: true,
  },
  {
    area,
    name: 'any of an all and an event ends with the all',
    uses: ['AnyOfAll', 'Echo'],
    steps: [start('AnyOfAll'), completed({ isBoth: true, result: [1, 2] })],
  },
  {
    area,
    name: 'all of two anys gives two winners',
    uses: ['AllOfAny', 'Echo'],
    steps: [start('AllOfAny'), completed(['a', 'b'])],
  },
  {
    area,
    name: 'the result of a task that lost is there once it has ended',
    uses: ['LoserLater', 'Nap', 'Echo'],
    steps: [
      start('LoserLater'),
      shows(
        { historyEvents: listWith(some({ EventType: 'TaskCompleted', FunctionName: 'Nap' })) },
        { query: '?showHistory=true' },
      ),
      raise('go', 1),
      completed({ isQuick: true, slow: 'slow' }),
    ],
    activitiesOverlap: true,
  },
  {
    area,
    name: 'a task that has ended gives its result again',
    uses: ['SameTaskTwice', 'Echo'],
    steps: [start('SameTaskTwice'), completed(['once', 'once'])],
  },
  {
    area,
    name: 'waits for events may be passed to any again and again',
    uses: ['AnyInTurn'],
    steps: [
      start('AnyInTurn'),
      running(),
      raise('b', 1),
      shows({ customStatus: ['b'] }),
      raise('c', 1),
      shows({ customStatus: ['b', 'c'] }),
      raise('a', 1),
      completed(['b', 'c', 'a']),
    ],
  },
];
