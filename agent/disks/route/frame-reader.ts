import type { z } from 'zod';
import { readCompact } from './compact';
import { digestBytes, readUint64 } from './digest';
import { dataFrameHeadBytes, dataHeadBytes, frameHeadBytes, frameKinds, type Frame, type Inbound } from './frames';
import { endMessage, factsMessage, openMessage, refusalMessage, startMessage } from './messages';
import { readTold } from './seed/told-digests';

export type FrameSink = {
  /** Where the bytes of the next data frame go: a buffer of exactly this length, at most `blockBytesMax`. */
  readonly takeBuffer: (lengthBytes: number) => Buffer;
  /** A buffer that no frame comes of. */
  readonly releaseBuffer: (buffer: Buffer) => void;
  readonly onFrame: (frame: Frame) => void;
};

type Decoded = { readonly frame: Frame } | { readonly broken: string };

/**
 * Cuts what a peer sends into frames. Nothing is allocated by a length that was not checked against what the peer may send. The bytes of a
 * data frame are copied once, into the buffer that they are written from.
 */
export class FrameReader {
  readonly #inbound: Inbound;
  readonly #sink: FrameSink;
  readonly #head = Buffer.alloc(dataFrameHeadBytes);
  #headBytes = frameHeadBytes;
  /** What is being filled: the head, or the body of a frame whose head is whole. */
  #filling: Buffer;
  #filled = 0;
  #isBody = false;
  #broken: string | undefined;

  constructor(inbound: Inbound, sink: FrameSink) {
    this.#inbound = inbound;
    this.#sink = sink;
    this.#filling = this.#head.subarray(0, frameHeadBytes);
  }

  /** Of the body of a frame that has come in part. */
  get arrivingBytes(): number {
    return this.#isBody ? this.#filled : 0;
  }

  /** Takes what came. Answers why it is no frames of this route, once and for good: nothing that comes after it can be trusted. */
  push(chunk: Uint8Array): string | undefined {
    for (let at = 0; at < chunk.length && this.#broken === undefined;) {
      const part = chunk.subarray(at, at + this.#filling.length - this.#filled);
      this.#filling.set(part, this.#filled);
      this.#filled += part.length;
      at += part.length;
      if (this.#filled === this.#filling.length) this.#isFull();
    }
    return this.#broken;
  }

  /** Nothing comes any more: gives up the buffer of a frame that did not come whole. */
  abandon(): void {
    if (this.#broken === undefined && this.#isBody && this.#headBytes === dataFrameHeadBytes)
      this.#sink.releaseBuffer(this.#filling);
    this.#broken ??= 'nothing more';
  }

  #isFull(): void {
    if (this.#isBody) this.#complete(this.#filling);
    else this.#headComplete();
  }

  #headComplete(): void {
    const bodyBytes = this.#head.readUInt32LE(0);
    const kind = this.#head.readUInt8(4);
    const bodyBytesMax = this.#inbound.get(kind);
    if (bodyBytesMax === undefined) {
      this.#broken = `a frame of kind ${kind}, which does not belong here`;
    } else if (bodyBytes > bodyBytesMax) {
      this.#broken = `a frame of ${bodyBytes} bytes; its kind has at most ${bodyBytesMax}`;
    } else if (kind !== frameKinds.data) {
      if (bodyBytes === 0) this.#complete(Buffer.alloc(0));
      else this.#fillNext(Buffer.alloc(bodyBytes), 'body');
    } else if (bodyBytes <= dataHeadBytes) {
      this.#broken = 'a data frame without data';
    } else if (this.#headBytes === frameHeadBytes) {
      this.#headBytes = dataFrameHeadBytes;
      this.#filling = this.#head;
    } else {
      this.#fillNext(this.#sink.takeBuffer(bodyBytes - dataHeadBytes), 'body');
    }
  }

  #fillNext(buffer: Buffer, what: 'head' | 'body'): void {
    this.#filling = buffer;
    this.#filled = 0;
    this.#isBody = what === 'body';
  }

  #complete(body: Buffer): void {
    const kind = this.#head.readUInt8(4);
    const decoded = this.#decode(kind, body);
    this.#headBytes = frameHeadBytes;
    this.#fillNext(this.#head.subarray(0, frameHeadBytes), 'head');
    if ('broken' in decoded) {
      this.#broken = decoded.broken;
      if (kind === frameKinds.data) this.#sink.releaseBuffer(body);
    } else {
      this.#sink.onFrame(decoded.frame);
    }
  }

  #decode(kind: number, body: Buffer): Decoded {
    switch (kind) {
      case frameKinds.data:
        return this.#dataFrame(body);
      case frameKinds.open:
        return fromJson(body, openMessage, (message) => ({ kind: 'open', message }));
      case frameKinds.facts:
        return fromJson(body, factsMessage, (message) => ({ kind: 'facts', message }));
      case frameKinds.start:
        return fromJson(body, startMessage, (message) => ({ kind: 'start', message }));
      case frameKinds.end:
        return fromJson(body, endMessage, (message) => ({ kind: 'end', message }));
      case frameKinds.refusal:
        return fromJson(body, refusalMessage, (failure) => ({ kind: 'refusal', failure }));
      case frameKinds.alive:
        return { frame: { kind: 'alive' } };
      case frameKinds.compact:
        return fromParts(readCompact(body), (block) => ({ kind: 'compact', ...block }));
      case frameKinds.told:
        return fromParts(readTold(body), (told) => ({ kind: 'told', ...told }));
      default:
        return fromNumbers(kind, body);
    }
  }

  #dataFrame(bytes: Buffer): Decoded {
    const offsetBytes = readUint64(this.#head, frameHeadBytes);
    if (offsetBytes === undefined) return { broken: 'an offset above 2^53' };
    const digest = Buffer.from(this.#head.subarray(frameHeadBytes + 8, frameHeadBytes + 8 + digestBytes));
    return { frame: { kind: 'data', offsetBytes, digest, bytes } };
  }
}

function fromJson<T>(body: Buffer, schema: z.ZodType<T>, make: (message: T) => Frame): Decoded {
  let json: unknown;
  try {
    json = JSON.parse(body.toString('utf8'));
  } catch {
    return { broken: 'a message that is not JSON' };
  }
  const parsed = schema.safeParse(json);
  if (parsed.success) return { frame: make(parsed.data) };
  const issue = parsed.error.issues[0];
  return { broken: `a message whose "${issue?.path.join('.') ?? ''}" is wrong: ${issue?.message ?? 'unknown'}` };
}

const fromParts = <T extends object>(parts: T | string, make: (parts: T) => Frame): Decoded =>
  typeof parts === 'string' ? { broken: parts } : { frame: make(parts) };

function fromNumbers(kind: number, body: Buffer): Decoded {
  const first = body.length >= 8 ? readUint64(body, 0) : undefined;
  const second = body.length === 16 ? readUint64(body, 8) : undefined;
  if (first !== undefined && second !== undefined && kind === frameKinds.zero)
    return { frame: { kind: 'zero', offsetBytes: first, lengthBytes: second } };
  if (first !== undefined && second !== undefined && kind === frameKinds.skip)
    return { frame: { kind: 'skip', toBytes: first, passedBytes: second } };
  if (first !== undefined && body.length === 8 && kind === frameKinds.watermark)
    return { frame: { kind: 'watermark', atBytes: first } };
  if (first !== undefined && body.length === 8 && kind === frameKinds.ask)
    return { frame: { kind: 'ask', fromBytes: first } };
  return { broken: `a frame of kind ${kind} whose ${body.length} bytes are not its numbers` };
}
