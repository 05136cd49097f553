import { VirtualClock } from '../engine/clock';
import { DirectCommitter } from '../engine/commit';
import { MemoryStore } from '../store/memory';
import type { WireFunction } from '../worker/messages';
import { parseSchedule, type Schedule } from './schedule';
import type { RetryContext } from './run-retry';
import { TimerFunctions, type TimerRunEnd } from './timer-functions';

const at = (text: string): number => Date.parse(text);
function scheduleOf(text: string): Schedule {
  const schedule = parseSchedule(text);
  if (schedule.kind === 'unreadable') throw new Error(schedule.reason);
  return schedule.value;
}
const next = (schedule: string, after: string): string | undefined => {
  const ms = scheduleOf(schedule).next(at(after));
  return ms === undefined ? undefined : new Date(ms).toISOString();
};

test.each([
  ['0 */5 * * * *', '2027-01-01T00:03:10Z', '2027-01-01T00:05:00.000Z'],
  ['*/15 * * * * *', '2027-01-01T00:00:00Z', '2027-01-01T00:00:15.000Z'],
  ['0 0 * * * *', '2027-01-01T23:00:00Z', '2027-01-02T00:00:00.000Z'],
  ['0 30 9 * * Mon-Fri', '2027-01-01T09:30:00Z', '2027-01-04T09:30:00.000Z'],
  ['0 0 0 29 Feb *', '2027-01-01T00:00:00Z', '2028-02-29T00:00:00.000Z'],
  ['0 0 9-17/4 * * *', '2027-01-01T13:00:00Z', '2027-01-01T17:00:00.000Z'],
  ['5,10 0 12 1 January,Jul *', '2027-01-01T12:00:05Z', '2027-01-01T12:00:10.000Z'],
  ['0 0 0 1 * 0', '2027-01-01T00:00:00Z', '2027-08-01T00:00:00.000Z'],
  ['*/10 * * * *', '2027-01-01T00:01:00Z', '2027-01-01T00:10:00.000Z'],
  ['10/20 * * * * *', '2027-01-01T00:00:31Z', '2027-01-01T00:00:50.000Z'],
  ['00:00:30', '2027-01-01T00:00:01Z', '2027-01-01T00:00:31.000Z'],
  ['1.00:00:00', '2027-01-01T00:00:00Z', '2027-01-02T00:00:00.000Z'],
])('%s after %s is %s', (schedule, after, expected) => {
  expect(next(schedule, after)).toBe(expected);
});

test('a date that never comes has no next time', () => {
  expect(next('0 0 0 31 Feb *', '2027-01-01T00:00:00Z')).toBeUndefined();
});

test.each([
  '',
  '* * *',
  '60 * * * * *',
  '0 0 0 0 * *',
  '0 0 0 * 13 *',
  '*/0 * * * * *',
  '0 0 5-3 * * *',
  'a * * * * *',
  '0 0 0 * * 7',
  '00:00:00',
])('"%s" is no schedule', (schedule) => {
  expect(parseSchedule(schedule).kind).toBe('unreadable');
});

describe('timer functions', () => {
  const wire = (binding: object, retry: unknown = null): WireFunction => ({
    name: 'Tick',
    kind: 'timer',
    triggerName: 't',
    bindings: { t: { type: 'timerTrigger', ...binding } },
    retry,
  });

  function setUp(store = new MemoryStore(), startMs = at('2027-01-01T00:00:00Z')) {
    const clock = new VirtualClock(startMs);
    const runs: { at: string; isPastDue: boolean }[] = [];
    const ends: TimerRunEnd[] = [];
    const retries: RetryContext[] = [];
    let hold: Promise<undefined> = Promise.resolve(undefined);
    const log: string[] = [];
    const timers = new TimerFunctions({
      store,
      committer: new DirectCommitter(store),
      clock,
      environment: { EVERY: '0 */10 * * * *' },
      random: () => 0.5,
      run: async (_name, payload, retry) => {
        if (retry !== null) retries.push(retry);
        runs.push({ at: new Date(clock.now()).toISOString().slice(11, 19), isPastDue: JSON.parse(payload).IsPastDue });
        await hold;
        return ends.shift() ?? 'done';
      },
      log: (line) => log.push(line),
    });
    const pass = async (minutes: number): Promise<void> => {
      for (let second = 0; second < minutes * 60; second += 1) {
        for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
        clock.moveTo(clock.now() + 1000);
      }
      for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
    };
    return {
      store,
      clock,
      runs,
      retries,
      ends,
      timers,
      pass,
      log,
      holdRuns: (until: Promise<undefined>): void => void (hold = until),
    };
  }

  test('run at their times, with settings in the schedule', async () => {
    const { timers, runs, pass } = setUp();
    timers.start([wire({ schedule: '%EVERY%' })]);
    await pass(25);
    expect(runs).toEqual([
      { at: '00:10:00', isPastDue: false },
      { at: '00:20:00', isPastDue: false },
    ]);
  });

  test('run at once after times that were missed, and say so', async () => {
    const first = setUp();
    first.timers.start([wire({ schedule: '0 */10 * * * *' })]);
    await first.pass(12);
    const second = setUp(first.store, at('2027-01-01T02:05:00Z'));
    second.timers.start([wire({ schedule: '0 */10 * * * *' })]);
    await second.pass(6);
    expect(second.runs).toEqual([
      { at: '02:05:00', isPastDue: true },
      { at: '02:10:00', isPastDue: false },
    ]);
  });

  test('are not made up for when nothing was missed, or when nobody watches', async () => {
    const first = setUp();
    first.timers.start([wire({ schedule: '0 */10 * * * *', useMonitor: false })]);
    await first.pass(12);
    const second = setUp(first.store, at('2027-01-01T02:05:00Z'));
    second.timers.start([wire({ schedule: '0 */10 * * * *', useMonitor: false })]);
    expect(second.runs).toEqual([]);
  });

  test('run at their start when asked to', () => {
    const { timers, runs } = setUp();
    timers.start([wire({ schedule: '0 0 0 1 1 *', runOnStartup: true })]);
    expect(runs).toEqual([{ at: '00:00:00', isPastDue: false }]);
  });

  test('never run twice at once: what comes due meanwhile is left out', async () => {
    const { timers, runs, pass, holdRuns } = setUp();
    const done = Promise.withResolvers<undefined>();
    holdRuns(done.promise);
    timers.start([wire({ schedule: '0 * * * * *' })]);
    await pass(5);
    expect(runs).toHaveLength(1);
    done.resolve(undefined);
    await pass(2);
    expect(runs.map((run) => run.at)).toEqual(['00:01:00', '00:06:00', '00:07:00']);
  });

  test('run again when their worker was lost, and count as missed when the host was stopped', async () => {
    const { timers, runs, pass, ends, store } = setUp();
    ends.push('lost', 'done', 'stopped');
    timers.start([wire({ schedule: '0 */10 * * * *' })]);
    await pass(22);
    expect(runs.map((run) => run.at)).toEqual(['00:10:00', '00:10:01', '00:20:00']);
    const later = setUp(store, at('2027-01-01T00:25:00Z'));
    later.timers.start([wire({ schedule: '0 */10 * * * *' })]);
    expect(later.runs).toEqual([{ at: '00:25:00', isPastDue: true }]);
  });

  test('run again after a failure as often as their retry policy says, at its pauses, and are told of the failure', async () => {
    const { timers, runs, retries, pass, ends } = setUp();
    const failure = { message: 'no', stackTrace: 'at' };
    ends.push(failure, failure, failure, failure, 'done');
    const retry = { retryStrategy: 'fixedDelay', maxRetryCount: 2, delayInterval: { seconds: 60 } };
    timers.start([wire({ schedule: '0 */10 * * * *' }, retry)]);
    await pass(22);
    expect(runs.map((run) => run.at)).toEqual(['00:10:00', '00:11:00', '00:12:00', '00:20:00', '00:21:00']);
    expect(retries[1]).toEqual({ retryCount: 2, maxRetryCount: 2, exception: failure });
  });

  test('that are stopped between a failure and its retry count as missed', async () => {
    const { timers, pass, ends, store } = setUp();
    ends.push({ message: 'no', stackTrace: '' });
    const retry = { retryStrategy: 'fixedDelay', maxRetryCount: -1, delayInterval: { seconds: 3600 } };
    timers.start([wire({ schedule: '0 */10 * * * *' }, retry)]);
    await pass(12);
    await timers.stop();
    const later = setUp(store, at('2027-01-01T00:15:00Z'));
    later.timers.start([wire({ schedule: '0 */10 * * * *' }, retry)]);
    expect(later.runs).toEqual([{ at: '00:15:00', isPastDue: true }]);
  });

  test('with a retry policy that cannot be read are left out, and it is said', () => {
    const { timers, log } = setUp();
    timers.start([wire({ schedule: '0 */10 * * * *' }, { retryStrategy: 'fixedDelay', maxRetryCount: -2 })]);
    expect(log.join()).toMatch(/Timer function 'Tick' does not run: retry: .*maxRetryCount/s);
  });

  test('with a schedule that cannot be read are left out, and it is said', () => {
    const { timers, log } = setUp();
    timers.start([wire({ schedule: 'often' })]);
    expect(log.join()).toContain('Timer function \'Tick\' does not run: "often" has 1 fields, not six');
  });
});
