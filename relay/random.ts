import { getRandomValues } from 'node:crypto';

/** A number in [0, 1). Chance as a parameter, so that a test owns it. */
export type Random = () => number;

/** Chance that nobody can foresee: nonces are made of it. */
export const systemRandom: Random = () => {
  const [word = 0] = getRandomValues(new Uint32Array(1));
  return word / 2 ** 32;
};

/** The same numbers for the same seed (the generator mulberry32). For tests and simulation, never for nonces of a real app. */
export function seededRandom(seed: number): Random {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** `byteCount` random bytes as lower-case hex. */
export const randomHex = (random: Random, byteCount: number): string =>
  Array.from({ length: byteCount }, () =>
    Math.floor(random() * 256)
      .toString(16)
      .padStart(2, '0'),
  ).join('');

/** A random GUID (RFC 9562, version 4). */
export function randomGuid(random: Random): string {
  const hex = randomHex(random, 16);
  const variant = ((parseInt(hex.slice(16, 18), 16) & 0x3f) | 0x80).toString(16);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-${variant}${hex.slice(18, 20)}-${hex.slice(20)}`;
}
