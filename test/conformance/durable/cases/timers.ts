import type { Case } from '../case';
import { between, some } from '../match';
import { completed, manage, pass, raise, running, start, staysRunning } from '../steps';

const area = 'timers';
const hour = 3_600_000;
const day = 24 * hour;

export const timerCases: readonly Case[] = [
  {
    area,
    name: 'a timer fires at its time and not before',
    uses: ['Sleep'],
    steps: [start('Sleep', 300), completed(between(300))],
  },
  {
    area,
    name: 'a timer of an hour fires after exactly an hour of virtual time',
    uses: ['Sleep'],
    steps: [start('Sleep', hour), running(), pass(hour - 1), running(), pass(1), completed(hour, {}, { msMax: 0 })],
    lasts: 'days',
  },
  {
    area,
    name: 'a timer of ten days fires after ten days',
    uses: ['Sleep'],
    steps: [start('Sleep', 10 * day), running(), pass(10 * day - 1), running(), completed(10 * day)],
    lasts: 'days',
  },
  {
    area,
    name: 'a timer of exactly six days is one timer',
    uses: ['Sleep'],
    steps: [
      start('Sleep', 6 * day),
      pass(6 * day - 1),
      running(),
      manage('GET /instances/{id}?showHistory=true', {
        status: 202,
        body: some({ historyEvents: [some({ EventType: 'ExecutionStarted' }), some({ EventType: 'TimerCreated' })] }),
      }),
      completed(6 * day),
    ],
    lasts: 'days',
  },
  {
    area,
    name: 'a timer of a year fires after a year',
    uses: ['Sleep'],
    steps: [start('Sleep', 365 * day), pass(365 * day - 1), running(), completed(365 * day)],
    lasts: 'days',
  },
  {
    area,
    name: 'a timer of the past fires at once',
    uses: ['Sleep'],
    steps: [start('Sleep', -5000), completed(between(0))],
  },
  {
    area,
    name: 'of two timers the earlier one wins, whichever was created first',
    uses: ['SleepTwice'],
    steps: [start('SleepTwice', 60), completed(1)],
  },
  {
    area,
    name: 'three timers of days that all have to fire take as long as the longest',
    uses: ['SleepAll'],
    steps: [start('SleepAll', [8 * day, day, 7 * day]), completed(8 * day, {}, { msMax: 9 * day })],
    lasts: 'days',
  },
  {
    area,
    name: 'a cancelled timer does not keep its orchestration from ending',
    uses: ['CancelTimer', 'Echo'],
    steps: [start('CancelTimer', day), completed({ isQuick: true, isCanceled: true })],
  },
  {
    area,
    name: 'a cancelled timer beyond six days does not keep its orchestration from ending',
    uses: ['CancelTimer', 'Echo'],
    steps: [start('CancelTimer', 10 * day), completed({ isQuick: true, isCanceled: true })],
  },
  {
    area,
    name: 'a timer that lost and is not cancelled keeps its orchestration running',
    uses: ['LeaveTimer', 'Echo'],
    steps: [start('LeaveTimer', 4000), ...staysRunning(300), completed('returned')],
  },
  {
    area,
    name: 'a timer that has fired cannot be cancelled',
    uses: ['CancelFiredTimer'],
    steps: [start('CancelFiredTimer'), completed('Cannot cancel a completed task.')],
  },
  {
    area,
    name: 'a wait for an event ends by its timer when no event comes',
    uses: ['EventOrTimer'],
    steps: [start('EventOrTimer', 200), completed('timeout')],
  },
  {
    area,
    name: 'a wait for an event ends by the event when it comes before its timer',
    uses: ['EventOrTimer'],
    steps: [start('EventOrTimer', day), running(), raise('go', { n: 1 }), completed({ event: { n: 1 } })],
  },
  {
    area,
    name: 'a wait of ten days for an event ends by an event on the ninth',
    uses: ['EventOrTimer'],
    steps: [start('EventOrTimer', 10 * day), running(), pass(9 * day), raise('go', 9), completed({ event: 9 })],
    lasts: 'days',
  },
];
