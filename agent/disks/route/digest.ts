import { blake3 } from '@napi-rs/blake-hash';

export const digestBytes = 32;

const kindCodes = { data: 1, zero: 2 } as const;

/** Of zero frames: they have no bytes to hash. */
export const noBlockDigest: Uint8Array = new Uint8Array(digestBytes);

/** BLAKE3 of a block. */
export const blockDigest = (data: Uint8Array): Buffer =>
  blake3(Buffer.from(data.buffer, data.byteOffset, data.byteLength));

/**
 * The digest of content as a hash chain over its frames, so that it is resumed from 32 bytes:
 * d' = BLAKE3(d, offset u64, length u64, kind u8, block digest), numbers little-endian; it begins with 32 zero bytes.
 */
export class DigestChain {
  readonly #record = Buffer.alloc(2 * digestBytes + 17);

  constructor(soFar: Uint8Array = noBlockDigest) {
    this.#record.set(soFar, 0);
  }

  /** Hex. */
  get digest(): string {
    return this.#record.toString('hex', 0, digestBytes);
  }

  add(kind: keyof typeof kindCodes, offsetBytes: number, lengthBytes: number, block: Uint8Array): void {
    writeUint64(this.#record, offsetBytes, digestBytes);
    writeUint64(this.#record, lengthBytes, digestBytes + 8);
    this.#record[digestBytes + 16] = kindCodes[kind];
    this.#record.set(block, digestBytes + 17);
    this.#record.set(blake3(this.#record), 0);
  }
}

/** A chain that goes on from a digest in hex. */
export const chainFrom = (digestHex: string): DigestChain => new DigestChain(Buffer.from(digestHex, 'hex'));

const twoTo32 = 2 ** 32;

/** Little-endian, without BigInt, which costs in loops. `value` is a safe integer. */
export function writeUint64(target: Buffer, value: number, at: number): void {
  target.writeUInt32LE(value % twoTo32, at);
  target.writeUInt32LE(Math.floor(value / twoTo32), at + 4);
}

/** The number, or undefined when it is above 2^53 - 1. */
export function readUint64(source: Buffer, at: number): number | undefined {
  const value = source.readUInt32LE(at + 4) * twoTo32 + source.readUInt32LE(at);
  return Number.isSafeInteger(value) ? value : undefined;
}
