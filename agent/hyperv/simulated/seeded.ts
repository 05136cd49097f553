import { createHash } from 'node:crypto';

/** A sequence of numbers that its seed determines. */
export type Random = {
  /** At least 0 and below 1. */
  fraction(): number;
  /** An integer from 0 to `limit - 1`. */
  below(limit: number): number;
};

/** 32 bits of any text or numbers, the same on every machine. */
export function seedOf(...parts: readonly (string | number)[]): number {
  return createHash('sha256').update(parts.join('\u0000')).digest().readUInt32LE(0);
}

/** Mulberry32: small, quick, and good enough for choosing what a simulated guest does next. */
export function createRandom(seed: number): Random {
  let state = seed >>> 0;
  const fraction = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
  };
  return { fraction, below: (limit) => Math.floor(fraction() * limit) };
}

/** Fills a whole buffer, whose length must be a multiple of 4, with bytes that do not compress (xorshift32). */
export function fillWithNoise(target: Uint8Array, seed: number): void {
  const words = new Uint32Array(target.buffer, target.byteOffset, target.byteLength / 4);
  let state = seed >>> 0 || 0x9e3779b9;
  for (let index = 0; index < words.length; index++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    words[index] = state;
  }
}

/** A GUID (RFC 9562 version 8) of any text: the same parts name the same thing again after a crash. */
export function guidOf(...parts: readonly string[]): string {
  const bytes = createHash('sha256').update(parts.join('\u0000')).digest().subarray(0, 16);
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x80, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  const hex = bytes.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
