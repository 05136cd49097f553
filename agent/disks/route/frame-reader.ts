import type { z } from 'zod';
import { digestBytes, readUint64 } from './digest';
import { dataFrameHeadBytes, dataHeadBytes, frameHeadBytes, frameKinds, type Frame, type Inbound } from './frames';
import { endMessage, factsMessage, openMessage, refusalMessage, startMessage } from './messages';

export type FrameSink = {
  /** Where the bytes of the next data frame go: a buffer of exactly this length, at most `blockBytesMax`. */
  readonly takeBuffer: (lengthBytes: number) => Buffer;
  /** Takes back a buffer that will not be filled. */
  readonly dropBuffer: (buffer: Buffer) => void;
  readonly onFrame: (frame: Frame) => void;
};

type Decoded = { readonly frame: Frame } | { readonly broken: string };

/**
 * Cuts what a peer sends into frames. Nothing is allocated by a length that was not checked against what the peer may send, and the
 * bytes of data frames are copied once, to where the sink wants them.
 */
export class FrameReader {
  readonly #inbound: Inbound;
  readonly #sink: FrameSink;
  readonly #head = Buffer.alloc(dataFrameHeadBytes);
  #headFilled = 0;
  #headBytes = frameHeadBytes;
  #body: Buffer | undefined;
  #bodyFilled = 0;
  #broken: string | undefined;

  constructor(inbound: Inbound, sink: FrameSink) {
    this.#inbound = inbound;
    this.#sink = sink;
  }

  /**
   * Takes the next bytes, which the caller may reuse afterwards. Answers why they are no frames of this route, once and for good: nothing
   * that comes after it can be trusted.
   */
  push(chunk: Buffer): string | undefined {
    let at = 0;
    while (at < chunk.length && this.#broken === undefined)
      at += this.#body ? this.#fillBody(chunk, at) : this.#fillHead(chunk, at);
    return this.#broken;
  }

  /** Nothing comes any more: gives back the buffer of a frame that did not come whole. */
  abandon(): void {
    this.#broken ??= 'nothing more';
    if (this.#body && this.#headBytes === dataFrameHeadBytes) this.#sink.dropBuffer(this.#body);
    this.#body = undefined;
  }

  #fillHead(chunk: Buffer, at: number): number {
    const taken = chunk.copy(this.#head, this.#headFilled, at, at + this.#headBytes - this.#headFilled);
    this.#headFilled += taken;
    if (this.#headFilled === this.#headBytes) this.#headComplete();
    return taken;
  }

  #headComplete(): void {
    const bodyBytes = this.#head.readUInt32LE(0);
    const kind = this.#head.readUInt8(4);
    const bodyBytesMax = this.#inbound.get(kind);
    if (bodyBytesMax === undefined) {
      this.#break(`a frame of kind ${kind}, which does not belong here`);
      return;
    }
    if (bodyBytes > bodyBytesMax) {
      this.#break(`a frame of ${bodyBytes} bytes; its kind has at most ${bodyBytesMax}`);
      return;
    }
    if (kind !== frameKinds.data) {
      this.#body = Buffer.alloc(bodyBytes);
      if (bodyBytes === 0) this.#complete(this.#body);
    } else if (this.#headBytes === dataFrameHeadBytes) {
      this.#body = this.#sink.takeBuffer(bodyBytes - dataHeadBytes);
    } else if (bodyBytes <= dataHeadBytes) {
      this.#break('a data frame without data');
    } else {
      this.#headBytes = dataFrameHeadBytes;
    }
  }

  #fillBody(chunk: Buffer, at: number): number {
    const body = this.#body;
    if (body === undefined) return 0;
    const taken = chunk.copy(body, this.#bodyFilled, at, at + body.length - this.#bodyFilled);
    this.#bodyFilled += taken;
    if (this.#bodyFilled === body.length) this.#complete(body);
    return taken;
  }

  #complete(body: Buffer): void {
    this.#body = undefined;
    this.#bodyFilled = 0;
    this.#headFilled = 0;
    this.#headBytes = frameHeadBytes;
    const decoded = this.#decode(this.#head.readUInt8(4), body);
    if ('broken' in decoded) {
      this.#break(decoded.broken);
      return;
    }
    this.#sink.onFrame(decoded.frame);
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

  #break(reason: string): void {
    this.#broken = reason;
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

function fromNumbers(kind: number, body: Buffer): Decoded {
  const first = body.length >= 8 ? readUint64(body, 0) : undefined;
  const second = body.length === 16 ? readUint64(body, 8) : undefined;
  if (first !== undefined && second !== undefined && kind === frameKinds.zero)
    return { frame: { kind: 'zero', offsetBytes: first, lengthBytes: second } };
  if (first !== undefined && second !== undefined && kind === frameKinds.skip)
    return { frame: { kind: 'skip', toBytes: first, passedBytes: second } };
  if (first !== undefined && body.length === 8 && kind === frameKinds.watermark)
    return { frame: { kind: 'watermark', atBytes: first } };
  return { broken: `a frame of kind ${kind} whose ${body.length} bytes are not its numbers` };
}
