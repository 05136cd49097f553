import { EventType, isoTime } from '../engine/history';
import { fromWorker, toWorker } from './messages';
import { readFromWorker, readToWorker } from './read-messages';

const event = {
  EventType: EventType.TaskCompleted,
  TaskScheduledId: 3,
  Result: '7',
  EventId: -1,
  Timestamp: isoTime(1),
};
const turn = {
  instanceId: 'i',
  executionId: 'e',
  base: 70,
  events: [event],
  playedCount: 69,
  input: null,
  parentInstanceId: null,
  sourceInstanceId: null,
  knownActions: 17,
};
const invoke = (call: unknown) => ({ type: 'invoke', id: 4, invocationId: 'x', functionName: 'F', call });
const activity = { kind: 'activity', instanceId: 'i', input: '1', next: null };
const next = { id: 5, invocationId: 'y', functionName: 'O', taskId: 3, turn };
const ended = (value: unknown, goesOnAtMs: unknown = null) => ({
  type: 'ended',
  id: 4,
  end: { kind: 'returned', value },
  goesOnAtMs,
});

const forWorker: [string, unknown][] = [
  ['an activity', invoke(activity)],
  ['an activity without input', invoke({ ...activity, input: null })],
  ['an activity with the turn after it', invoke({ ...activity, next })],
  ['a turn that goes on', invoke({ kind: 'orchestrator', turn })],
  [
    'a turn that is replayed',
    invoke({ kind: 'orchestrator', turn: { ...turn, base: 0, input: '1', knownActions: null } }),
  ],
  ['an entity', invoke({ kind: 'entity', payload: '{}' })],
  ['a ping', { type: 'ping', id: 1 }],
];
test.each(forWorker)('%s is read for the worker as by the schema', (_, message) => {
  expect(readToWorker(message)).toEqual(toWorker.parse(message));
});

const forHost: [string, unknown][] = [
  ['text', ended({ string: 'a' })],
  ['JSON', ended({ json: '{}' }, 5)],
  ['a whole number', ended({ int: 7 })],
  ['a number', ended({ double: 7.5 })],
  ['bytes', ended({ base64: 'AA==' })],
  ['nothing', ended(null)],
  ['an error', { type: 'ended', id: 4, end: { kind: 'threw', name: 'E', message: 'm', stack: '' }, goesOnAtMs: null }],
  ['a missing history', { type: 'ended', id: 4, end: { kind: 'historyMissing' }, goesOnAtMs: null }],
  ['a line', { type: 'log', level: 'x', category: 'c', message: 'm', functionName: null, invocationId: null }],
];
test.each(forHost)('%s is read for the host as by the schema', (_, message) => {
  expect(readFromWorker(message)).toEqual(fromWorker.parse(message));
});

const withoutTime = { ...event, Timestamp: 5 };
test.each([
  ['an id that is text', { ...invoke(activity), id: '4' }],
  ['no name of a function', { ...invoke(activity), functionName: undefined }],
  ['an input that is no text', invoke({ ...activity, input: 1 })],
  ['a next turn without a number', invoke({ ...activity, next: { ...next, id: null } })],
  [
    'a next turn whose event has no time',
    invoke({ ...activity, next: { ...next, turn: { ...turn, events: [withoutTime] } } }),
  ],
  ['a turn whose event has no time', invoke({ kind: 'orchestrator', turn: { ...turn, events: [withoutTime] } })],
  ['a turn without a base', invoke({ kind: 'orchestrator', turn: { ...turn, base: 1.5 } })],
])('a worker refuses a call with %s', (_, message) => {
  expect(() => readToWorker(message)).toThrow();
});
test.each([
  ['an id that is no number', { ...ended(null), id: null }],
  ['a time that is text', ended(null, 'now')],
  ['a value of no known kind', ended({ text: 'a' })],
  ['a number that is text', ended({ int: '7' })],
  ['an end of no known kind', { ...ended(null), end: { kind: 'left' } }],
])('a host refuses an end with %s', (_, message) => {
  expect(() => readFromWorker(message)).toThrow();
});
