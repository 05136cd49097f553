import { EventType, isoTime, type HistoryEvent } from '../engine/history';
import { HistoryMirror } from '../worker/mirror';
import type { WireTurn } from '../worker/messages';
import { wholePayload } from '../worker/orchestrator-turns';
import { SentHistories } from './sent-histories';

const event = (n: number): HistoryEvent =>
  n % 2 === 0
    ? { EventType: EventType.OrchestratorStarted, EventId: -1, Timestamp: isoTime(n) }
    : {
        EventType: EventType.EventRaised,
        Name: `e${n}`,
        Input: String(n),
        ParentTraceContext: null,
        EventId: -1,
        Timestamp: isoTime(n),
      };

const turnOf = (history: readonly HistoryEvent[], playedCount = 0, executionId = 'e') => ({
  instanceId: 'i',
  executionId,
  history,
  playedCount,
  input: '{"a":1}',
  parentInstanceId: null,
  sourceInstanceId: null,
  knownActions: null,
});

function payloadIn(mirror: HistoryMirror, turn: WireTurn): unknown {
  const mirrored = mirror.update(turn);
  return mirrored === undefined ? undefined : wholePayload(turn, mirrored.events);
}

const historyIn = (payload: unknown): { Name?: string; IsPlayed: boolean }[] =>
  (payload as { history: { Name?: string; IsPlayed: boolean }[] }).history;

test('a turn carries only what the worker has not got, and the worker has all of it', () => {
  const [sent, mirror] = [new SentHistories(), new HistoryMirror()];
  const history = [event(0), event(1)];
  payloadIn(mirror, sent.wireTurn(turnOf(history), 'new'));
  const longer = [...history, event(2), event(3)];
  const wire = sent.wireTurn(turnOf(longer, 2), 'new');
  expect([wire.base, wire.events]).toEqual([2, [event(2), event(3)]]);
  const played = historyIn(payloadIn(mirror, wire));
  expect(played.map((item) => item.Name)).toEqual([undefined, 'e1', undefined, 'e3']);
  expect(played.map((item) => item.IsPlayed)).toEqual([false, true, false, false]);
});

test('a turn that was not committed is forgotten: the next carries the whole history', () => {
  const [sent, mirror] = [new SentHistories(), new HistoryMirror()];
  payloadIn(mirror, sent.wireTurn(turnOf([event(0), event(1)]), 'new'));
  const wire = sent.wireTurn(turnOf([event(0), { ...event(1) }, event(2)]), 'new');
  expect(wire.base).toBe(0);
  expect(historyIn(payloadIn(mirror, wire))).toHaveLength(3);
});

test('a worker that lacks events says so, and takes the whole history then', () => {
  const [sent, mirror] = [new SentHistories(), new HistoryMirror()];
  const history = [event(0), event(1)];
  sent.wireTurn(turnOf(history), 'new');
  const turn = turnOf([...history, event(2)]);
  expect(payloadIn(mirror, sent.wireTurn(turn, 'new'))).toBeUndefined();
  expect(historyIn(payloadIn(mirror, sent.wireTurn(turn, 'whole')))).toHaveLength(3);
});

test('another execution of the instance begins anew', () => {
  const [sent, mirror] = [new SentHistories(), new HistoryMirror()];
  payloadIn(mirror, sent.wireTurn(turnOf([event(0), event(1)]), 'new'));
  const wire = sent.wireTurn(turnOf([event(4)], 0, 'e2'), 'new');
  expect(historyIn(payloadIn(mirror, wire))).toHaveLength(1);
});

test("what the app does to a turn's input does not reach the next turn", () => {
  const [sent, mirror] = [new SentHistories(), new HistoryMirror()];
  const first = payloadIn(mirror, sent.wireTurn(turnOf([event(0)]), 'new')) as { input: { a: number } };
  first.input.a = 2;
  const history = [event(0), event(1)];
  expect(payloadIn(mirror, sent.wireTurn(turnOf(history), 'new'))).toMatchObject({ input: { a: 1 } });
});
