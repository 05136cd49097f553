import { inOrder } from './in-order';

/** Work that ends when it is told to, in whatever order. */
class Works {
  readonly begun: number[] = [];
  readonly #ends = new Map<number, PromiseWithResolvers<string>>();

  readonly work = (item: number): Promise<string> => {
    this.begun.push(item);
    const ends = Promise.withResolvers<string>();
    this.#ends.set(item, ends);
    return ends.promise;
  };

  end(item: number): void {
    this.#ends.get(item)?.resolve(`did ${item}`);
  }

  fail(item: number): void {
    this.#ends.get(item)?.reject(new Error(`no ${item}`));
  }
}

const soon = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('results come in the order of the items, whichever ends first, and no more than so many are under way', async () => {
  const works = new Works();
  const results = inOrder([1, 2, 3, 4], 2, works.work);
  const first = results.next();
  await soon();
  expect(works.begun).toEqual([1, 2]);
  works.end(2);
  await soon();
  expect(works.begun).toEqual([1, 2]);
  works.end(1);
  expect(await first).toEqual({ done: false, value: 'did 1' });
  expect(await results.next()).toEqual({ done: false, value: 'did 2' });
  for (const item of [3, 4]) {
    const next = results.next();
    await soon();
    works.end(item);
    expect(await next).toEqual({ done: false, value: `did ${item}` });
  }
  expect((await results.next()).done).toBe(true);
});

test('a failure comes in its turn, when nothing else is under way any more', async () => {
  const works = new Works();
  const results = inOrder([1, 2, 3], 3, works.work);
  const first = results.next();
  await soon();
  works.fail(2);
  works.end(1);
  expect((await first).value).toBe('did 1');
  let isOver = false;
  const second = results.next().finally(() => (isOver = true));
  second.catch(() => undefined);
  await soon();
  expect(isOver).toBe(false);
  works.end(3);
  await expect(second).rejects.toThrow('no 2');
});

test('who leaves early waits for what is under way', async () => {
  const works = new Works();
  const results = inOrder([1, 2], 2, works.work);
  const first = results.next();
  await soon();
  works.end(1);
  await first;
  let isOver = false;
  const left = results.return(undefined).then(() => (isOver = true));
  await soon();
  expect(isOver).toBe(false);
  works.end(2);
  await left;
});
