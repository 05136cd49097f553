import { clockSkewMsMax } from '../contracts/limits';

/** `full` means that no further nonce can be told from a repeated one; the request is to be refused, and works again later. */
export type NonceVerdict = 'new' | 'repeated' | 'full';

/** Remembers nonces of genuine requests for as long as their time would be accepted. Bounded; of one process, so empty after a start. */
export type NonceMemory = { remember(nonce: string, atMs: number, nowMs: number): NonceVerdict };

/** Ten minutes of more than a hundred requests each second. */
const nonceCountMaxDefault = 100_000;

export function createNonceMemory(nonceCountMax = nonceCountMaxDefault): NonceMemory {
  const forgetAtMs = new Map<string, number>();

  // Nonces arrive nearly in the order in which they may be forgotten, so a look at all of them is needed only when it is full.
  const forgetOld = (nowMs: number) => {
    for (const [nonce, endMs] of forgetAtMs) if (endMs < nowMs) forgetAtMs.delete(nonce);
  };

  return {
    remember(nonce, atMs, nowMs) {
      if (forgetAtMs.has(nonce)) return 'repeated';
      if (forgetAtMs.size >= nonceCountMax) forgetOld(nowMs);
      if (forgetAtMs.size >= nonceCountMax) return 'full';
      forgetAtMs.set(nonce, atMs + clockSkewMsMax);
      return 'new';
    },
  };
}
