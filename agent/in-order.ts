/**
 * Works on items, `ahead` of them side by side, and gives the results in the order of the items. However it ends, no work is under way then
 * any more: none goes on into a buffer that its caller gave up.
 */
export async function* inOrder<Item, Result>(
  items: Iterable<Item>,
  ahead: number,
  work: (item: Item) => Promise<Result>,
): AsyncGenerator<Result> {
  const underWay: Promise<Result>[] = [];
  const iterator = items[Symbol.iterator]();
  try {
    for (;;) {
      while (underWay.length < ahead) {
        const next = iterator.next();
        if (next.done === true) break;
        underWay.push(seenLater(work(next.value)));
      }
      const first = underWay.shift();
      if (first === undefined) return;
      yield await first;
    }
  } finally {
    iterator.return?.();
    await Promise.allSettled(underWay);
  }
}

/** A rejection is seen when its turn comes; until then it is not an unhandled one. */
function seenLater<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined);
  return promise;
}
