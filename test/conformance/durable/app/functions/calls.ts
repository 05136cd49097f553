/** Orchestrations that call activities. */
import * as df from 'durable-functions';
import { atOnce, describe, type Context, type Steps } from './words';

type Call = { readonly activity: string; readonly input?: unknown };

df.app.orchestration('Call', function* (context: Context): Steps {
  const { activity, input } = context.df.getInput<Call>();
  return yield context.df.callActivity(activity, input);
});
df.app.orchestration('CallWithoutInput', function* (context: Context): Steps {
  return yield context.df.callActivity(context.df.getInput<string>());
});
df.app.orchestration('Catch', function* (context: Context): Steps {
  const { activity, input } = context.df.getInput<Call>();
  try {
    return yield context.df.callActivity(activity, input);
  } catch (thrown) {
    return describe(thrown);
  }
});
df.app.orchestration('CatchAndGoOn', function* (context: Context): Steps {
  const results: unknown[] = [];
  for (const message of ['one', 'two']) {
    try {
      results.push(yield context.df.callActivity('Throw', message));
    } catch (thrown) {
      results.push(describe(thrown).message.includes(message));
    }
  }
  results.push(yield context.df.callActivity('Echo', 'after'));
  return results;
});
df.app.orchestration('Chain', function* (context: Context): Steps {
  let sum = 0;
  for (let n = 1; n <= context.df.getInput<number>(); n += 1) {
    sum += (yield context.df.callActivity('Echo', n)) as number;
  }
  return sum;
});
/** Calls that nobody waits for are never made. */
df.app.orchestration('CallWithoutYield', function* (context: Context): Steps {
  context.df.callActivity('Throw', 'must not run');
  return yield context.df.callActivity('Echo', 'only this');
});
df.app.orchestration(
  'Nothing',
  atOnce(() => undefined),
);
df.app.orchestration(
  'Input',
  atOnce((context) => context.df.getInput()),
);
df.app.orchestration(
  'InputType',
  atOnce((context) => {
    const input = context.df.getInput();
    return input === null ? 'null' : typeof input;
  }),
);
df.app.orchestration(
  'Identity',
  atOnce((context) => ({
    instanceId: context.df.instanceId,
    parentInstanceId: context.df.parentInstanceId ?? null,
    functionName: context.functionName,
  })),
);
df.app.orchestration('Http', function* (context: Context): Steps {
  return yield context.df.callHttp(context.df.getInput<df.CallHttpOptions>());
});

type Retrying = {
  readonly times: number;
  readonly firstMs: number;
  readonly attempts: number;
  readonly backoff?: number;
  readonly intervalMsMax?: number;
  readonly timeoutMs?: number;
};
export function retryOptions(wanted: Retrying): df.RetryOptions {
  const options = new df.RetryOptions(wanted.firstMs, wanted.attempts);
  if (wanted.backoff !== undefined) options.backoffCoefficient = wanted.backoff;
  if (wanted.intervalMsMax !== undefined) options.maxRetryIntervalInMilliseconds = wanted.intervalMsMax;
  if (wanted.timeoutMs !== undefined) options.retryTimeoutInMilliseconds = wanted.timeoutMs;
  return options;
}
/** Says how it ended and how much time that took. */
df.app.orchestration('Retry', function* (context: Context): Steps {
  const wanted = context.df.getInput<Retrying>();
  const startMs = context.df.currentUtcDateTime.getTime();
  const input = { key: context.df.instanceId, times: wanted.times };
  let end: unknown;
  try {
    end = yield context.df.callActivityWithRetry('FailTimes', retryOptions(wanted), input);
  } catch (thrown) {
    end = describe(thrown).message.split(' \n')[0];
  }
  return { end, elapsedMs: context.df.currentUtcDateTime.getTime() - startMs };
});
df.app.orchestration('RetryBeside', function* (context: Context): Steps {
  const one = (key: string): df.Task =>
    context.df.callActivityWithRetry('FailTimes', new df.RetryOptions(50, 4), {
      key: `${context.df.instanceId}-${key}`,
      times: 2,
    });
  return yield context.df.Task.all([one('a'), context.df.callActivity('Echo', 'beside'), one('b')]);
});
df.app.orchestration('RetryThenGoOn', function* (context: Context): Steps {
  const input = { key: context.df.instanceId, times: 1 };
  const first: unknown = yield context.df.callActivityWithRetry('FailTimes', new df.RetryOptions(50, 2), input);
  const second: unknown = yield context.df.callActivity('Echo', 'then');
  yield context.df.createTimer(new Date(context.df.currentUtcDateTime.getTime() + 50));
  return [first, second, yield context.df.callActivity('Echo', 'last')];
});
