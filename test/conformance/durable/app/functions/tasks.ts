/** Orchestrations that wait for several things at once. */
import * as df from 'durable-functions';
import { after, describe, type Context, type Steps } from './words';

df.app.orchestration('All', function* (context: Context): Steps {
  const naps = context.df.getInput<number[]>().map((ms, n) => context.df.callActivity('Nap', { ms, value: n }));
  return yield context.df.Task.all(naps);
});
df.app.orchestration('Wide', function* (context: Context): Steps {
  const width = context.df.getInput<number>();
  const calls = Array.from({ length: width }, (_, n) => context.df.callActivity('Echo', n));
  const results = (yield context.df.Task.all(calls)) as number[];
  return { count: results.length, isInOrder: results.every((value, n) => value === n) };
});
df.app.orchestration('AllFails', function* (context: Context): Steps {
  try {
    return yield context.df.Task.all([
      context.df.callActivity('Echo', 'fine'),
      context.df.callActivity('Throw', 'one of all'),
    ]);
  } catch (thrown) {
    return describe(thrown).message.includes('one of all');
  }
});
df.app.orchestration('AllOfKinds', function* (context: Context): Steps {
  return yield context.df.Task.all([
    context.df.callActivity('Echo', 'activity'),
    context.df.callSubOrchestrator('Echoing', 'child'),
    context.df.waitForExternalEvent('event'),
    context.df.createTimer(after(context, 20)),
  ]);
});
df.app.orchestration('Any', function* (context: Context): Steps {
  const tasks = context.df.getInput<number[]>().map((ms, n) => context.df.callActivity('Nap', { ms, value: n }));
  const winner = (yield context.df.Task.any(tasks)) as df.Task;
  return { index: tasks.indexOf(winner), result: winner.result, isCompleted: winner.isCompleted };
});
df.app.orchestration('LeaveActivity', function* (context: Context): Steps {
  const slow = context.df.callActivity('Nap', { ms: context.df.getInput<number>(), value: 'slow' });
  yield context.df.Task.any([slow, context.df.callActivity('Echo', 'quick')]);
  return 'returned';
});
df.app.orchestration('AnyFails', function* (context: Context): Steps {
  const failing = context.df.callActivity('Throw', 'first');
  const winner = (yield context.df.Task.any([failing, context.df.waitForExternalEvent('never')])) as df.Task;
  context.df.setCustomStatus({ isFaulted: winner.isFaulted, isCompleted: winner.isCompleted });
  return winner === failing && winner.isFaulted;
});
df.app.orchestration('AnyOfAll', function* (context: Context): Steps {
  const both = context.df.Task.all([context.df.callActivity('Echo', 1), context.df.callActivity('Echo', 2)]);
  const event = context.df.waitForExternalEvent('never');
  const winner = (yield context.df.Task.any([both, event])) as df.Task;
  return { isBoth: winner === both, result: winner.result };
});
df.app.orchestration('AllOfAny', function* (context: Context): Steps {
  const race = (name: string): df.Task =>
    context.df.Task.any([context.df.callActivity('Echo', name), context.df.waitForExternalEvent('never')]);
  const winners = (yield context.df.Task.all([race('a'), race('b')])) as df.Task[];
  return winners.map((winner) => winner.result);
});
/** Waits for the loser too; its result is not lost. */
df.app.orchestration('LoserLater', function* (context: Context): Steps {
  const slow = context.df.callActivity('Nap', { ms: 60, value: 'slow' });
  const quick = context.df.callActivity('Echo', 'quick');
  const winner: unknown = yield context.df.Task.any([slow, quick]);
  const event = context.df.waitForExternalEvent('go');
  yield event;
  return { isQuick: winner === quick, slow: slow.result };
});
df.app.orchestration('AllOfNone', function* (context: Context): Steps {
  return yield context.df.Task.all([]);
});
df.app.orchestration('SameTaskTwice', function* (context: Context): Steps {
  const call = context.df.callActivity('Echo', 'once');
  const first: unknown = yield call;
  const second: unknown = yield call;
  return [first, second];
});
/** Events may be waited for again after losing; calls may not. */
df.app.orchestration('AnyInTurn', function* (context: Context): Steps {
  const open = ['a', 'b', 'c'].map((name) => ({ name, task: context.df.waitForExternalEvent(name) }));
  const order: string[] = [];
  while (open.length > 0) {
    const winner: unknown = yield context.df.Task.any(open.map(({ task }) => task));
    const index = open.findIndex(({ task }) => task === winner);
    order.push(...open.splice(index, 1).map(({ name }) => name));
    context.df.setCustomStatus(order);
  }
  return order;
});
