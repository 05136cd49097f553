import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EventType, isoTime, type HistoryEvent } from '../../engine/history';
import { executionStarted, pendingRow, type NewInstance } from '../../engine/instances';
import { SqliteStore } from '../../store/sqlite';
import { inspect } from './inspect';
import type { Asked } from './life';
import { loads } from './loads';

// The checker must find what it is there for: each test damages a state that is sound otherwise.

const root = mkdtempSync(join(tmpdir(), 'runtime-inspect-'));
let folders = 0;
afterAll(() => rmSync(root, { recursive: true, force: true }));

const stamp = { EventId: -1, Timestamp: isoTime(1000) };
const instance = (instanceId: string, name: string, input: string): NewInstance => ({
  instanceId,
  executionId: `e-${instanceId}`,
  name,
  version: null,
  input,
  parent: null,
  sourceInstanceId: null,
  nowMs: 1000,
});
const scheduled: HistoryEvent = {
  EventType: EventType.TaskScheduled,
  Name: 'Effect',
  Version: '',
  Input: null,
  ParentTraceContext: null,
  Tags: null,
  ...stamp,
  EventId: 0,
};
const taskCompleted: HistoryEvent = { EventType: EventType.TaskCompleted, TaskScheduledId: 0, Result: '0', ...stamp };
const ended = (result: string): HistoryEvent => ({
  EventType: EventType.ExecutionCompleted,
  OrchestrationStatus: 'Completed',
  Result: result,
  Details: null,
  FailureDetails: null,
  ...stamp,
});

type State = { asked: Asked[]; effects: string[]; history: HistoryEvent[]; output: string; journal: string[] };

/** A Chain of one activity and a writer with its journal, changed by `change`; the faults that are found. */
function faultsAfter(change: (state: State) => void): readonly string[] {
  const chain = instance('chain', 'Chain', '1');
  const asked = (id: string, name: string, input: Asked['input']): Asked => ({
    id,
    load: loads.find(({ orchestrator }) => orchestrator === name)!,
    input,
    isAcknowledged: true,
    raised: new Set(),
  });
  const state: State = {
    asked: [asked('chain', 'Chain', 1), asked('w', 'Writes', { key: 'j', count: 2 })],
    effects: ['chain/0'],
    history: [executionStarted(chain), scheduled, taskCompleted, ended('0')],
    output: '0',
    journal: ['w/0', 'other', 'w/1', 'w/last'],
  };
  change(state);
  const folder = join(root, String(folders++));
  const effectsFile = `${folder}-effects`;
  writeFileSync(effectsFile, `${state.effects.join('\n')}\n`);
  const store = new SqliteStore(folder);
  const writer = instance('w', 'Writes', '{"key":"j","count":2}');
  store.transaction((tx) => {
    tx.putInstance({ ...pendingRow(chain), status: 'Completed', output: state.output });
    tx.writeHistory('chain', 0, state.history);
    tx.putInstance({ ...pendingRow(writer), status: 'Completed', output: '"w/last"' });
    tx.writeHistory('w', 0, [executionStarted(writer), ended('"w/last"')]);
    const lines = JSON.stringify({
      exists: true,
      state: JSON.stringify(state.journal),
      lockedBy: null,
      lastOperationTime: null,
    });
    tx.putInstance({ ...pendingRow(instance('@journal@j', 'journal', lines)), status: 'Running' });
  });
  store.close();
  return inspect(folder, effectsFile, state.asked).faults;
}

test('a sound state has no faults', () => {
  expect(faultsAfter(() => undefined)).toEqual([]);
});

test.each<[string, (state: State) => void, RegExp]>([
  ['a lost instance', ({ asked }) => asked.push({ ...asked[0]!, id: 'gone' }), /gone was acknowledged and is lost/],
  ['a wrong output', (state) => (state.output = '7'), /chain \(Chain\) ended Completed with 7/],
  [
    'an effect that was never had',
    (state) => (state.effects = ['other']),
    /chain\/0 is completed and has not happened/,
  ],
  ['two beginnings', ({ history }) => history.unshift(history[0]!), /chain has begun 2 times/],
  ['two ends', ({ history }) => history.push(history[3]!), /chain has ended 2 times/],
  ['an end without its task', ({ history }) => history.splice(1, 1), /chain scheduled .* and got 0/],
  ['a task that ended twice', ({ history }) => history.splice(2, 0, history[2]!), /scheduled 0 and got 0,0/],
  [
    'operations out of order',
    (state) => (state.journal = ['w/1', 'w/0', 'w/last']),
    /w wrote .* and there is w\/1,w\/0/,
  ],
  ['an operation twice', (state) => state.journal.push('w/last'), /w wrote/],
])('%s is found', (_name, change, fault) => {
  expect(faultsAfter(change).join('\n')).toMatch(fault);
});
