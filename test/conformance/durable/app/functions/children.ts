/** Orchestrations that call orchestrations. */
import * as df from 'durable-functions';
import { describe, type Context, type Steps } from './words';

type ChildCall = {
  readonly child: string;
  readonly input?: unknown;
  readonly id?: string;
  readonly version?: string;
};

df.app.orchestration('Parent', function* (context: Context): Steps {
  const { child, input, id, version } = context.df.getInput<ChildCall>();
  return yield context.df.callSubOrchestrator(child, input, id, version);
});
df.app.orchestration('CatchingParent', function* (context: Context): Steps {
  const { child, input, id } = context.df.getInput<ChildCall>();
  try {
    return yield context.df.callSubOrchestrator(child, input, id);
  } catch (thrown) {
    return describe(thrown);
  }
});
df.app.orchestration('RetryingParent', function* (context: Context): Steps {
  const { child, input, id } = context.df.getInput<ChildCall>();
  try {
    return yield context.df.callSubOrchestratorWithRetry(child, new df.RetryOptions(50, 3), input, id);
  } catch (thrown) {
    return describe(thrown);
  }
});
df.app.orchestration('Generations', function* (context: Context): Steps {
  const depth = context.df.getInput<number>();
  if (depth === 0) return [context.df.instanceId];
  const below = (yield context.df.callSubOrchestrator(
    'Generations',
    depth - 1,
    `${context.df.instanceId}-${depth}`,
  )) as string[];
  return [context.df.instanceId, ...below];
});
df.app.orchestration('Children', function* (context: Context): Steps {
  const count = context.df.getInput<number>();
  const children = Array.from({ length: count }, (_, n) =>
    context.df.callSubOrchestrator('Echoing', n, `${context.df.instanceId}-child-${n}`),
  );
  return yield context.df.Task.all(children);
});
df.app.orchestration('Echoing', function* (context: Context): Steps {
  return yield context.df.callActivity('Echo', context.df.getInput());
});
/** Fails the first `times` times for its key, over its lives. */
df.app.orchestration('FailingChild', function* (context: Context): Steps {
  return yield context.df.callActivity('FailTimes', context.df.getInput());
});
df.app.orchestration('ThrowingChild', function* (context: Context): Steps {
  yield context.df.callActivity('Echo', 1);
  throw new Error(`child of ${String(context.df.parentInstanceId)} failed`);
});
df.app.orchestration('ChildIds', function* (context: Context): Steps {
  const first = (yield context.df.callSubOrchestrator('Identity')) as { instanceId: string };
  const second = (yield context.df.callSubOrchestrator('Identity', undefined, '')) as { instanceId: string };
  return { areDifferent: first.instanceId !== second.instanceId, first, second };
});
df.app.orchestration('WaitingParent', function* (context: Context): Steps {
  return yield context.df.callSubOrchestrator('WaitFor', 'go', `${context.df.instanceId}-child`);
});
df.app.orchestration('TwoOfOneId', function* (context: Context): Steps {
  const id = `${context.df.instanceId}-child`;
  const first: unknown = yield context.df.callSubOrchestrator('Echoing', 'first', id);
  const second: unknown = yield context.df.callSubOrchestrator('Echoing', 'second', id);
  return [first, second];
});
