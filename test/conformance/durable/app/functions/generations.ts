/** Orchestrations that continue as new. */
import * as df from 'durable-functions';
import { after, atOnce, type Context, type Steps } from './words';

df.app.orchestration('CountDown', function* (context: Context): Steps {
  const left = context.df.getInput<number>();
  yield context.df.callActivity('Echo', left);
  if (left > 0) {
    context.df.continueAsNew(left - 1);
    return;
  }
  return 'done';
});
df.app.orchestration(
  'CountDownAtOnce',
  atOnce((context) => {
    const left = context.df.getInput<number>();
    if (left > 0) context.df.continueAsNew(left - 1);
    return 'done';
  }),
);
df.app.orchestration(
  'OnceMoreWithout',
  atOnce((context) => {
    const input = context.df.getInput();
    if (input !== null && input !== undefined) context.df.continueAsNew(undefined);
    return { isWithout: input === null || input === undefined };
  }),
);
type Collected = { readonly got: unknown[]; readonly wanted: number };
/** One event a generation, nothing between the wait and continueAsNew. */
df.app.orchestration('Collect', function* (context: Context): Steps {
  const { got, wanted } = context.df.getInput<Collected>();
  context.df.setCustomStatus(got.length);
  const event: unknown = yield context.df.waitForExternalEvent('item');
  const all = [...got, event];
  if (all.length < wanted) {
    context.df.continueAsNew({ got: all, wanted });
    return;
  }
  return all;
});
/** Does something between the wait and continueAsNew: what comes meanwhile has no waiter. */
df.app.orchestration('CollectSlowly', function* (context: Context): Steps {
  const { got, wanted } = context.df.getInput<Collected>();
  context.df.setCustomStatus(got.length);
  const event: unknown = yield context.df.waitForExternalEvent('item');
  const all = [...got, event];
  yield context.df.waitForExternalEvent('proceed');
  if (all.length < wanted) {
    context.df.continueAsNew({ got: all, wanted });
    return;
  }
  return all;
});
df.app.orchestration('Monitor', function* (context: Context): Steps {
  const { left, everyMs } = context.df.getInput<{ left: number; everyMs: number }>();
  yield context.df.createTimer(after(context, everyMs));
  if (left > 0) {
    context.df.continueAsNew({ left: left - 1, everyMs });
    return;
  }
  return 'seen enough';
});
df.app.orchestration('StatusOfBefore', function* (context: Context): Steps {
  const generation = context.df.getInput<number>();
  if (generation === 0) {
    context.df.setCustomStatus('set in the first');
    context.df.continueAsNew(1);
    return;
  }
  yield context.df.waitForExternalEvent('end');
  return 'done';
});
df.app.orchestration('LeaveTimerBehind', function* (context: Context): Steps {
  if (context.df.getInput<number>() > 0) return 'done';
  const timer = context.df.createTimer(after(context, 3_600_000));
  yield context.df.Task.any([timer, context.df.callActivity('Echo', 1)]);
  timer.cancel();
  context.df.continueAsNew(1);
  return 'goes on';
});
