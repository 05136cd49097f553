import { createCipheriv, createDecipheriv, type KeyObject } from 'node:crypto';
import { writeUint64 } from './digest';
import { recordHead } from './records';

/** RFC 7253: the one authenticated cipher of Node that costs hardly more than its AES (docs/decisions/0024). */
const cipher = 'aes-128-ocb';
export const contentKeyBytes = 16;
export const sealBytes = 16;
const nonceBytes = 12;
/** Bytes for one call of the cipher, which answers with memory of its own. */
const pieceBytes = 128 * 1024;
/** Less is not worth the call. */
const freedBytesMin = 4096;
/** Records under one key: 2^19, of at most 2^18 blocks of the cipher each. RFC 7253 (5.1) wants fewer than 2^48 blocks. */
export const recordsPerKeyDefault = 2 ** 19;

/**
 * The C library takes large blocks from the system page by page and gives them back at once, until it has seen one of this size come and go
 * (mallopt(3), M_MMAP_THRESHOLD): from then on it keeps them for the next. Costs nothing, since nobody touches it.
 */
new ArrayBuffer(24 * 1024 * 1024).transfer(0);

/** The key of a generation, counted from 0. Both ends of a TLS connection, and nobody else, can tell it. */
export type ContentKeys = (generation: number) => KeyObject;

/** Counts records, so that no two are sealed with the same key and nonce, and none fits at the place of another. */
class Sequence {
  readonly #keys: ContentKeys;
  readonly #recordsPerKey: number;
  readonly #nonce = Buffer.alloc(nonceBytes);
  #records = 0;
  #key: KeyObject;

  constructor(keys: ContentKeys, recordsPerKey: number) {
    this.#keys = keys;
    this.#recordsPerKey = recordsPerKey;
    this.#key = keys(0);
  }

  next(): { readonly key: KeyObject; readonly nonce: Uint8Array } {
    if (this.#records > 0 && this.#records % this.#recordsPerKey === 0)
      this.#key = this.#keys(this.#records / this.#recordsPerKey);
    writeUint64(this.#nonce, this.#records, nonceBytes - 8);
    this.#records += 1;
    return { key: this.#key, nonce: this.#nonce };
  }
}

/** Seals content for one direction of one connection. */
export class Sealer {
  readonly #sequence: Sequence;

  constructor(keys: ContentKeys, recordsPerKey = recordsPerKeyDefault) {
    this.#sequence = new Sequence(keys, recordsPerKey);
  }

  /** The whole next record, in pieces, of content that stands in several. The content may be overwritten when it returns. */
  seal(...content: readonly Uint8Array[]): readonly Buffer[] {
    const { key, nonce } = this.#sequence.next();
    const head = recordHead('sealed', content.reduce((sum, { length }) => sum + length, 0) + sealBytes);
    const sealing = createCipheriv(cipher, key, nonce, { authTagLength: sealBytes });
    sealing.setAAD(head);
    const pieces = content.flatMap(piecesOf).map((piece) => sealing.update(piece));
    return [head, ...pieces, sealing.final(), sealing.getAuthTag()];
  }
}

/** Opens what the other end sealed, in its order. */
export class Opener {
  readonly #sequence: Sequence;

  constructor(keys: ContentKeys, recordsPerKey = recordsPerKeyDefault) {
    this.#sequence = new Sequence(keys, recordsPerKey);
  }

  /**
   * The content of the next record, in pieces; undefined when it is not what the other end sealed next for this connection: changed,
   * repeated, out of order, or of somebody else. Nothing of such a record is given away.
   */
  open(sealed: Uint8Array): readonly Buffer[] | undefined {
    const { key, nonce } = this.#sequence.next();
    const contentBytes = sealed.length - sealBytes;
    if (contentBytes < 0) return undefined;
    const opening = createDecipheriv(cipher, key, nonce, { authTagLength: sealBytes });
    opening.setAAD(recordHead('sealed', sealed.length));
    opening.setAuthTag(sealed.subarray(contentBytes));
    const pieces = piecesOf(sealed.subarray(0, contentBytes)).map((piece) => opening.update(piece));
    try {
      return [...pieces, opening.final()];
    } catch {
      freeAll(pieces);
      return undefined;
    }
  }
}

/** Gives memory that the cipher made back at once: it is used for the next pieces, and a collector would come for it much later. */
export function freeAll(pieces: readonly Buffer[]): void {
  for (const { buffer, byteLength } of pieces)
    if (buffer instanceof ArrayBuffer && byteLength >= freedBytesMin && buffer.byteLength === byteLength)
      buffer.transfer(0);
}

function piecesOf(bytes: Uint8Array): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += pieceBytes) pieces.push(bytes.subarray(at, at + pieceBytes));
  return pieces;
}
