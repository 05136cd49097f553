import { recordHeadBytes, recordKinds, recordNumberBytes, sealedContentBytesMax, tlsRecordBytesMax } from './records';
import { sealBytes } from './sealing';

export type RecordSink = {
  /** Bytes of TLS. They are the reader's own and stand only until this returns. */
  readonly onTls: (bytes: Buffer) => void;
  /** A sealed record, as `onTls`; answers why it cannot be taken. */
  readonly onSealed: (sealed: Buffer) => string | undefined;
};

const tlsPartBytes = 16 * 1024;
const sealedBytesMax = recordNumberBytes + sealedContentBytesMax + sealBytes;

/**
 * Cuts what comes over a connection into records. It says where the next bytes belong, so that a sealed record is received into one piece
 * of memory that is used again and again. Nothing is allocated by a length that a peer says.
 */
export class RecordReader {
  readonly #sink: RecordSink;
  readonly #head = Buffer.alloc(recordHeadBytes);
  #space: Buffer | undefined;
  #sealed: Buffer | undefined;
  #filling: 'head' | 'tls' | 'sealed' = 'head';
  /** Of the head or of the record's body. */
  #filledBytes = 0;
  #bodyBytes = 0;
  #takes: 'tls' | 'both' | 'sealed' = 'tls';
  #broken: string | undefined;

  constructor(sink: RecordSink) {
    this.#sink = sink;
  }

  /** Takes sealed records from now on. Before, not even memory is kept for one. */
  takeSealed(): void {
    this.#takes = 'both';
  }

  /** Takes sealed records, and nothing else. */
  takeOnlySealed(): void {
    this.#takes = 'sealed';
  }

  /** Where the next bytes belong; never empty. */
  get space(): Buffer {
    switch (this.#broken === undefined ? this.#filling : 'head') {
      case 'head':
        return this.#head.subarray(this.#broken === undefined ? this.#filledBytes : 0);
      case 'tls':
        return this.#tlsSpace.subarray(0, this.#bodyBytes - this.#filledBytes);
      case 'sealed':
        return this.#sealedSpace.subarray(this.#filledBytes, this.#bodyBytes + recordHeadBytes);
    }
  }

  /** Takes so many bytes that were put into `space`. Answers why they are no records, once and for good. */
  take(bytes: number): string | undefined {
    if (this.#broken !== undefined || bytes === 0) return this.#broken;
    this.#filledBytes += bytes;
    switch (this.#filling) {
      case 'head':
        if (this.#filledBytes === recordHeadBytes) this.#broken = this.#begin();
        break;
      case 'tls':
        this.#sink.onTls(this.#tlsSpace.subarray(0, bytes));
        if (this.#filledBytes === this.#bodyBytes) this.#next('head', 0);
        break;
      case 'sealed':
        if (this.#filledBytes >= this.#bodyBytes) this.#broken = this.#sealedWhole();
        break;
    }
    return this.#broken;
  }

  /** Takes bytes that stand elsewhere; answers as `take` does. */
  push(chunk: Uint8Array): string | undefined {
    for (let at = 0; at < chunk.length && this.#broken === undefined;) {
      const { space } = this;
      const part = chunk.subarray(at, at + space.length);
      space.set(part);
      this.take(part.length);
      at += part.length;
    }
    return this.#broken;
  }

  get #tlsSpace(): Buffer {
    return (this.#space ??= Buffer.alloc(tlsPartBytes));
  }

  get #sealedSpace(): Buffer {
    return (this.#sealed ??= Buffer.allocUnsafeSlow(sealedBytesMax + recordHeadBytes));
  }

  #begin(): string | undefined {
    const kind = this.#head.readUInt8(0);
    const bodyBytes = this.#head.readUInt32LE(1);
    const isTls = kind === recordKinds.tls;
    if (!isTls && kind !== recordKinds.sealed) return `a record of kind ${kind}, which there is not`;
    if (!isTls && this.#takes === 'tls') return 'content before it was asked';
    if (isTls && this.#takes === 'sealed') return 'a record of TLS beside its connection';
    const bodyBytesMax = isTls ? tlsRecordBytesMax : sealedBytesMax;
    if (bodyBytes > bodyBytesMax) return `a record of ${bodyBytes} bytes; its kind has at most ${bodyBytesMax}`;
    if (bodyBytes === 0) return 'a record with nothing in it';
    this.#next(isTls ? 'tls' : 'sealed', bodyBytes);
    return undefined;
  }

  /** A sealed record is whole; what came behind it is of the head of the next. */
  #sealedWhole(): string | undefined {
    const space = this.#sealedSpace;
    const headBytes = this.#filledBytes - this.#bodyBytes;
    const refused = this.#sink.onSealed(space.subarray(0, this.#bodyBytes));
    if (refused !== undefined) return refused;
    space.copy(this.#head, 0, this.#bodyBytes, this.#filledBytes);
    this.#next('head', 0);
    this.#filledBytes = headBytes;
    return headBytes === recordHeadBytes ? this.#begin() : undefined;
  }

  #next(filling: 'head' | 'tls' | 'sealed', bodyBytes: number): void {
    this.#filling = filling;
    this.#filledBytes = 0;
    if (filling !== 'head') this.#bodyBytes = bodyBytes;
  }
}
