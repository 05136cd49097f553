/** Orchestrations that fail. */
import * as df from 'durable-functions';
import { atOnce, throwValue, type Context, type Steps } from './words';

df.app.orchestration(
  'ThrowAtOnce',
  atOnce((context) => {
    throw new Error(context.df.getInput<string>());
  }),
);
df.app.orchestration('ThrowLater', function* (context: Context): Steps {
  yield context.df.callActivity('Echo', 1);
  throw new RangeError('thrown later');
});
df.app.orchestration(
  'ThrowText',
  atOnce(() => throwValue('a thrown text')),
);
df.app.orchestration('Uncaught', function* (context: Context): Steps {
  return yield context.df.callActivity('Throw', 'nobody catches it');
});
df.app.orchestration('YieldNumber', function* (): Steps {
  return yield 7 as unknown as df.Task;
});
df.app.orchestration('YieldNothing', function* (): Steps {
  return yield undefined as unknown as df.Task;
});
/** Fails until the activity has succeeded once: for rewinding. */
df.app.orchestration('FailsTwice', function* (context: Context): Steps {
  const before: unknown = yield context.df.callActivity('Echo', 'before');
  const result: unknown = yield context.df.callActivity('FailTimes', { key: context.df.instanceId, times: 1 });
  return [before, result];
});
df.app.orchestration('FailsInChild', function* (context: Context): Steps {
  const input = { key: context.df.instanceId, times: 1 };
  return yield context.df.callSubOrchestrator('FailingChild', input, `${context.df.instanceId}-child`);
});
/** Catches, cleans up, throws on. */
df.app.orchestration('CleansUp', function* (context: Context): Steps {
  try {
    yield context.df.callActivity('Throw', 'the work');
  } catch (thrown) {
    context.df.setCustomStatus(yield context.df.callActivity('Echo', 'cleaned up'));
    throw thrown;
  }
  return 'not reached';
});
