/** Critical sections over entities (`df.lock`). */
import * as df from 'durable-functions';
import { after, describe, type Context, type Steps } from './words';

const counter = (key: string): df.EntityId => new df.EntityId('Counter', key);
const isLocked = (context: Context): boolean => context.df.isLocked().isLocked;

/** Moves an amount from one counter to another; nobody can see it in between. */
df.app.orchestration('Transfer', function* (context: Context): Steps {
  const { from, to, amount } = context.df.getInput<{ from: string; to: string; amount: number }>();
  const lock = (yield context.df.lock(counter(from), counter(to))) as df.DurableLock;
  const inside = isLocked(context);
  const available = (yield context.df.callEntity(counter(from), 'get')) as number;
  yield context.df.callEntity(counter(from), 'add', -amount);
  yield context.df.createTimer(after(context, 20));
  yield context.df.callEntity(counter(to), 'add', amount);
  lock.release();
  return { inside, outside: isLocked(context), available };
});
/** Reads, waits, writes: without the lock, two of it lose an increment. */
df.app.orchestration('SafeIncrement', function* (context: Context): Steps {
  const id = counter(context.df.getInput<string>());
  const lock = (yield context.df.lock(id)) as df.DurableLock;
  const value = (yield context.df.callEntity(id, 'get')) as number;
  yield context.df.createTimer(after(context, 5));
  yield context.df.callEntity(id, 'reset');
  yield context.df.callEntity(id, 'add', value + 1);
  lock.release();
  return value;
});
/** Ends with the lock held: the engine lets go of it. */
df.app.orchestration('KeepLock', function* (context: Context): Steps {
  yield context.df.lock(counter(context.df.getInput<string>()));
  return isLocked(context);
});
df.app.orchestration('HoldLock', function* (context: Context): Steps {
  const lock = (yield context.df.lock(counter(context.df.getInput<string>()))) as df.DurableLock;
  context.df.setCustomStatus('locked');
  yield context.df.waitForExternalEvent('release');
  lock.release();
  return 'released';
});
type Violation = (context: Context, held: df.EntityId, other: df.EntityId) => df.Task | undefined;
const violations: Readonly<Record<string, Violation>> = {
  nested: (context, _held, other) => context.df.lock(other),
  child: (context) => context.df.callSubOrchestrator('Nothing'),
  callOther: (context, _held, other) => context.df.callEntity(other, 'get'),
  signalHeld: (context, held) => {
    context.df.signalEntity(held, 'add', 1);
    return undefined;
  },
};
/** Does inside a critical section what its rules forbid. */
df.app.orchestration('BreakLockRule', function* (context: Context): Steps {
  const { rule, key } = context.df.getInput<{ rule: string; key: string }>();
  const held = counter(key);
  const lock = (yield context.df.lock(held)) as df.DurableLock;
  try {
    const task = violations[rule]?.(context, held, counter(`${key}-other`));
    if (task !== undefined) yield task;
    return 'allowed';
  } catch (thrown) {
    return { isViolation: thrown instanceof df.LockingRulesViolationError, isError: describe(thrown).isError };
  } finally {
    lock.release();
  }
});
