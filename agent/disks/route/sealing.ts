import { createCipheriv, createDecipheriv, type KeyObject } from 'node:crypto';
import { readUint64, writeUint64 } from './digest';
import { recordHead, recordHeadBytes, recordNumberBytes } from './records';

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

/** The key and the nonce of each record: no two have the same, and none fits at the place of another. */
class RecordKeys {
  readonly #keys: ContentKeys;
  readonly #recordsPerKey: number;
  readonly #nonce = Buffer.alloc(nonceBytes);
  /** Records of two generations may be on their way together. */
  readonly #known = new Map<number, KeyObject>();

  constructor(keys: ContentKeys, recordsPerKey: number) {
    this.#keys = keys;
    this.#recordsPerKey = recordsPerKey;
    this.#keyOf(0);
  }

  /** The nonce stands until the next call. */
  of(record: number): { readonly key: KeyObject; readonly nonce: Uint8Array } {
    writeUint64(this.#nonce, record, nonceBytes - 8);
    return { key: this.#keyOf(Math.floor(record / this.#recordsPerKey)), nonce: this.#nonce };
  }

  #keyOf(generation: number): KeyObject {
    const known = this.#known.get(generation);
    if (known !== undefined) return known;
    const key = this.#keys(generation);
    this.#known.set(generation, key);
    this.#known.delete(generation - 2);
    return key;
  }
}

/** Seals content for one direction of one TLS connection. Its records are numbered from 0, whichever stream each goes over. */
export class Sealer {
  readonly #keys: RecordKeys;
  #records = 0;

  constructor(keys: ContentKeys, recordsPerKey = recordsPerKeyDefault) {
    this.#keys = new RecordKeys(keys, recordsPerKey);
  }

  /** The whole next record, in pieces, of content that stands in several. The content may be overwritten when it returns. */
  seal(...content: readonly Uint8Array[]): readonly Buffer[] {
    const number = this.#records++;
    const { key, nonce } = this.#keys.of(number);
    const head = sealedHead(
      number,
      content.reduce((sum, { length }) => sum + length, 0),
    );
    const sealing = createCipheriv(cipher, key, nonce, { authTagLength: sealBytes });
    sealing.setAAD(head);
    const pieces = content.flatMap(piecesOf).map((piece) => sealing.update(piece));
    return [head, ...pieces, sealing.final(), sealing.getAuthTag()];
  }
}

/** The head of a sealed record and its number. */
function sealedHead(number: number, contentBytes: number): Buffer {
  const head = Buffer.alloc(recordHeadBytes + recordNumberBytes);
  recordHead('sealed', recordNumberBytes + contentBytes + sealBytes).copy(head);
  writeUint64(head, number, recordHeadBytes);
  return head;
}

/** A record that was opened: its place among the others, and its content in pieces. */
export type OpenedRecord = { readonly number: number; readonly pieces: readonly Buffer[] };

/** Opens what the other end sealed, in whatever order it comes. */
export class Opener {
  readonly #keys: RecordKeys;

  constructor(keys: ContentKeys, recordsPerKey = recordsPerKeyDefault) {
    this.#keys = new RecordKeys(keys, recordsPerKey);
  }

  /**
   * The body of a record, opened; undefined when it is not what the other end sealed under its number for this connection: changed, or of
   * somebody else. Nothing of such a record is given away. That a record comes once is for `InOrder` to see to; `mayCome` says of a number
   * whether it is of use, before anything is done for it.
   */
  open(body: Buffer, mayCome: (number: number) => boolean): OpenedRecord | undefined {
    const contentBytes = body.length - recordNumberBytes - sealBytes;
    const number = contentBytes < 0 ? undefined : readUint64(body, 0);
    if (number === undefined || !mayCome(number)) return undefined;
    const { key, nonce } = this.#keys.of(number);
    const sealed = body.subarray(recordNumberBytes);
    const opening = createDecipheriv(cipher, key, nonce, { authTagLength: sealBytes });
    opening.setAAD(sealedHead(number, contentBytes));
    opening.setAuthTag(sealed.subarray(contentBytes));
    const pieces = piecesOf(sealed.subarray(0, contentBytes)).map((piece) => opening.update(piece));
    try {
      return { number, pieces: [...pieces, opening.final()] };
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
