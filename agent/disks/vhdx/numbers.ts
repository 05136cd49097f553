/** Where the format counts in whole mebibytes, and 64-bit fields that are read without BigInt. */
export const kib = 1024;
export const mib = 1024 * 1024;
export const gib = 1024 * mib;
export const tib = 1024 * gib;

const twoPow32 = 2 ** 32;

/**
 * A 64-bit field as a number. Above 2^53 it is rounded, so it only serves for what a bound is checked on: every bound here is far below
 * 2^53, and rounding does not carry a number across it.
 */
export const readU64 = (bytes: Buffer, offset: number): number =>
  bytes.readUInt32LE(offset + 4) * twoPow32 + bytes.readUInt32LE(offset);

export function writeU64(bytes: Buffer, offset: number, value: number): void {
  bytes.writeUInt32LE(value % twoPow32, offset);
  bytes.writeUInt32LE(Math.floor(value / twoPow32), offset + 4);
}

export const roundUp = (value: number, unit: number): number => Math.ceil(value / unit) * unit;
export const isPowerOfTwo = (value: number): boolean => Number.isInteger(Math.log2(value));

/** A run of bytes in a file. */
export type Span = { readonly what: string; readonly offsetBytes: number; readonly lengthBytes: number };

/** The first two of these spans that share a byte. */
export function overlapping(spans: readonly Span[]): readonly [Span, Span] | undefined {
  const sorted = spans.filter((span) => span.lengthBytes > 0).sort((a, b) => a.offsetBytes - b.offsetBytes);
  for (const [index, span] of sorted.entries()) {
    const next = sorted[index + 1];
    if (next !== undefined && span.offsetBytes + span.lengthBytes > next.offsetBytes) return [span, next];
  }
  return undefined;
}
