import { LocalInvoker } from '../core/local-invoker';
import {
  copyRecordedFunctions,
  hasRecordings,
  recordedInstances,
  type RecordedInstance,
  type RecordedTurn,
} from '../testing/recordings';
import { answerInError, orchestratorAnswer, type OrchestratorAnswer } from './answer';
import { conclude } from './conclude';
import { EventType, historyEvent, type HistoryEvent } from './history';
import { startOf, wholeTurnPayload } from './turn';
import type { OrchestratorTurn } from './invoker';

const instances = hasRecordings() ? recordedInstances() : [];

const eventsOf = (turn: RecordedTurn): HistoryEvent[] => turn.payload.history.map((event) => historyEvent.parse(event));

/** A turn that follows another of the same execution. */
function pairs(instance: RecordedInstance): [RecordedTurn, RecordedTurn][] {
  return instance.turns
    .slice(1)
    .map((turn, index): [RecordedTurn, RecordedTurn] => [instance.turns[index]!, turn])
    .filter(([before, after]) => executionOf(before) === executionOf(after));
}

const named = (file: string): RecordedInstance => instances.find((instance) => instance.file === file)!;

const executionOf = (turn: RecordedTurn) => startOf(eventsOf(turn))?.OrchestrationInstance.ExecutionId;

function answerOf(turn: RecordedTurn): OrchestratorAnswer {
  const { result } = turn;
  if (typeof result === 'object' && result !== null && 'message' in result && typeof result.message === 'string') {
    return answerInError(result.message)!;
  }
  return orchestratorAnswer.parse(result);
}

/** An event without what differs from run to run: times, and the ids of requests to entities. */
function withoutChance(event: HistoryEvent): object {
  const { Timestamp: _, ...rest } = event;
  if ('FireAt' in rest) return { ...rest, FireAt: Date.parse(rest.FireAt) };
  if (rest.EventType !== EventType.EventSent || rest.Input === null) return rest;
  const { op, signal, input, parent, parentExecution, $type } = JSON.parse(rest.Input);
  return { ...rest, Input: { op, signal, input, parent, parentExecution, $type } };
}

(instances.length > 0 ? describe : describe.skip)('recordings of the real engine', () => {
  test.each(instances.filter((instance) => pairs(instance).length > 0).map((instance) => [instance.file, instance]))(
    '%s: each turn adds to the history what the real engine added',
    (_file, instance) => {
      for (const [before, after] of pairs(instance)) {
        const conclusion = concludeRecorded(before);
        const expected = eventsOf(after);
        const news = expected.findLastIndex((event) => event.EventType === EventType.OrchestratorStarted);
        expect(conclusion.next.kind).toBe('waits');
        expect(conclusion.history.map(withoutChance)).toEqual(expected.slice(0, news).map(withoutChance));
      }
    },
  );

  test.each(instances.map((instance) => [instance.file, instance]))(
    '%s: the payloads of its turns are the recorded ones',
    (_file, instance) => {
      let before: RecordedTurn | undefined;
      for (const turn of instance.turns) {
        const isNext = before !== undefined && executionOf(before) === executionOf(turn);
        const playedCount = isNext ? before!.payload.history.length : 0;
        expect(wholeTurnPayload(turnOfRecording(turn, playedCount))).toEqual(turn.payload);
        before = turn;
      }
    },
  );

  test('a generation that continues as new takes over the events that the real one took over', () => {
    const [, , last, first] = named('can1.json').turns;
    const { next } = concludeRecorded(last!);
    const started = startOf(eventsOf(first!))!;
    expect(next).toEqual({ kind: 'continuesAsNew', input: started.Input, events: [] });
  });

  test('an action that contradicts the history fails the instance and says so', () => {
    const { next, decisions } = concludeRecorded(named('m-NonDet.json').turns[1]!);
    expect(next).toMatchObject({ kind: 'ends', status: 'Failed' });
    expect(JSON.stringify(next)).toMatch(/scheduled an activity task with sequence ID 0 and name 'Echo'.*'NoReturn'/);
    expect(decisions).toEqual([]);
  });

  test('the unmodified SDK answers each turn as recorded', async () => {
    // eslint-disable-next-line @typescript-eslint/no-require-imports -- the recorded functions are plain JavaScript, registered by loading
    require(copyRecordedFunctions(__dirname));
    const invoker = new LocalInvoker({}, () => undefined);
    let turns = 0;
    for (const instance of instances) {
      // This function answers differently each time on purpose.
      if (instance.function === 'NonDet') continue;
      for (const turn of instance.turns) {
        const ended = await invoker.invoke({
          kind: 'orchestrator',
          functionName: turn.function,
          turn: turnOfRecording(turn, 0),
        });
        const answer = ended.kind === 'threw' ? answerInError(ended.message) : JSON.parse(valueOf(ended));
        expect(orchestratorAnswer.parse(answer)).toEqual(answerOf(turn));
        turns += 1;
      }
    }
    expect(turns).toBeGreaterThan(90);
  });
});

function concludeRecorded(turn: RecordedTurn) {
  const history = eventsOf(turn);
  return conclude(history, answerOf(turn), {
    name: turn.function,
    nowMs: Date.parse(history.at(-1)!.Timestamp),
    newId: () => 'id',
    unconsumedEvents: 'lose',
    defaultVersion: null,
  });
}

function valueOf(ended: object): string {
  if ('value' in ended && typeof ended.value === 'object' && ended.value !== null && 'json' in ended.value) {
    return String(ended.value.json);
  }
  throw new Error(`no answer: ${JSON.stringify(ended)}`);
}

function turnOfRecording(turn: RecordedTurn, playedCount: number): OrchestratorTurn {
  const history = eventsOf(turn);
  const started = startOf(history)!;
  return {
    instanceId: turn.payload.instanceId,
    executionId: started.OrchestrationInstance.ExecutionId,
    history,
    playedCount,
    input: started.Input,
    parentInstanceId: started.ParentInstance?.OrchestrationInstance.InstanceId ?? null,
    sourceInstanceId: started.Tags?.['MS_DurableFunctions_SourceInstanceId'] ?? null,
    knownActions: null,
  };
}
