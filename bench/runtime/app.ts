/** The app of the runtime's benchmark: activities that do nothing, so that what is measured is the runtime. */
import { app, type HttpRequest, type HttpResponseInit, type InvocationContext } from '@azure/functions';
import * as df from 'durable-functions';

type Context = df.OrchestrationContext;
type Steps = Generator<df.Task, unknown, unknown>;

df.app.activity('Nothing', { handler: (value: number) => value });

df.app.orchestration('Chain', function* (context: Context): Steps {
  const length = context.df.getInput<number>();
  let sum = 0;
  for (let n = 0; n < length; n += 1) sum += (yield context.df.callActivity('Nothing', n)) as number;
  return sum;
});

df.app.orchestration('Fan', function* (context: Context): Steps {
  const width = context.df.getInput<number>();
  const tasks = Array.from({ length: width }, (_, n) => context.df.callActivity('Nothing', n));
  const values = (yield context.df.Task.all(tasks)) as number[];
  return values.reduce((sum, value) => sum + value, 0);
});

df.app.orchestration('Waits', function* (context: Context): Steps {
  return yield context.df.waitForExternalEvent('go');
});

/** A chain that then waits, so that its history is there to be replayed. */
df.app.orchestration('ChainThenWaits', function* (context: Context): Steps {
  const length = context.df.getInput<number>();
  for (let n = 0; n < length; n += 1) yield context.df.callActivity('Nothing', n);
  return yield context.df.waitForExternalEvent('go');
});

app.http('begin', {
  route: 'begin/{name}',
  methods: ['POST'],
  extraInputs: [df.input.durableClient()],
  handler: async (request: HttpRequest, context: InvocationContext): Promise<HttpResponseInit> => {
    const id = await df.getClient(context).startNew(request.params['name'] ?? '', { input: 1 });
    return { status: 202, body: id };
  },
});
