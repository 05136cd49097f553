import { Turns } from './turns';

const never = new AbortController().signal;

describe('turns', () => {
  test('one that wants to be alone waits for all before it, and nobody overtakes it', async () => {
    const turns = new Turns();
    const order: string[] = [];
    const take = async (name: string, mode: 'alone' | 'shared') => {
      const release = await turns.take('vm', mode, never);
      order.push(name);
      return release;
    };
    const first = await take('shared 1', 'shared');
    const second = await take('shared 2', 'shared');
    const alone = take('alone', 'alone');
    const third = take('shared 3', 'shared');
    first?.();
    await Promise.resolve();
    expect(order).toEqual(['shared 1', 'shared 2']);
    second?.();
    (await alone)?.();
    (await third)?.();
    expect(order).toEqual(['shared 1', 'shared 2', 'alone', 'shared 3']);
  });

  test('no more than so many share', async () => {
    const turns = new Turns(2);
    let held = 0;
    let heldMax = 0;
    await Promise.all(
      Array.from({ length: 20 }, async () => {
        const release = await turns.take('pulls', 'shared', never);
        held += 1;
        heldMax = Math.max(heldMax, held);
        await new Promise((resolve) => setImmediate(resolve));
        held -= 1;
        release?.();
      }),
    );
    expect(heldMax).toBe(2);
  });

  test('one that gives up waiting lets those behind it go, and gets nothing', async () => {
    const turns = new Turns();
    const shared = await turns.take('vm', 'shared', never);
    const stop = new AbortController();
    const alone = turns.take('vm', 'alone', stop.signal);
    const behind = turns.take('vm', 'shared', never);
    stop.abort();
    expect(await alone).toBeUndefined();
    expect(await behind).toBeDefined();
    expect(await turns.take('vm', 'shared', stop.signal)).toBeUndefined();
    shared?.();
  });

  test('giving a turn back twice gives it back once', async () => {
    const turns = new Turns();
    const first = await turns.take('vm', 'alone', never);
    const second = turns.take('vm', 'alone', never);
    first?.();
    first?.();
    const release = await second;
    let third = false;
    const waiting = turns.take('vm', 'alone', never).then(() => (third = true));
    await new Promise((resolve) => setImmediate(resolve));
    expect(third).toBe(false);
    release?.();
    await waiting;
  });

  test('different keys do not wait for each other', async () => {
    const turns = new Turns();
    await turns.take('one', 'alone', never);
    expect(await turns.take('other', 'alone', never)).toBeDefined();
  });
});
