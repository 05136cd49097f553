/** What became of reading a text that a person wrote: its value, or why it cannot be read. */
export type Reading<T> =
  { readonly kind: 'read'; readonly value: T } | { readonly kind: 'unreadable'; readonly reason: string };

/** Thrown inside a reader, from any depth; `reading` turns it into a value. */
export class Unreadable extends Error {}

/** Runs a reader that throws `Unreadable` and returns what became of it. Any other error is a bug and goes on. */
export function reading<T>(read: () => T): Reading<T> {
  try {
    return { kind: 'read', value: read() };
  } catch (thrown) {
    if (thrown instanceof Unreadable) return { kind: 'unreadable', reason: thrown.message };
    throw thrown;
  }
}
