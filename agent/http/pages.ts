/** What stands around the items of a page, and the cursor. */
const envelopeBytes = 512;

export type Page<T> = { readonly items: readonly T[]; readonly next: string | null };

/**
 * As many items as fit a JSON document of `bytesMax`, from behind the one whose key is `after`; `next` is the `after` of the next page.
 * Items are ordered by their keys, so an item that comes or goes between two pages moves no other. A single item that is too long by
 * itself is a page of its own: the relay then takes a rendezvous for it.
 */
export function pageOf<T>(
  items: readonly T[],
  keyOf: (item: T) => string,
  { after, bytesMax }: { readonly after: string | undefined; readonly bytesMax: number },
): Page<T> {
  const rest = items
    .filter((item) => after === undefined || keyOf(item) > after)
    .sort((one, other) => (keyOf(one) < keyOf(other) ? -1 : 1));
  let lengthBytes = envelopeBytes;
  const count = rest.findIndex((item, index) => {
    lengthBytes += Buffer.byteLength(JSON.stringify(item)) + 1;
    return index > 0 && lengthBytes > bytesMax;
  });
  if (count === -1) return { items: rest, next: null };
  const shownItems = rest.slice(0, count);
  const last = shownItems.at(-1);
  return { items: shownItems, next: last === undefined ? null : keyOf(last) };
}
