/** Entities, and orchestrations that use them. */
import { setTimeout as sleep } from 'node:timers/promises';
import * as df from 'durable-functions';
import { atOnce, describe, type Context, type Steps } from './words';

df.app.entity('Counter', (context: df.EntityContext<number>) => {
  const value = context.df.getState(() => 0) ?? 0;
  switch (context.df.operationName) {
    case 'add':
      context.df.setState(value + (context.df.getInput<number>() ?? 0));
      break;
    case 'get':
      context.df.return(value);
      break;
    case 'reset':
      context.df.setState(0);
      break;
    case 'destroy':
      context.df.destructOnExit();
      break;
    case 'isNew':
      context.df.return(context.df.isNewlyConstructed);
      break;
    case 'who':
      context.df.return({ name: context.df.entityName, key: context.df.entityKey });
      break;
    case 'addTo':
      context.df.signalEntity(new df.EntityId('Counter', context.df.getInput<string>() ?? ''), 'add', 7);
      break;
    case 'fail':
      throw new Error('the entity failed');
    case 'setAndFail':
      context.df.setState(999);
      throw new Error('the entity failed after it had set its state');
    default:
      context.df.return(`no operation '${String(context.df.operationName)}'`);
  }
});
/** Keeps what it is given, in the order in which it comes; slow enough for operations to overlap if they could. */
/** The package awaits a handler's promise, though its types do not say so. */
const awaited = <T>(handler: (context: df.EntityContext<T>) => Promise<void>): df.EntityHandler<T> => handler;
df.app.entity(
  'Ledger',
  awaited(async (context: df.EntityContext<unknown[]>) => {
    const entries = context.df.getState(() => []) ?? [];
    if (context.df.operationName === 'write') {
      await sleep(2);
      context.df.setState([...entries, context.df.getInput<unknown>() ?? null]);
    } else {
      context.df.return(entries);
    }
  }),
);

type EntityCall = {
  readonly key: string;
  readonly operation: string;
  readonly input?: unknown;
  readonly name?: string;
};
const idOf = ({ name, key }: Pick<EntityCall, 'name' | 'key'>): df.EntityId => new df.EntityId(name ?? 'Counter', key);

df.app.orchestration('CallEntity', function* (context: Context): Steps {
  const call = context.df.getInput<EntityCall>();
  return yield context.df.callEntity(idOf(call), call.operation, call.input);
});
df.app.orchestration('CatchEntity', function* (context: Context): Steps {
  const call = context.df.getInput<EntityCall>();
  try {
    return yield context.df.callEntity(idOf(call), call.operation, call.input);
  } catch (thrown) {
    return { isError: describe(thrown).isError, after: yield context.df.callEntity(idOf(call), 'get') };
  }
});
df.app.orchestration('SignalThenCall', function* (context: Context): Steps {
  const counter = idOf({ key: context.df.getInput<string>() });
  for (let n = 1; n <= 5; n += 1) context.df.signalEntity(counter, 'add', n);
  return yield context.df.callEntity(counter, 'get');
});
df.app.orchestration(
  'SignalAndEnd',
  atOnce((context) => {
    context.df.signalEntity(idOf({ key: context.df.getInput<string>() }), 'add', 3);
    return 'signalled';
  }),
);
df.app.orchestration('WriteMany', function* (context: Context): Steps {
  const { key, from, count } = context.df.getInput<{ key: string; from: number; count: number }>();
  const ledger = idOf({ name: 'Ledger', key });
  for (let n = from; n < from + count; n += 1) context.df.signalEntity(ledger, 'write', n);
  return yield context.df.callEntity(ledger, 'read');
});
df.app.orchestration('CallMany', function* (context: Context): Steps {
  const ledger = idOf({ name: 'Ledger', key: context.df.getInput<string>() });
  yield context.df.Task.all([1, 2, 3, 4].map((n) => context.df.callEntity(ledger, 'write', n)));
  return yield context.df.callEntity(ledger, 'read');
});
