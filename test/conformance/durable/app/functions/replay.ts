/** Orchestrations that look at what a replay gives them, and such as break its rules. */
import * as df from 'durable-functions';
import { after, atOnce, type Context, type Steps } from './words';

/** Hands each GUID to an activity and compares when it is replayed: a GUID that changes is seen. */
df.app.orchestration('Guids', function* (context: Context): Steps {
  const first = context.df.newGuid('seed');
  const echoed: unknown = yield context.df.callActivity('Echo', first);
  const second = context.df.newGuid('seed');
  const echoedSecond: unknown = yield context.df.callActivity('Echo', second);
  yield context.df.callActivity('Echo', 'one more turn');
  return { isSame: echoed === first && echoedSecond === second, areDifferent: first !== second, first };
});
df.app.orchestration('Times', function* (context: Context): Steps {
  const first = context.df.currentUtcDateTime.toISOString();
  const echoed: unknown = yield context.df.callActivity('Echo', first);
  yield context.df.createTimer(after(context, 20));
  const second = context.df.currentUtcDateTime.toISOString();
  const echoedSecond: unknown = yield context.df.callActivity('Echo', second);
  return { isSame: echoed === first && echoedSecond === second, isLater: second > first };
});
/** `isReplaying` is false exactly once for what each turn does anew. */
df.app.orchestration('Replaying', function* (context: Context): Steps {
  const seen: boolean[] = [context.df.isReplaying];
  yield context.df.callActivity('Echo', 1);
  seen.push(context.df.isReplaying);
  yield context.df.callActivity('Echo', 2);
  seen.push(context.df.isReplaying);
  return seen;
});
df.app.orchestration(
  'Version',
  atOnce((context) => context.df.version ?? null),
);
df.app.orchestration('ChildVersions', function* (context: Context): Steps {
  const own: unknown = yield context.df.callSubOrchestrator('Version');
  const given: unknown = yield context.df.callSubOrchestrator('Version', undefined, undefined, '0.9');
  return { parent: context.df.version ?? null, own, given };
});
df.app.orchestration('SetStatus', function* (context: Context): Steps {
  for (const status of context.df.getInput<unknown[]>()) {
    context.df.setCustomStatus(status);
    yield context.df.waitForExternalEvent('next');
  }
  return 'done';
});
df.app.orchestration('StatusOfLength', function* (context: Context): Steps {
  context.df.setCustomStatus('x'.repeat(context.df.getInput<number>()));
  return yield context.df.callActivity('Echo', 'fits');
});

/** How often each instance has been played in this process: what an orchestrator must not know. */
const plays = new Map<string, number>();
function played(context: Context): number {
  const count = (plays.get(context.df.instanceId) ?? 0) + 1;
  plays.set(context.df.instanceId, count);
  return count;
}
df.app.orchestration('ChangesName', function* (context: Context): Steps {
  return yield context.df.callActivity(played(context) > 1 ? 'TypeOf' : 'Echo', 1);
});
df.app.orchestration('ChangesKind', function* (context: Context): Steps {
  if (played(context) > 1) yield context.df.createTimer(after(context, 3_600_000));
  else yield context.df.callActivity('Echo', 1);
  return 'done';
});
df.app.orchestration('ForgetsCall', function* (context: Context): Steps {
  if (played(context) > 1) return 'forgot it';
  return yield context.df.callActivity('Echo', 1);
});
df.app.orchestration('InsertsCall', function* (context: Context): Steps {
  if (played(context) > 1) yield context.df.callSubOrchestrator('Nothing');
  yield context.df.callActivity('Echo', 1);
  return 'done';
});
/** Another input is no other call: what the call was given the first time holds. */
df.app.orchestration('ChangesInput', function* (context: Context): Steps {
  return yield context.df.callActivity('Echo', played(context) > 1 ? 'later' : 'first');
});
