import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EventType, isoTime, type HistoryEvent } from '../engine/history';
import { pendingRow } from '../engine/instances';
import type { InstanceRow, Store } from '../engine/store';
import { MemoryStore } from './memory';
import { largeTextLength } from './connection';
import { SqliteStore } from './sqlite';

const folders: string[] = [];
function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'runtime-store-'));
  folders.push(folder);
  return folder;
}
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

const rowOf = (instanceId: string, more: Partial<InstanceRow> = {}): InstanceRow => ({
  ...pendingRow({
    instanceId,
    executionId: 'e1',
    name: 'Chain',
    version: null,
    input: '{"a":1}',
    parent: null,
    sourceInstanceId: null,
    nowMs: 1000,
  }),
  ...more,
});

const raised = (name: string, input: string | null = null): HistoryEvent => ({
  EventType: EventType.EventRaised,
  Name: name,
  Input: input,
  ParentTraceContext: null,
  EventId: -1,
  Timestamp: isoTime(1000),
});

const makers: [string, () => Store][] = [
  ['memory', () => new MemoryStore()],
  ['SQLite', () => new SqliteStore(newFolder())],
];

describe.each(makers)('the %s store', (_name, make) => {
  let store: Store;
  beforeEach(() => (store = make()));
  afterEach(() => store.close());

  test('gives an instance back as it was put', () => {
    const parent = {
      Name: 'Parent',
      OrchestrationInstance: { InstanceId: 'p', ExecutionId: 'pe' },
      TaskScheduleId: 3,
      Version: null,
    };
    const row = rowOf('a', { parent, customStatus: '{"s":1}', output: '"done"', isTurnDue: true, eventCount: 4 });
    store.transaction((tx) => tx.putInstance(row));
    expect(store.read((tx) => tx.instance('a'))).toEqual(row);
    expect(store.read((tx) => tx.instance('b'))).toBeUndefined();
  });

  test('a new execution of an instance has its own input and no output', () => {
    store.transaction((tx) => tx.putInstance(rowOf('a', { output: '1' })));
    store.transaction((tx) => tx.putInstance(rowOf('a', { executionId: 'e2', input: null })));
    expect(store.read((tx) => tx.instance('a'))).toMatchObject({ executionId: 'e2', input: null, output: null });
  });

  test('what a transaction that throws has written is gone', () => {
    store.transaction((tx) => {
      tx.putInstance(rowOf('a'));
      tx.writeHistory('a', 0, [raised('one')]);
    });
    expect(() =>
      store.transaction((tx) => {
        tx.putInstance(rowOf('b'));
        tx.writeHistory('a', 1, [raised('one'), raised('two')]);
        tx.post({ instanceId: 'a', executionId: null, event: raised('x') });
        tx.addActivity({ instanceId: 'a', executionId: 'e1', taskId: 0, name: 'Echo', input: null });
        tx.addTimer({ instanceId: 'a', executionId: 'e1', timerId: 1, dueAtMs: 5 });
        tx.putFact('f', 'v');
        throw new Error('undo');
      }),
    ).toThrow('undo');
    store.read((tx) => {
      expect(tx.instance('b')).toBeUndefined();
      expect(tx.history('a')).toEqual([raised('one')]);
      expect([tx.inbox('a', 10), tx.openActivityIds(), tx.nextTimerMs(-1), tx.fact('f')]).toEqual([
        [],
        [],
        undefined,
        undefined,
      ]);
    });
  });

  test('what a transaction that throws has changed or deleted is as it was', () => {
    const row = rowOf('a', { status: 'Running' });
    const activity = { instanceId: 'a', executionId: 'e1', taskId: 0, name: 'Echo', input: '1' };
    const id = store.transaction((tx) => {
      tx.putInstance(row);
      tx.putInstance(rowOf('b'));
      tx.writeHistory('a', 0, [raised('one')]);
      tx.post({ instanceId: 'a', executionId: null, event: raised('x') });
      tx.addTimer({ instanceId: 'a', executionId: 'e1', timerId: 1, dueAtMs: 5 });
      return tx.addActivity(activity);
    });
    expect(() =>
      store.transaction((tx) => {
        tx.deleteMessages(
          'a',
          tx.inbox('a', 9).map((message) => message.id),
        );
        tx.deleteTimer('a', 1);
        tx.deleteActivity(id);
        tx.putInstance({ ...row, status: 'Completed', output: '1', eventCount: 9 });
        tx.deleteInstance('b');
        expect([tx.inbox('a', 9), tx.dueTimers('a', 9), tx.activity(id)]).toEqual([[], [], undefined]);
        throw new Error('undo');
      }),
    ).toThrow('undo');
    store.read((tx) => {
      expect(tx.instance('a')).toEqual(row);
      expect(tx.instance('b')).toEqual(rowOf('b'));
      expect(tx.inbox('a', 9).map((message) => message.event)).toEqual([raised('x')]);
      expect(tx.dueTimers('a', 9)).toHaveLength(1);
      expect(tx.activity(id)).toEqual({ ...activity, id });
      expect([tx.openActivityIds(), tx.instancesWithWork()]).toEqual([[id], ['a']]);
    });
    expect(store.transaction((tx) => tx.deleteActivity(id))).toBe(true);
  });

  test('a history grows at its end and can be written anew', () => {
    store.transaction((tx) => tx.writeHistory('a', 0, [raised('one'), raised('two')]));
    store.transaction((tx) => tx.writeHistory('a', 2, [raised('one'), raised('two'), raised('three')]));
    expect(store.read((tx) => tx.history('a'))).toEqual([raised('one'), raised('two'), raised('three')]);
    store.transaction((tx) => tx.writeHistory('a', 0, [raised('new')]));
    expect(store.read((tx) => tx.history('a'))).toEqual([raised('new')]);
  });

  test('an inbox keeps its order and gives a page', () => {
    store.transaction((tx) => {
      for (const name of ['1', '2', '3']) tx.post({ instanceId: 'a', executionId: null, event: raised(name) });
      tx.post({ instanceId: 'b', executionId: 'e', event: raised('other') });
    });
    const page = store.read((tx) => tx.inbox('a', 2));
    expect(page.map((message) => message.event)).toEqual([raised('1'), raised('2')]);
    store.transaction((tx) =>
      tx.deleteMessages(
        'a',
        page.map((message) => message.id),
      ),
    );
    expect(store.read((tx) => tx.inbox('a', 9)).map((message) => message.event)).toEqual([raised('3')]);
    expect(store.read((tx) => tx.instancesWithWork()).sort()).toEqual(['a', 'b']);
  });

  test('texts above the limit of a row come back whole', () => {
    const large = JSON.stringify('x'.repeat(largeTextLength * 3));
    store.transaction((tx) => {
      tx.putInstance(rowOf('a', { input: large, output: large }));
      tx.writeHistory('a', 0, [raised('one', large)]);
      tx.post({ instanceId: 'a', executionId: null, event: raised('two', large) });
      tx.addActivity({ instanceId: 'a', executionId: 'e1', taskId: 0, name: 'Echo', input: large });
    });
    store.read((tx) => {
      expect(tx.instance('a')).toMatchObject({ input: large, output: large });
      expect(tx.history('a')).toEqual([raised('one', large)]);
      expect(tx.inbox('a', 1)[0]?.event).toEqual(raised('two', large));
      expect(tx.activity(tx.openActivityIds()[0]!)?.input).toBe(large);
    });
  });

  test('timers come due in the order of their times', () => {
    store.transaction((tx) => {
      tx.addTimer({ instanceId: 'a', executionId: 'e1', timerId: 1, dueAtMs: 30 });
      tx.addTimer({ instanceId: 'a', executionId: 'e1', timerId: 2, dueAtMs: 10 });
      tx.addTimer({ instanceId: 'b', executionId: 'e1', timerId: 1, dueAtMs: 40 });
    });
    store.read((tx) => {
      expect(tx.nextTimerMs(-1)).toBe(10);
      expect(tx.nextTimerMs(10)).toBe(30);
      expect(tx.instancesDue(35)).toEqual(['a']);
      expect(tx.dueTimers('a', 35).map((timer) => timer.timerId)).toEqual([2, 1]);
    });
    store.transaction((tx) => tx.deleteTimer('a', 2));
    expect(store.read((tx) => tx.nextTimerMs(-1))).toBe(30);
    store.transaction((tx) => tx.deleteTimers('a'));
    expect(store.read((tx) => tx.nextTimerMs(-1))).toBe(40);
  });

  test('an activity is completed once', () => {
    const id = store.transaction((tx) =>
      tx.addActivity({ instanceId: 'a', executionId: 'e1', taskId: 7, name: 'Echo', input: '1' }),
    );
    expect(store.read((tx) => tx.activity(id))).toEqual({
      id,
      instanceId: 'a',
      executionId: 'e1',
      taskId: 7,
      name: 'Echo',
      input: '1',
    });
    expect(store.transaction((tx) => tx.deleteActivity(id))).toBe(true);
    expect(store.transaction((tx) => tx.deleteActivity(id))).toBe(false);
  });

  test('a deleted instance leaves nothing', () => {
    store.transaction((tx) => {
      tx.putInstance(rowOf('a'));
      tx.writeHistory('a', 0, [raised('one')]);
      tx.post({ instanceId: 'a', executionId: null, event: raised('two') });
      tx.addTimer({ instanceId: 'a', executionId: 'e1', timerId: 1, dueAtMs: 1 });
      tx.addActivity({ instanceId: 'a', executionId: 'e1', taskId: 0, name: 'Echo', input: null });
    });
    store.transaction((tx) => tx.deleteInstance('a'));
    store.read((tx) => {
      expect(tx.instance('a')).toBeUndefined();
      expect(tx.history('a')).toEqual([]);
      expect([tx.instancesWithWork(), tx.openActivityIds(), tx.nextTimerMs(-1)]).toEqual([[], [], undefined]);
    });
  });

  test('lists by id, page after page, what the filter names', () => {
    store.transaction((tx) => {
      for (const id of ['c1', 'a1', 'b1', '@counter@k']) tx.putInstance(rowOf(id));
      tx.putInstance(rowOf('c2', { status: 'Failed', createdAtMs: 5000 }));
    });
    const ids = (rows: InstanceRow[]): string[] => rows.map((row) => row.instanceId);
    store.read((tx) => {
      expect(ids(tx.listInstances({}, '', 3))).toEqual(['@counter@k', 'a1', 'b1']);
      expect(ids(tx.listInstances({}, 'b1', 3))).toEqual(['c1', 'c2']);
      expect(ids(tx.listInstances({ kind: 'orchestration', idPrefix: 'c' }, '', 9))).toEqual(['c1', 'c2']);
      expect(ids(tx.listInstances({ kind: 'entity' }, '', 9))).toEqual(['@counter@k']);
      expect(ids(tx.listInstances({ statuses: ['Failed'] }, '', 9))).toEqual(['c2']);
      expect(ids(tx.listInstances({ createdFromMs: 2000, createdToMs: 9000 }, '', 9))).toEqual(['c2']);
      expect(ids(tx.listInstances({ idPrefix: '%' }, '', 9))).toEqual([]);
    });
  });

  test('gives what has ended, longest ago first, up to a time and a number', () => {
    store.transaction((tx) => {
      tx.putInstance(rowOf('c', { status: 'Completed', updatedAtMs: 30 }));
      tx.putInstance(rowOf('f', { status: 'Failed', updatedAtMs: 10 }));
      tx.putInstance(rowOf('t', { status: 'Terminated', updatedAtMs: 20 }));
      tx.putInstance(rowOf('r', { status: 'Running', updatedAtMs: 5 }));
      tx.putInstance(rowOf('s', { status: 'Suspended', updatedAtMs: 5 }));
    });
    store.read((tx) => {
      expect(tx.endedBefore(31, 9)).toEqual(['f', 't', 'c']);
      expect(tx.endedBefore(30, 9)).toEqual(['f', 't']);
      expect(tx.endedBefore(31, 1)).toEqual(['f']);
    });
  });

  test('an instance whose turn is due is work', () => {
    store.transaction((tx) => tx.putInstance(rowOf('a', { isTurnDue: true })));
    expect(store.read((tx) => tx.instancesWithWork())).toEqual(['a']);
  });
});

test('a SQLite store that is opened again knows its messages, timers and activities, and gives no id twice', () => {
  const folder = newFolder();
  const before = new SqliteStore(folder);
  const activity = { instanceId: 'a', executionId: 'e1', taskId: 0, name: 'Echo', input: '1' };
  const [first, second] = before.transaction((tx) => {
    tx.putInstance(rowOf('a'));
    for (const name of ['x', 'y']) tx.post({ instanceId: 'a', executionId: null, event: raised(name) });
    tx.addTimer({ instanceId: 'a', executionId: 'e1', timerId: 1, dueAtMs: 5 });
    return [tx.addActivity(activity), tx.addActivity({ ...activity, taskId: 1 })];
  });
  before.close();
  const store = new SqliteStore(folder);
  store.transaction((tx) => {
    expect(tx.inbox('a', 9).map((message) => message.event)).toEqual([raised('x'), raised('y')]);
    expect(tx.dueTimers('a', 9)).toHaveLength(1);
    expect(tx.openActivityIds()).toEqual([first, second]);
    expect(tx.activity(first)).toEqual({ ...activity, id: first });
    expect(tx.addActivity({ ...activity, taskId: 2 })).toBeGreaterThan(second);
  });
  store.close();
});
