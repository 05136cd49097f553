import * as df from 'durable-functions';
import { EventType } from '../engine/history';
import { createTestEngine, type TestEngine } from '../testing/test-engine';
import { seededRandom } from '../testing/random';
import { WorkerInvoker } from '../testing/worker-invoker';

type Context = df.OrchestrationContext;
type Steps = Generator<df.Task, unknown, unknown>;

const dayMs = 24 * 3_600_000;

const after = (context: Context, ms: number): df.TimerTask =>
  context.df.createTimer(new Date(context.df.currentUtcDateTime.getTime() + ms));

/** What an orchestrator may do, one thing a step; `n` is the step's own number, `pending` holds what nobody has waited for yet. */
const deeds: ((context: Context, n: number, pending: df.Task[]) => Steps)[] = [
  function* (context, n) {
    return yield context.df.callActivity('Act', n);
  },
  function* (context, n) {
    try {
      return yield context.df.callActivity('Fails', n);
    } catch (thrown) {
      return (thrown as Error).message;
    }
  },
  function* (context, n) {
    try {
      return yield context.df.callActivityWithRetry('FailsOften', new df.RetryOptions(10, 3), n);
    } catch (thrown) {
      return (thrown as Error).message;
    }
  },
  function* (context, n) {
    return yield context.df.Task.all([1, 2, 3].map((m) => context.df.callActivity('Act', n * 10 + m)));
  },
  function* (context, n) {
    const timer = after(context, 50);
    const call = context.df.callActivity('Act', n);
    const winner = yield context.df.Task.any([call, timer]);
    if (!timer.isCompleted) timer.cancel();
    return winner === call ? 'call' : 'timer';
  },
  function* (context, n, pending) {
    const calls = [context.df.callActivity('Act', n), context.df.callActivity('Act', -n)];
    const winner = (yield context.df.Task.any(calls)) as df.Task;
    pending.push(...calls.filter((call) => call !== winner));
    return winner.result;
  },
  function* (context, n, pending) {
    return yield pending.shift() ?? context.df.callActivity('Act', n);
  },
  function* (context, n) {
    yield after(context, n % 11 === 0 ? 8 * dayMs : 20);
    return context.df.currentUtcDateTime.toISOString();
  },
  function* (context) {
    return yield context.df.waitForExternalEvent('news');
  },
  function* (context, n) {
    return yield context.df.callSubOrchestrator('Child', n);
  },
  function* (context, n) {
    const entity = new df.EntityId('Sum', context.df.instanceId);
    context.df.signalEntity(entity, 'add', n);
    return yield context.df.callEntity(entity, 'get');
  },
  function* (context, n) {
    context.df.setCustomStatus({ at: n });
    return yield context.df.callActivity('Act', context.df.newGuid(context.df.instanceId));
  },
];

df.app.orchestration('Child', function* (context: Context): Steps {
  return yield context.df.callActivity('Act', context.df.getInput<number>());
});
df.app.entity('Sum', (context: df.EntityContext<number>) => {
  const sum = context.df.getState(() => 0) ?? 0;
  if (context.df.operationName === 'get') context.df.return(sum);
  else context.df.setState(sum + (context.df.getInput<number>() ?? 0));
});
df.app.orchestration('Random', function* (context: Context): Steps {
  const { seed, steps } = context.df.getInput<{ seed: number; steps: number }>();
  const random = seededRandom(seed);
  const pending: df.Task[] = [];
  const results: unknown[] = [];
  for (let n = 1; n <= steps; n += 1) {
    const deed = deeds[Math.floor(random() * deeds.length)]!;
    results.push(yield* deed(context, n, pending));
    if (!context.df.isReplaying) context.log(`${n}: ${JSON.stringify(results.at(-1))}`);
  }
  return results;
});

/** Without a stack, which differs between the two ways of running. */
function failure(message: string): Error {
  const error = new Error(message);
  error.stack = message;
  return error;
}

let attempts = 0;
const activities = {
  Act: (input: unknown) => ({ of: input }),
  Fails: (input: unknown) => {
    throw failure(`no ${String(input)}`);
  },
  FailsOften: (input: unknown) => {
    attempts += 1;
    if (attempts % 3 !== 0) throw failure(`not yet ${String(input)}`);
    return 'at last';
  },
  // Of the tests of broken determinism.
  One: () => 1,
  Two: () => 2,
};

type Run = { readonly engine: TestEngine; readonly worker: WorkerInvoker | undefined; readonly lines: string[] };

function begin(seed: number, kind: 'warm' | 'cold'): Run {
  const lines: string[] = [];
  let worker: WorkerInvoker | undefined;
  const engine: TestEngine = createTestEngine({
    seed,
    activities,
    log: (line) => lines.push(line),
    ...(kind === 'warm' && {
      invoker: (own) =>
        (worker = new WorkerInvoker(
          own,
          (line) => lines.push(`[${line.level}] ${line.functionName}: ${line.message}`),
          () => engine.clock.now(),
        )),
    }),
  });
  return { engine, worker, lines };
}

/** One orchestration from its start to its end, with events, restarts of the host and new workers at times drawn from the seed. */
async function play({ engine, worker }: Run, seed: number) {
  const random = seededRandom(seed + 1000);
  attempts = 0;
  const id = await engine.start('Random', { seed, steps: 60 }, 'i');
  const seen: unknown[] = [];
  // Some hang for ever in durable-functions itself, in retries: both ways must then hang at the same place.
  for (let turn = 0; turn < 400 && engine.status(id).runtimeStatus !== 'Completed'; turn += 1) {
    const chance = random();
    if (chance < 0.3) await engine.raiseEvent(id, 'news', turn);
    else if (chance < 0.32) engine.crash();
    else if (chance < 0.34) worker?.replaceWorker();
    else if (chance < 0.36) await engine.client.suspend(id, 'rest');
    else if (chance < 0.5) await engine.client.resume(id, 'go on');
    for (let step = Math.floor(random() * 4); step > 0; step -= 1) await engine.step();
    if (chance > 0.7) await engine.advance(Math.floor(random() * 40));
    if (chance > 0.97) await engine.advance(9 * dayMs);
    seen.push(engine.status(id).customStatus);
  }
  await engine.settle();
  return { status: engine.status(id), history: engine.history(id), seen };
}

/** A turn that was played ahead and was not the one to be played writes its lines once more when it is. */
const withoutRepeats = (lines: readonly string[]): string[] => lines.filter((line, index) => line !== lines[index - 1]);

test.each(Array.from({ length: 25 }, (_, index) => index + 1))(
  'an orchestration that is kept warm goes as one that is replayed each turn (seed %d)',
  async (seed) => {
    const [warm, cold] = [begin(seed, 'warm'), begin(seed, 'cold')];
    const expected = await play(cold, seed);
    expect(await play(warm, seed)).toEqual(expected);
    expect(withoutRepeats(warm.lines)).toEqual(cold.lines);
    expect(warm.worker?.continuedTurns).toBeGreaterThan(10);
    expect(warm.worker?.turnsTakenAhead).toBeGreaterThan(0);
  },
);

let called: 'One' | 'Two' = 'One';
df.app.orchestration('Fickle', function* (context: Context): Steps {
  const steps = context.df.getInput<number>();
  for (let n = 1; n <= steps; n += 1) yield context.df.callActivity(n === 3 ? called : 'One');
  return yield context.df.waitForExternalEvent('end');
});

/** An orchestration that has got through its steps and waits for its end. */
async function waiting(steps: number): Promise<Run> {
  called = 'One';
  const run = begin(1, 'warm');
  await run.engine.start('Fickle', steps, 'i');
  await run.engine.settle();
  expect(run.engine.status('i').runtimeStatus).toBe('Running');
  expect(run.worker?.continuedTurns).toBeGreaterThan(5);
  return run;
}

test('a turn that was played ahead counts only if nothing else has come before it', async () => {
  called = 'One';
  const run = begin(1, 'warm');
  await run.engine.start('Fickle', 60, 'i');
  while (run.engine.history('i').length < 120) await run.engine.step();
  const before = run.worker?.turnsTakenAhead ?? 0;
  expect(before).toBeGreaterThan(5);
  // An event after each piece of work: each turn has one more message than the worker could know.
  while (run.engine.history('i').length < 160) {
    await run.engine.step();
    await run.engine.raiseEvent('i', 'early', 1);
  }
  expect(run.worker?.turnsTakenAhead).toBe(before);
  await run.engine.settle();
  expect(run.worker?.turnsTakenAhead).toBeGreaterThan(before);
  await run.engine.raiseEvent('i', 'end', 'over');
  await run.engine.settle();
  expect(run.engine.status('i')).toMatchObject({ runtimeStatus: 'Completed', output: 'over' });
  const ends = run.engine.history('i').filter((event) => event.EventType === EventType.TaskCompleted);
  expect(ends).toHaveLength(60);
});

test('code that contradicts a history is found out when a warm orchestration ends', async () => {
  const { engine } = await waiting(40);
  called = 'Two';
  await engine.raiseEvent('i', 'end', 1);
  await engine.settle();
  expect(engine.status('i')).toMatchObject({
    runtimeStatus: 'Failed',
    output: expect.stringContaining("instead scheduled a task named 'Two'"),
  });
});

test('code that contradicts a history is found out before the history is twice as long', async () => {
  called = 'One';
  const { engine } = begin(1, 'warm');
  await engine.start('Fickle', 1000, 'i');
  while (engine.history('i').length < 200) await engine.step();
  called = 'Two';
  while (engine.status('i').runtimeStatus === 'Running' && engine.history('i').length < 410) await engine.step();
  expect(engine.status('i').runtimeStatus).toBe('Failed');
});

test('a short history is replayed each turn, so that broken determinism is found out at once', async () => {
  called = 'One';
  const { engine } = begin(1, 'warm');
  await engine.start('Fickle', 1000, 'i');
  while (engine.history('i').length < 40) await engine.step();
  called = 'Two';
  while (engine.status('i').runtimeStatus === 'Running' && engine.history('i').length < 50) await engine.step();
  expect(engine.status('i').runtimeStatus).toBe('Failed');
});
