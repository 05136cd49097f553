import { setImmediate } from 'node:timers/promises';
import { KeyedLocks } from './locks';

test('work under one key runs one after the other in the order of asking, and a failure does not hold up the next', async () => {
  const locks = new KeyedLocks();
  const seen: string[] = [];
  const work = (name: string, fails: boolean) => async () => {
    seen.push(`${name} begins`);
    await setImmediate();
    seen.push(`${name} ends`);
    if (fails) throw new Error(name);
    return name;
  };
  const all = await Promise.allSettled([
    locks.with('vm', work('a', false)),
    locks.with('vm', work('b', true)),
    locks.with('vm', work('c', false)),
  ]);
  expect(all.map((one) => one.status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  expect(seen).toEqual(['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends']);
});

test('other keys do not wait', async () => {
  const locks = new KeyedLocks();
  const { promise, resolve } = Promise.withResolvers<undefined>();
  const held = locks.with('one', () => promise);
  expect(await locks.with('other', () => Promise.resolve('went'))).toBe('went');
  resolve(undefined);
  await held;
});

test('idle waits for all that was asked for', async () => {
  const locks = new KeyedLocks();
  let done = 0;
  for (const key of ['a', 'a', 'b'])
    void locks.with(key, async () => {
      await setImmediate();
      done++;
    });
  await locks.idle();
  expect(done).toBe(3);
});
