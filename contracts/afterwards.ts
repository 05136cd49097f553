/**
 * What the work came to, after something else was done, whether the work went well or not. As `finally` of a promise, which waits for what its
 * callback promises as well; only its type does not say so.
 */
export async function afterwards<T>(work: Promise<T>, then: () => Promise<void>): Promise<T> {
  try {
    return await work;
  } finally {
    await then();
  }
}
