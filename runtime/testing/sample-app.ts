/** An app for tests of the host process: it leaves traces of what ran in files, and has functions that misbehave on request. */
import { appendFileSync, existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { app, type HttpRequest, type HttpResponseInit, type InvocationContext, type Timer } from '@azure/functions';
import * as df from 'durable-functions';

type Context = df.OrchestrationContext;
type Steps = Generator<df.Task, unknown, unknown>;

const traces = process.env['SAMPLE_TRACES'] ?? process.cwd();
const trace = (file: string, line: string): void => appendFileSync(join(traces, file), `${line}\n`);

/** True the first time for a name, over all lives of the worker. */
function isFirst(name: string): boolean {
  const file = join(traces, `once-${name}`);
  if (existsSync(file)) return false;
  writeFileSync(file, '');
  return true;
}

trace('workers', String(process.pid));

df.app.activity('Effect', {
  handler: (input: { key: string; value: unknown }) => {
    trace('effects', input.key);
    return input.value;
  },
});
df.app.activity('Slow', {
  handler: async (input: { ms: number; value: unknown }) => {
    await sleep(input.ms);
    return input.value;
  },
});
df.app.activity('CrashOnce', {
  handler: (name: string) => {
    if (isFirst(name)) process.exit(7);
    return 'survived';
  },
});
df.app.activity('Crash', { handler: () => process.exit(7) });
df.app.activity('HangOnce', {
  handler: (name: string) => {
    const isHung = isFirst(name);
    while (isHung);
    return 'survived';
  },
});
const eaten: unknown[] = [];
df.app.activity('EatBuffersOnce', {
  handler: (name: string) => {
    const isHungry = isFirst(name);
    // Written to, so that the pages are really there; without a pause, so that the worker answers nobody meanwhile.
    while (isHungry) eaten.push(Buffer.alloc(8 * 1024 * 1024, 1));
    return 'survived';
  },
});
df.app.activity('EatHeapOnce', {
  handler: (name: string) => {
    const isHungry = isFirst(name);
    while (isHungry) eaten.push(Array.from({ length: 100_000 }, (_, n) => ({ n })));
    return 'survived';
  },
});
df.app.activity('Large', { handler: (length: number) => 'x'.repeat(length) });
df.app.activity('Environment', { handler: (name: string) => process.env[name] ?? null });

df.app.orchestration('Chain', function* (context: Context) {
  const length = context.df.getInput<number>();
  let sum = 0;
  for (let n = 0; n < length; n += 1) {
    sum += (yield context.df.callActivity('Effect', { key: `${context.df.instanceId}/${n}`, value: n })) as number;
  }
  return sum;
});
df.app.orchestration('Fan', function* (context: Context): Steps {
  const width = context.df.getInput<number>();
  const tasks = Array.from({ length: width }, (_, n) =>
    context.df.callActivity('Effect', { key: `${context.df.instanceId}/${n}`, value: n }),
  );
  return yield context.df.Task.all(tasks);
});
df.app.orchestration('Naps', function* (context: Context) {
  const naps = context.df.getInput<number>();
  for (let n = 0; n < naps; n += 1) {
    yield context.df.createTimer(new Date(context.df.currentUtcDateTime.getTime() + 150));
    yield context.df.callActivity('Effect', { key: `${context.df.instanceId}/${n}`, value: n });
  }
  return naps;
});
df.app.orchestration('Listens', function* (context: Context) {
  const first: unknown = yield context.df.waitForExternalEvent('first');
  yield context.df.callActivity('Effect', { key: `${context.df.instanceId}/0`, value: first });
  const second: unknown = yield context.df.waitForExternalEvent('second');
  return [first, second];
});
df.app.orchestration('Family', function* (context: Context): Steps {
  const size = context.df.getInput<number>();
  const children = Array.from({ length: size }, (_, n) =>
    context.df.callSubOrchestrator('Chain', 3, `${context.df.instanceId}-child${n}`),
  );
  return yield context.df.Task.all(children);
});
df.app.orchestration('Counts', function* (context: Context): Steps {
  const counter = new df.EntityId('Counter', context.df.getInput<string>());
  context.df.signalEntity(counter, 'add', 1);
  context.df.signalEntity(counter, 'add', 1);
  yield context.df.callActivity('Effect', { key: `${context.df.instanceId}/0`, value: 1 });
  return yield context.df.callEntity(counter, 'get');
});
df.app.orchestration('Writes', function* (context: Context): Steps {
  const { key, count } = context.df.getInput<{ key: string; count: number }>();
  const journal = new df.EntityId('Journal', key);
  for (let n = 0; n < count; n += 1) {
    context.df.signalEntity(journal, 'write', `${context.df.instanceId}/${n}`);
    if (n === 1) yield context.df.callActivity('Effect', { key: `${context.df.instanceId}/0`, value: n });
  }
  return yield context.df.callEntity(journal, 'write', `${context.df.instanceId}/last`);
});
df.app.orchestration('Calls', function* (context: Context): Steps {
  const { activity, input } = context.df.getInput<{ activity: string; input: unknown }>();
  try {
    return { result: yield context.df.callActivity(activity, input) };
  } catch (thrown) {
    return { error: (thrown as Error).message };
  }
});
df.app.orchestration('Generations', function* (context: Context) {
  const left = context.df.getInput<number>();
  yield context.df.callActivity('Effect', { key: `${context.df.instanceId}/${left}`, value: left });
  if (left > 0) context.df.continueAsNew(left - 1);
  return 'done';
});
df.app.orchestration('Wedged', function* (context: Context) {
  yield context.df.callActivity('Effect', { key: `${context.df.instanceId}/0`, value: 0 });
  process.exit(7);
});
/** A chain whose code takes its worker down, once, right after the activity of this number. */
df.app.orchestration('Stumbles', function* (context: Context) {
  const { length, after } = context.df.getInput<{ length: number; after: number }>();
  for (let n = 0; n < length; n += 1) {
    yield context.df.callActivity('Effect', { key: `${context.df.instanceId}/${n}`, value: n });
    if (n === after && isFirst(context.df.instanceId)) process.exit(7);
  }
  return 'arrived';
});
df.app.entity('Counter', (context: df.EntityContext<number>) => {
  const state = context.df.getState(() => 0) ?? 0;
  if (context.df.operationName === 'add') context.df.setState(state + (context.df.getInput<number>() ?? 0));
  else context.df.return(state);
});

df.app.entity('Journal', (context: df.EntityContext<string[]>) => {
  const line = context.df.getInput<string>() ?? '';
  context.df.setState([...(context.df.getState(() => []) ?? []), line]);
  context.df.return(line);
});

app.http('echo', {
  route: 'echo/{name}/{number:int?}',
  methods: ['GET', 'POST'],
  handler: async (request: HttpRequest): Promise<HttpResponseInit> => ({
    status: 201,
    headers: { 'x-name': request.params['name'] ?? '' },
    cookies: [{ name: 'c', value: 'v 1', path: '/', httpOnly: true, sameSite: 'Lax' }],
    jsonBody: {
      method: request.method,
      url: request.url,
      params: request.params,
      query: Object.fromEntries(request.query),
      body: await request.text(),
    },
  }),
});
app.http('bytes', {
  methods: ['POST'],
  handler: async (request: HttpRequest): Promise<HttpResponseInit> => ({
    body: new Uint8Array(await request.arrayBuffer()),
  }),
});
app.http('throws', {
  methods: ['GET'],
  handler: () => {
    throw new Error('thrown on purpose');
  },
});
// JavaScript apps often return nothing, which the types of @azure/functions do not foresee.
const returnNothing: () => never = () => undefined as never;
app.http('nothing', { methods: ['GET'], handler: returnNothing });
app.http('guarded', { methods: ['GET'], authLevel: 'function', handler: () => ({ body: 'function' }) });
app.http('locked', { methods: ['GET'], authLevel: 'admin', handler: () => ({ body: 'admin' }) });
app.http('begin', {
  route: 'begin/{name}/{id}',
  methods: ['POST'],
  extraInputs: [df.input.durableClient()],
  handler: async (request: HttpRequest, context: InvocationContext): Promise<HttpResponseInit> => {
    const client = df.getClient(context);
    const { name = '', id = '' } = request.params;
    await client.startNew(name, { instanceId: id, input: await request.json() });
    return client.waitForCompletionOrCreateCheckStatusResponse(request, id, {
      timeoutInMilliseconds: 5000,
      retryIntervalInMilliseconds: 50,
    });
  },
});
app.timer('tick', {
  schedule: '%TICK_SCHEDULE%',
  runOnStartup: true,
  handler: (timer: Timer) => trace('ticks', JSON.stringify(timer)),
});
app.storageQueue('queued', { queueName: 'q', connection: 'AzureWebJobsStorage', handler: () => undefined });
