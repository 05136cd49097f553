import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as df from 'durable-functions';
import { MemoryStore } from '../store/memory';
import { SqliteStore } from '../store/sqlite';
import { createTestEngine, type TestEngine, type TestEngineOptions } from '../testing/test-engine';
import { EventType } from './history';
import type { Store } from './store';

type Context = df.OrchestrationContext;
type Steps = Generator<df.Task, unknown, never>;

const folder = mkdtempSync(join(tmpdir(), 'runtime-engine-'));
let stores = 0;
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const hourMs = 3_600_000;
const after = (context: Context, ms: number): Date => new Date(context.df.currentUtcDateTime.getTime() + ms);

let contradict = false;

beforeAll(() => {
  const define = (name: string, steps: (context: Context) => Steps): unknown => df.app.orchestration(name, steps);
  df.app.activity('Echo', { handler: (input: unknown) => input });
  df.app.activity('TypeOf', {
    handler: (input: unknown) => (input === undefined ? 'undefined' : JSON.stringify(input)),
  });
  define('Retry', function* (context) {
    const options = new df.RetryOptions(1000, 4);
    options.backoffCoefficient = 2;
    options.maxRetryIntervalInMilliseconds = 3000;
    return yield context.df.callActivityWithRetry('Flaky', options, context.df.instanceId);
  });
  define('RetryTimeout', function* (context) {
    const options = new df.RetryOptions(1000, 100);
    options.retryTimeoutInMilliseconds = 2500;
    return yield context.df.callActivityWithRetry('Flaky', options, 1);
  });
  define('RetryBesideTimer', function* (context) {
    const retried = context.df.callActivityWithRetry('Flaky', new df.RetryOptions(1000, 3), 1);
    const limit = context.df.createTimer(after(context, hourMs));
    const winner: df.Task = yield context.df.Task.any([retried, limit]);
    if (winner === retried) limit.cancel();
    return [retried.result, yield context.df.callActivity('Echo', 'afterwards')];
  });
  define('LongTimer', function* (context) {
    yield context.df.createTimer(after(context, 10 * 24 * hourMs));
    return yield context.df.callActivity('Echo', 'after ten days');
  });
  define('Races', function* (context) {
    const winner: df.Task = yield context.df.Task.any([
      context.df.callActivity('Never'),
      context.df.waitForExternalEvent('go'),
    ]);
    return winner.result;
  });
  define('Fails', function* (context) {
    const input = context.df.getInput<unknown>();
    yield context.df.callActivity('Echo', input);
    throw new RangeError('orchestrator bad');
  });
  define('AllFails', function* (context) {
    try {
      yield context.df.Task.all([context.df.callActivity('Echo', 1), context.df.callActivity('Flaky', 2)]);
    } catch (thrown) {
      return (thrown as Error).message.split(' \n')[0];
    }
    return 'not thrown';
  });
  define('Two', function* (context) {
    const a: unknown = yield context.df.waitForExternalEvent('A');
    const b: unknown = yield context.df.waitForExternalEvent('B');
    return [a, b];
  });
  define('Collect', function* (context) {
    const got = context.df.getInput<number[] | undefined>() ?? [];
    got.push(yield context.df.waitForExternalEvent('E'));
    yield context.df.callActivity('Echo', 1);
    if (got.length < 3) context.df.continueAsNew(got);
    return got;
  });
  define('Status', function* (context) {
    context.df.setCustomStatus(context.df.getInput());
    yield context.df.waitForExternalEvent('A');
    return 'ended';
  });
  define('Contradicts', function* (context) {
    return yield contradict ? context.df.callActivity('TypeOf', 1) : context.df.callActivity('Echo', 1);
  });
  define('ContradictsKind', function* (context) {
    return yield contradict ? context.df.createTimer(after(context, 1)) : context.df.callActivity('Echo', 1);
  });
  define('Args', function* (context) {
    const results: unknown[] = [];
    for (const value of [0, '', null, false, 'é"x', [], '{"a":1}']) {
      results.push(yield context.df.callActivity('TypeOf', value));
    }
    return results;
  });
  define('Child', function* (context) {
    const input = context.df.getInput<string>();
    yield context.df.waitForExternalEvent('go');
    if (input === 'fail') throw new Error('child bad');
    return input;
  });
  define('Parent', function* (context) {
    const { input, id } = context.df.getInput<{ input: string; id: string }>();
    try {
      return { result: yield context.df.callSubOrchestrator('Child', input, id) };
    } catch (thrown) {
      return { error: (thrown as Error).message.split(' \n')[0] };
    }
  });
  define('NoSuch', function* (context) {
    const errors: string[] = [];
    for (const call of [() => context.df.callActivity('NoActivity'), () => context.df.callSubOrchestrator('NoChild')]) {
      try {
        yield call();
      } catch (thrown) {
        errors.push((thrown as Error).message);
      }
    }
    return errors;
  });
  define('Deterministic', function* (context) {
    const ids = [context.df.newGuid('a'), context.df.newGuid('a')];
    const first = context.df.currentUtcDateTime.getTime();
    yield context.df.createTimer(after(context, 5000));
    return { ids, elapsedMs: context.df.currentUtcDateTime.getTime() - first };
  });
  define('AsksTwice', function* (context) {
    const call = context.df.callSubOrchestrator('Child', 'a');
    for (const ms of [1000, 2000]) yield context.df.Task.any([call, context.df.createTimer(after(context, ms))]);
    return 'ended';
  });
  define('Yields', function* () {
    return yield 5 as unknown as df.Task;
  });
  define('Entities', function* (context) {
    const counter = new df.EntityId('Counter', 'c');
    context.df.signalEntity(counter, 'add', 5);
    const value: unknown = yield context.df.callEntity(counter, 'get');
    try {
      yield context.df.callEntity(counter, 'fail');
    } catch {
      return { value, failed: true };
    }
    return { value, failed: false };
  });
  define('Transfers', function* (context) {
    const [from, to] = [new df.EntityId('Counter', 'from'), new df.EntityId('Counter', 'to')];
    const lock = (yield (context.df as unknown as Locking).lock(to, from)) as { release(): void };
    const left: number = yield context.df.callEntity(from, 'get');
    yield context.df.callActivity('Echo', left);
    yield context.df.callEntity(from, 'set', left - 1);
    const right: number = yield context.df.callEntity(to, 'get');
    yield context.df.callEntity(to, 'set', right + 1);
    if (context.df.getInput() !== 'forget') lock.release();
    return 'moved';
  });
  df.app.entity('Counter', (context: df.EntityContext<number>) => {
    const state = context.df.getState(() => 0) ?? 0;
    switch (context.df.operationName) {
      case 'add':
        context.df.setState(state + (context.df.getInput<number>() ?? 0));
        break;
      case 'set':
        context.df.setState(context.df.getInput<number>() ?? 0);
        break;
      case 'get':
        context.df.return(state);
        break;
      case 'tell':
        context.df.signalEntity(new df.EntityId('Counter', 'Other'), 'add', 7);
        break;
      case 'delete':
        context.df.destructOnExit();
        break;
      default:
        throw new Error('entity bad');
    }
  });
});

/** The typings of durable-functions 3.5 lack what its code has. */
type Locking = { lock(...entities: df.EntityId[]): df.Task };

const makers: [string, () => Store][] = [
  ['memory', () => new MemoryStore()],
  ['SQLite', () => new SqliteStore(join(folder, String(stores++)))],
];

describe.each(makers)('the engine on the %s store', (_name, makeStore) => {
  let engine: TestEngine;
  let store: Store;
  const make = (
    activities: NonNullable<TestEngineOptions['activities']> = {},
    more: Partial<TestEngineOptions> = {},
  ) => {
    store = makeStore();
    engine = createTestEngine({ seed: 7, store, activities, ...more });
    return engine;
  };
  afterEach(() => store.close());

  /** Fails the first `failures` times. */
  const flaky = (failures: number) => {
    let calls = 0;
    return { Flaky: () => (++calls <= failures ? Promise.reject(new Error(`boom ${calls}`)) : calls) };
  };
  const run = async (name: string, input?: unknown) => engine.runToEnd(await engine.start(name, input));
  const idsOf = (id: string, type: number): number[] =>
    engine.history(id).flatMap((event) => (event.EventType === type ? [event.EventId] : []));

  test('retries wait longer each time, up to their limit', async () => {
    make(flaky(3));
    const startMs = engine.clock.now();
    expect(await run('Retry')).toMatchObject({ runtimeStatus: 'Completed', output: 4 });
    expect(engine.clock.now() - startMs).toBe(1000 + 2000 + 3000);
  });

  test('the last failed attempt surfaces after a timer that fires at once', async () => {
    make(flaky(99));
    const id = await engine.start('Retry');
    const status = await engine.runToEnd(id);
    expect(status.runtimeStatus).toBe('Failed');
    expect(status.output).toContain("Orchestrator function 'Retry' failed: Activity function 'Flaky' failed:  boom 4");
    expect(idsOf(id, EventType.TaskScheduled)).toEqual([0, 2, 4, 6]);
    expect(idsOf(id, EventType.TimerCreated)).toEqual([1, 3, 5, 7]);
  });

  test('a retry time-out that has passed fails the instance, where the real one would wait for ever', async () => {
    make(flaky(99));
    const status = await run('RetryTimeout');
    expect(status.runtimeStatus).toBe('Failed');
    expect(status.output).toContain('the retry time-out of 2500 ms has passed');
  });

  test('a retried activity beside a timer that is cancelled keeps its numbers', async () => {
    make(flaky(2));
    expect(await run('RetryBesideTimer')).toMatchObject({ runtimeStatus: 'Completed', output: [3, 'afterwards'] });
  });

  test('a timer of ten days is made of several and ends on time', async () => {
    make();
    const startMs = engine.clock.now();
    const id = await engine.start('LongTimer');
    expect(await engine.runToEnd(id)).toMatchObject({ output: 'after ten days' });
    expect(engine.clock.now() - startMs).toBe(10 * 24 * hourMs);
    expect(idsOf(id, EventType.TimerCreated)).toEqual([0, 1, 2, 3]);
  });

  test('an instance does not end while an activity is under way', async () => {
    const answer = Promise.withResolvers<string>();
    make({ Never: () => answer.promise });
    const id = await engine.start('Races');
    await engine.step();
    const activity = engine.step();
    await engine.raiseEvent(id, 'go', 'event');
    await engine.settle();
    expect(engine.status(id).runtimeStatus).toBe('Running');
    answer.resolve('late');
    await activity;
    await engine.settle();
    expect(engine.status(id)).toMatchObject({ runtimeStatus: 'Completed', output: 'event' });
  });

  test('a failed orchestrator carries its message', async () => {
    make();
    expect(await run('Fails', { a: 1 })).toMatchObject({
      runtimeStatus: 'Failed',
      output: "Orchestrator function 'Fails' failed: orchestrator bad",
    });
  });

  test('an orchestrator that yields no task fails with the reason of the SDK', async () => {
    make();
    expect((await run('Yields')).output).toContain('Only Task types can be yielded');
  });

  test('an open call that is passed on a second time is warned of: durable-functions lists it twice', async () => {
    const lines: string[] = [];
    make({}, { log: (line) => lines.push(line) });
    await engine.start('AsksTwice');
    await engine.settle();
    expect(lines).toEqual([]);
    await engine.advance(1000);
    expect(lines).toEqual([expect.stringContaining("'AsksTwice' calls 'Child' while the same call is open")]);
  });

  test('the first failure of Task.all surfaces', async () => {
    make(flaky(9));
    expect((await run('AllFails')).output).toBe("Activity function 'Flaky' failed:  boom 1");
  });

  test('events wait for their turn, whatever their order', async () => {
    make();
    const id = await engine.start('Two');
    await engine.raiseEvent(id, 'B', { b: 1 });
    await engine.raiseEvent(id, 'a', 'another name');
    await engine.raiseEvent(id, 'A');
    expect(await engine.runToEnd(id)).toMatchObject({ output: [null, { b: 1 }] });
  });

  test('continueAsNew loses events that came before it and were not waited for, as Azure does', async () => {
    make();
    const id = await engine.start('Collect');
    for (const n of [1, 2, 3]) await engine.raiseEvent(id, 'E', n);
    await engine.settle();
    expect(engine.status(id)).toMatchObject({ runtimeStatus: 'Running', input: [1] });
    await engine.raiseEvent(id, 'E', 4);
    await engine.settle();
    await engine.raiseEvent(id, 'E', 5);
    expect(await engine.runToEnd(id)).toMatchObject({ output: [1, 4, 5] });
  });

  test('continueAsNew keeps them when asked to', async () => {
    make({}, { unconsumedEvents: 'keep' });
    const id = await engine.start('Collect');
    for (const n of [1, 2, 3]) await engine.raiseEvent(id, 'E', n);
    expect(await engine.runToEnd(id)).toMatchObject({ output: [1, 2, 3] });
  });

  test('custom status is seen at the next yield and refused above 16 KB of UTF-16', async () => {
    make();
    const fits = await engine.start('Status', 'x'.repeat(8190));
    const tooLong = await engine.start('Status', 'x'.repeat(8191));
    await engine.settle();
    expect(engine.status(fits).customStatus).toBe('x'.repeat(8190));
    expect(engine.status(tooLong)).toMatchObject({
      runtimeStatus: 'Failed',
      output:
        "Orchestrator function 'Status' failed: The UTF-16 size of the JSON-serialized payload must not exceed 16 KB. The current payload size is 16 KB.",
    });
  });

  test.each([
    ['Contradicts', /scheduled an activity task with sequence ID 0 and name 'Echo'.*named 'TypeOf'/],
    ['ContradictsKind', /scheduled an activity task .*instead produced a CreateTimerOrchestratorAction/],
  ])('%s: an orchestrator that breaks determinism fails and says how', async (name, reason) => {
    make();
    const id = await engine.start(name);
    contradict = false;
    await engine.step();
    contradict = true;
    const status = await engine.runToEnd(id);
    contradict = false;
    expect(status.runtimeStatus).toBe('Failed');
    expect(status.output).toMatch(reason);
  });

  test('arguments reach activities as the extension hands them over', async () => {
    make();
    expect((await run('Args')).output).toEqual(['0', '""', 'undefined', '"False"', '"é\\"x"', '[]', '"{\\"a\\":1}"']);
  });

  test('guids and time are the same in every replay', async () => {
    make();
    const output = (await run('Deterministic')).output as { ids: string[]; elapsedMs: number };
    expect(new Set(output.ids).size).toBe(2);
    expect(output.elapsedMs).toBe(5000);
  });

  test('a missing activity and a missing child fail their calls', async () => {
    make();
    const output = (await run('NoSuch')).output as string[];
    expect(output[0]).toContain(
      "The function 'NoActivity' doesn't exist, is disabled, or is not an activity function.",
    );
    expect(output[1]).toContain(
      "The function 'NoChild' doesn't exist, is disabled, or is not an orchestrator function.",
    );
  });

  test('a missing orchestrator fails its instance', async () => {
    make();
    expect(await run('NoOrchestrator')).toMatchObject({ runtimeStatus: 'Failed' });
  });

  test('a child whose id is taken by a living instance fails its call', async () => {
    make();
    await engine.start('Two', undefined, 'taken');
    await engine.settle();
    const status = await run('Parent', { input: 'a', id: 'taken' });
    expect(status.output).toEqual({ error: "An orchestration with id 'taken' already exists. It is in state Running" });
  });

  test('a terminated child fails the call of its parent', async () => {
    make();
    const id = await engine.start('Parent', { input: 'a', id: 'child' });
    await engine.settle();
    await engine.client.terminate('child', 'enough');
    expect(await engine.runToEnd(id)).toMatchObject({ output: { error: 'enough' } });
  });

  test('what comes while an instance is suspended is done when it is resumed', async () => {
    make();
    const id = await engine.start('Two');
    await engine.settle();
    expect(await engine.client.suspend(id, 'pause')).toEqual({ kind: 'sent' });
    await engine.settle();
    expect(await engine.client.suspend(id, 'again')).toEqual({ kind: 'wrongState', status: 'Suspended' });
    await engine.raiseEvent(id, 'A', 1);
    await engine.raiseEvent(id, 'B', 2);
    await engine.settle();
    expect(engine.status(id).runtimeStatus).toBe('Suspended');
    await engine.client.resume(id, 'go');
    expect(await engine.runToEnd(id)).toMatchObject({ runtimeStatus: 'Completed', output: [1, 2] });
  });

  test('a terminated instance takes no more messages and can be purged', async () => {
    make();
    const id = await engine.start('Two');
    await engine.settle();
    expect(await engine.client.purge(id)).toEqual({ kind: 'active', status: 'Running' });
    await engine.client.terminate(id, 'because');
    await engine.settle();
    expect(engine.status(id)).toMatchObject({ runtimeStatus: 'Terminated', output: 'because' });
    expect(await engine.client.raiseEvent(id, 'A', null)).toEqual({ kind: 'finished' });
    expect(await engine.client.purge(id)).toEqual({ kind: 'purged' });
    expect(await engine.client.purge(id)).toEqual({ kind: 'notFound' });
  });

  test('many are purged by state and time', async () => {
    make();
    for (let n = 0; n < 3; n += 1) await run('Fails', n);
    await run('NoSuch');
    await engine.start('Two');
    await engine.settle();
    expect(await engine.client.purgeMany({ statuses: ['Failed'], createdFromMs: 0 })).toBe(3);
    expect(await engine.client.purgeMany({ createdFromMs: 0 })).toBe(1);
    expect(engine.instanceIds()).toHaveLength(1);
  });

  test('a living id is refused, a finished one taken over', async () => {
    make();
    await engine.start('Two', 1, 'id');
    await expect(engine.start('Two', 2, 'id')).rejects.toThrow("instance 'id' is Pending already");
    await engine.client.terminate('id', null);
    await engine.settle();
    await engine.start('Two', 3, 'id');
    await engine.settle();
    expect(engine.status('id')).toMatchObject({ runtimeStatus: 'Running', input: 3, output: null });
  });

  test('rewinding runs again what failed, in children too, and nothing else', async () => {
    let isBroken = true;
    let echoes = 0;
    make({
      Flaky: () => {
        if (isBroken) throw new Error('broken');
        return 'mended';
      },
      Echo: (input: unknown) => {
        echoes += 1;
        return input;
      },
    });
    df.app.orchestration('Inner', function* (context: Context): Steps {
      yield context.df.callActivity('Echo', 1);
      return yield context.df.callActivity('Flaky');
    });
    df.app.orchestration('Outer', function* (context: Context): Steps {
      return yield context.df.callSubOrchestrator('Inner', null, 'inner');
    });
    const id = await engine.start('Outer');
    expect((await engine.runToEnd(id)).runtimeStatus).toBe('Failed');
    isBroken = false;
    expect(await engine.client.rewind(id)).toEqual({ kind: 'rewound' });
    expect(await engine.runToEnd(id)).toMatchObject({ runtimeStatus: 'Completed', output: 'mended' });
    expect(engine.status('inner').runtimeStatus).toBe('Completed');
    expect(echoes).toBe(1);
    expect(await engine.client.rewind(id)).toEqual({ kind: 'notFailed', status: 'Completed' });
  });

  test('restarting makes a new instance with the input of the old one', async () => {
    make();
    const id = await engine.start('Fails', { a: 1 });
    await engine.runToEnd(id);
    const restarted = await engine.client.restart(id, 'new');
    if (restarted?.kind !== 'started') throw new Error('not restarted');
    expect(restarted.instanceId).not.toBe(id);
    expect(await engine.runToEnd(restarted.instanceId)).toMatchObject({ input: { a: 1 } });
    expect(await engine.client.restart('none', 'new')).toBeUndefined();
  });

  test('an entity takes signals and calls in order and reports what it throws', async () => {
    make();
    expect((await run('Entities')).output).toEqual({ value: 5, failed: true });
    expect(engine.client.entity({ name: 'Counter', key: 'c' })?.state).toBe('5');
  });

  test('entities signal each other, and one that is deleted is gone', async () => {
    make();
    await engine.client.signalEntity({ name: 'Counter', key: 'a' }, 'tell', null);
    await engine.client.signalEntity({ name: 'Counter', key: 'b' }, 'add', '2');
    await engine.settle();
    expect(engine.client.entity({ name: 'counter', key: 'Other' })?.state).toBe('7');
    await engine.client.signalEntity({ name: 'Counter', key: 'b' }, 'delete', null);
    await engine.settle();
    expect(engine.client.entity({ name: 'Counter', key: 'b' })).toBeUndefined();
    expect(engine.client.instance('@counter@b')).toBeUndefined();
  });

  test.each(['release', 'forget'])(
    'locked entities are changed by one orchestration at a time (%s)',
    async (manner) => {
      make();
      await engine.client.signalEntity({ name: 'Counter', key: 'from' }, 'set', '10');
      const ids: string[] = [];
      for (let n = 0; n < 5; n += 1) ids.push(await engine.start('Transfers', manner));
      await engine.settle();
      expect(ids.map((id) => engine.status(id).output)).toEqual(['moved', 'moved', 'moved', 'moved', 'moved']);
      expect(engine.client.entity({ name: 'Counter', key: 'from' })?.state).toBe('5');
      expect(engine.client.entity({ name: 'Counter', key: 'to' })?.state).toBe('5');
    },
  );

  test('crashes at every step change nothing in the end', async () => {
    const uncrashed = await (make(flaky(2)), run('RetryBesideTimer'));
    for (let crashAt = 1; crashAt < 14; crashAt += 1) {
      store.close();
      make(flaky(2));
      const id = await engine.start('RetryBesideTimer');
      for (let step = 0; step < crashAt; step += 1) if (!(await engine.step())) await engine.advance(1000);
      engine.crash();
      expect((await engine.runToEnd(id)).output).toEqual(uncrashed.output);
    }
  });
});
