import { blake3 } from '@napi-rs/blake-hash';

/**
 * A seed is compared piece by piece, by digests of so much: small, so that a few changed sectors do not make a whole block travel, and large
 * enough that what is said of it, a quarter of a thousandth, is nothing.
 */
export const seedPieceBytes = 64 * 1024;
/** A part of BLAKE3: what it lets through by chance is found out by the digest of the whole block. */
export const pieceDigestBytes = 16;

export type SeedPiece = { readonly index: number; readonly offsetBytes: number; readonly lengthBytes: number };

/** The pieces of a block: cut at multiples of `seedPieceBytes` of the content, so that the first and the last may be shorter. */
export function* seedPiecesOf(offsetBytes: number, lengthBytes: number): Generator<SeedPiece> {
  const endBytes = offsetBytes + lengthBytes;
  for (let at = offsetBytes, index = 0; at < endBytes; index++) {
    const nextBytes = Math.min(endBytes, (Math.floor(at / seedPieceBytes) + 1) * seedPieceBytes);
    yield { index, offsetBytes: at, lengthBytes: nextBytes - at };
    at = nextBytes;
  }
}

/** What a piece is compared by. */
export const pieceDigest = (bytes: Uint8Array): Buffer =>
  blake3(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)).subarray(0, pieceDigestBytes);
