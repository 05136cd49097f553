/** Orchestrations that wait for time and for events. */
import * as df from 'durable-functions';
import { after, type Context, type Steps } from './words';

df.app.orchestration('Sleep', function* (context: Context): Steps {
  const ms = context.df.getInput<number>();
  const startMs = context.df.currentUtcDateTime.getTime();
  yield context.df.createTimer(after(context, ms));
  return context.df.currentUtcDateTime.getTime() - startMs;
});
df.app.orchestration('SleepTwice', function* (context: Context): Steps {
  const ms = context.df.getInput<number>();
  const timers = [context.df.createTimer(after(context, ms * 2)), context.df.createTimer(after(context, ms))];
  const winner: unknown = yield context.df.Task.any(timers);
  const first = timers.indexOf(winner as df.TimerTask);
  yield context.df.createTimer(after(context, ms * 3));
  return first;
});
df.app.orchestration('SleepAll', function* (context: Context): Steps {
  const startMs = context.df.currentUtcDateTime.getTime();
  const waits = context.df.getInput<number[]>().map((ms) => context.df.createTimer(after(context, ms)));
  yield context.df.Task.all(waits);
  return context.df.currentUtcDateTime.getTime() - startMs;
});
/** Returns at once; the timer that it cancels must not keep it. */
df.app.orchestration('CancelTimer', function* (context: Context): Steps {
  const timer = context.df.createTimer(after(context, context.df.getInput<number>()));
  const quick = context.df.callActivity('Echo', 'quick');
  const winner: unknown = yield context.df.Task.any([timer, quick]);
  timer.cancel();
  return { isQuick: winner === quick, isCanceled: timer.isCanceled };
});
/** Its timer loses and is not cancelled. */
df.app.orchestration('LeaveTimer', function* (context: Context): Steps {
  const timer = context.df.createTimer(after(context, context.df.getInput<number>()));
  yield context.df.Task.any([timer, context.df.callActivity('Echo', 'quick')]);
  return 'returned';
});
df.app.orchestration('CancelFiredTimer', function* (context: Context): Steps {
  const timer = context.df.createTimer(after(context, 1));
  yield timer;
  try {
    timer.cancel();
    return 'cancelled';
  } catch (thrown) {
    return (thrown as Error).message;
  }
});
df.app.orchestration('EventOrTimer', function* (context: Context): Steps {
  const event = context.df.waitForExternalEvent('go');
  const timer = context.df.createTimer(after(context, context.df.getInput<number>()));
  const winner: unknown = yield context.df.Task.any([event, timer]);
  if (winner === timer) return 'timeout';
  timer.cancel();
  return { event: event.result };
});
df.app.orchestration('WaitFor', function* (context: Context): Steps {
  context.df.setCustomStatus('waiting');
  return yield context.df.waitForExternalEvent(context.df.getInput<string>());
});
df.app.orchestration('WaitForAll', function* (context: Context): Steps {
  const names = context.df.getInput<string[]>();
  return yield context.df.Task.all(names.map((name) => context.df.waitForExternalEvent(name)));
});
df.app.orchestration('WaitInOrder', function* (context: Context): Steps {
  const got: unknown[] = [];
  context.df.setCustomStatus('waiting');
  for (const name of context.df.getInput<string[]>()) {
    got.push(yield context.df.waitForExternalEvent(name));
    context.df.setCustomStatus(`got ${name}`);
  }
  return got;
});
df.app.orchestration('WaitForAny', function* (context: Context): Steps {
  const waits = context.df.getInput<string[]>().map((name) => context.df.waitForExternalEvent(name));
  const winner = (yield context.df.Task.any(waits)) as df.Task;
  return { index: waits.indexOf(winner), result: winner.result };
});
/** Is busy until told to look; events that come before that are early. */
df.app.orchestration('LookLater', function* (context: Context): Steps {
  context.df.setCustomStatus('not looking');
  yield context.df.waitForExternalEvent('look');
  return [yield context.df.waitForExternalEvent('early'), yield context.df.waitForExternalEvent('early')];
});
df.app.orchestration('EventType', function* (context: Context): Steps {
  const data: unknown = yield context.df.waitForExternalEvent('data');
  return { type: data === null ? 'null' : Array.isArray(data) ? 'array' : typeof data, data: data ?? null };
});
