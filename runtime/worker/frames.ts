import type { Duplex } from 'node:stream';

/** A frame longer than this is refused before memory is taken for it. */
export const frameBytesMax = 256 * 1024 * 1024;

const headerBytes = 4;

/** JSON values over a byte stream, each behind its length in bytes (32 bits, big end first). */
export class FrameChannel {
  readonly #stream: Duplex;
  #chunks: Buffer[] = [];
  #bufferedBytes = 0;

  /** `onValue` gets each value, unchecked; `onEnd` is called once, when the stream has ended or broken. */
  constructor(stream: Duplex, onValue: (value: unknown) => void, onEnd: (reason: string) => void) {
    this.#stream = stream;
    let isEnded = false;
    const end = (reason: string): void => {
      if (!isEnded) onEnd(reason);
      isEnded = true;
    };
    stream.on('data', (chunk: Buffer) => {
      try {
        this.#take(chunk, onValue);
      } catch (thrown) {
        end(thrown instanceof Error ? thrown.message : String(thrown));
        stream.destroy();
      }
    });
    stream.on('error', (error) => end(error.message));
    stream.on('close', () => end('closed'));
    stream.on('end', () => end('ended'));
  }

  send(value: unknown): void {
    if (this.#stream.destroyed || this.#stream.writableEnded) return;
    this.#together();
    this.#write(value);
  }

  /** Sends at once, since what follows may take long. */
  sendNow(value: unknown): void {
    if (this.#stream.destroyed || this.#stream.writableEnded) return;
    this.#write(value);
    this.#stream.uncork();
  }

  #write(value: unknown): void {
    const text = JSON.stringify(value);
    const bytes = Buffer.byteLength(text);
    if (bytes > frameBytesMax) throw new RangeError(`a message of ${bytes} bytes is longer than ${frameBytesMax}`);
    const frame = Buffer.allocUnsafe(headerBytes + bytes);
    frame.writeUInt32BE(bytes, 0);
    frame.write(text, headerBytes);
    this.#stream.write(frame);
  }

  /** What is sent in one turn of the event loop goes out together. */
  #together(): void {
    if (this.#stream.writableCorked > 0) return;
    this.#stream.cork();
    process.nextTick(() => this.#stream.uncork());
  }

  #take(chunk: Buffer, onValue: (value: unknown) => void): void {
    this.#chunks.push(chunk);
    this.#bufferedBytes += chunk.length;
    for (;;) {
      if (this.#bufferedBytes < headerBytes) return;
      const bytes = this.#peekLength();
      if (bytes > frameBytesMax) throw new RangeError(`a message of ${bytes} bytes is longer than ${frameBytesMax}`);
      if (this.#bufferedBytes < headerBytes + bytes) return;
      const whole = this.#chunks.length === 1 ? this.#chunks[0] : Buffer.concat(this.#chunks);
      if (whole === undefined) return;
      const rest = whole.subarray(headerBytes + bytes);
      this.#chunks = rest.length === 0 ? [] : [rest];
      this.#bufferedBytes = rest.length;
      onValue(JSON.parse(whole.toString('utf8', headerBytes, headerBytes + bytes)));
    }
  }

  #peekLength(): number {
    const [first] = this.#chunks;
    if (first !== undefined && first.length >= headerBytes) return first.readUInt32BE(0);
    const joined = Buffer.concat(this.#chunks);
    this.#chunks = [joined];
    return joined.readUInt32BE(0);
  }
}
