import * as df from 'durable-functions';
import { createTestEngine } from './test-engine';

type Context = df.OrchestrationContext;

function register(): void {
  df.app.activity('Echo', { handler: (input: unknown) => input });
  df.app.activity('Fail', {
    handler: () => {
      throw new TypeError('boom');
    },
  });
  df.app.orchestration('Chain', function* (context: Context) {
    const a = yield context.df.callActivity('Echo', 'x');
    const b = yield context.df.callActivity('Echo', { a, n: 1 });
    return { a, b };
  });
  df.app.orchestration('Caught', function* (context: Context) {
    try {
      yield context.df.callActivity('Fail');
    } catch (thrown) {
      return (thrown as Error).message.split('\n')[0];
    }
    return 'not caught';
  });
  df.app.orchestration('Retried', function* (context: Context): Generator<df.Task, unknown, unknown> {
    return yield context.df.callActivityWithRetry('Flaky', new df.RetryOptions(1000, 3), null);
  });
  df.app.orchestration('Waits', function* (context: Context) {
    const timer = context.df.createTimer(new Date(context.df.currentUtcDateTime.getTime() + 3_600_000));
    const event = context.df.waitForExternalEvent('go');
    const winner: df.Task = yield context.df.Task.any([event, timer]);
    if (winner === event) timer.cancel();
    return winner === event ? event.result : 'too late';
  });
  df.app.orchestration('Fans', function* (context: Context) {
    const results: unknown[] = yield context.df.Task.all([1, 2, 3, 4].map((n) => context.df.callActivity('Slow', n)));
    return results;
  });
  df.app.orchestration('Child', function* (context: Context) {
    const input = context.df.getInput<string>();
    yield context.df.callActivity('Echo', 1);
    if (input === 'fail') throw new Error('child bad');
    return { input, id: context.df.instanceId };
  });
  df.app.orchestration('Parent', function* (context: Context) {
    const a: unknown = yield context.df.callSubOrchestrator('Child', 'p');
    try {
      yield context.df.callSubOrchestrator('Child', 'fail', 'fixed');
    } catch (thrown) {
      return { a, error: (thrown as Error).message.split('\n')[0] };
    }
    return 'the child did not fail';
  });
  df.app.orchestration('Loops', function* (context: Context) {
    const got = context.df.getInput<number[] | undefined>() ?? [];
    const event: number = yield context.df.waitForExternalEvent('E');
    got.push(event);
    if (got.length < 3) context.df.continueAsNew(got);
    return got;
  });
}

df.app.orchestration('PastTimer', function* (context: Context) {
  yield context.df.createTimer(new Date(context.df.currentUtcDateTime.getTime() - 5000));
  return 'fired';
});

const engineOf = (seed: number, activities = {}) => createTestEngine({ seed, register, activities });

test('a chain of activities hands values on as they are', async () => {
  const engine = engineOf(1);
  const id = await engine.start('Chain');
  expect(await engine.runToEnd(id)).toMatchObject({
    runtimeStatus: 'Completed',
    output: { a: 'x', b: { a: 'x', n: 1 } },
  });
});

test('an activity that throws can be caught', async () => {
  const engine = engineOf(1);
  const status = await engine.runToEnd(await engine.start('Caught'));
  expect(status.output).toBe("Activity function 'Fail' failed:  boom ");
});

test('retries wait in virtual time', async () => {
  let calls = 0;
  const engine = engineOf(1, {
    Flaky: () => {
      calls += 1;
      if (calls < 3) throw new Error('not yet');
      return 'done';
    },
  });
  const startMs = engine.clock.now();
  const status = await engine.runToEnd(await engine.start('Retried'));
  expect(status).toMatchObject({ runtimeStatus: 'Completed', output: 'done' });
  expect(engine.clock.now() - startMs).toBe(2000);
});

test('an event wins against a timer, and the timer wins without one', async () => {
  const engine = engineOf(1);
  const told = await engine.start('Waits');
  const untold = await engine.start('Waits');
  await engine.settle();
  await engine.raiseEvent(told, 'go', { v: 1 });
  await engine.settle();
  expect(engine.status(told)).toMatchObject({ runtimeStatus: 'Completed', output: { v: 1 } });
  await engine.advance(3_599_999);
  expect(engine.status(untold).runtimeStatus).toBe('Running');
  await engine.advance(1);
  expect(engine.status(untold)).toMatchObject({ runtimeStatus: 'Completed', output: 'too late' });
});

test('the order of a fan-out depends on the seed alone', async () => {
  const orderOf = async (seed: number): Promise<number[]> => {
    const order: number[] = [];
    const engine = engineOf(seed, { Slow: (n: number) => order.push(n) });
    await engine.runToEnd(await engine.start('Fans'));
    return order;
  };
  const orders = await Promise.all([1, 2, 3, 4, 5].map(orderOf));
  expect(await orderOf(3)).toEqual(orders[2]);
  expect(new Set(orders.map(String)).size).toBeGreaterThan(1);
});

test('children report results and failures to their parent', async () => {
  const engine = engineOf(1);
  const id = await engine.start('Parent');
  const status = await engine.runToEnd(id);
  expect(status.output).toMatchObject({ a: { input: 'p' }, error: "Orchestrator function 'Child' failed: child bad " });
});

test('a crash inside an activity runs it again and loses nothing', async () => {
  let runs = 0;
  const engine = engineOf(1, {
    Slow: (n: number) => {
      runs += 1;
      if (runs === 2) engine.crash();
      return n * 10;
    },
  });
  const status = await engine.runToEnd(await engine.start('Fans'));
  expect(status).toMatchObject({ runtimeStatus: 'Completed', output: [10, 20, 30, 40] });
  // The one that crashed, and those whose end had not been written yet.
  expect(runs).toBeGreaterThanOrEqual(5);
  expect(runs).toBeLessThanOrEqual(8);
});

test('continueAsNew keeps the events that come one at a time', async () => {
  const engine = engineOf(1);
  const id = await engine.start('Loops');
  for (const n of [1, 2, 3]) {
    await engine.settle();
    await engine.raiseEvent(id, 'E', n);
  }
  await engine.settle();
  expect(engine.status(id)).toMatchObject({ runtimeStatus: 'Completed', output: [1, 2, 3] });
});

test('a timer in the past fires at once', async () => {
  const engine = engineOf(1);
  const id = await engine.start('PastTimer');
  await engine.settle();
  expect(engine.status(id)).toMatchObject({ runtimeStatus: 'Completed', output: 'fired' });
});
