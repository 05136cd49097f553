import type { TLSSocket } from 'node:tls';
import type { Clock } from '../../clock';
import type { Carrier } from './carrier';
import { contentKeys } from './content-keys';
import type { FrameReader } from './frame-reader';
import { encodeFrame, type ContentFrame, type Frame } from './frames';
import type { RoutePace } from './limits';
import { Opener, Sealer } from './sealing';

export type WireOptions = {
  readonly carrier: Carrier;
  /** The TLS connection that it carries. */
  readonly socket: TLSSocket;
  /** Of what the peer says. */
  readonly reader: FrameReader;
  /** Of the content that it sends; a destination sends none. */
  readonly contentReader?: FrameReader;
  readonly clock: Clock;
  readonly pace: RoutePace;
};

/**
 * One connection, at either end: what comes in becomes frames, what is said goes out over TLS and content in sealed records, and a peer
 * that falls silent or says what does not belong here ends it. It ends once, with a reason.
 */
export class Wire {
  readonly #carrier: Carrier;
  readonly #socket: TLSSocket;
  readonly #readers: readonly FrameReader[];
  readonly #clock: Clock;
  readonly #pace: RoutePace;
  readonly #ending = new AbortController();
  readonly #ended = Promise.withResolvers<string>();
  #heardAtMs: number;
  #saidAtMs: number;
  #paused = false;
  #sealer: Sealer | undefined;

  constructor({ carrier, socket, reader, contentReader, clock, pace }: WireOptions) {
    this.#carrier = carrier;
    this.#socket = socket;
    this.#readers = contentReader === undefined ? [reader] : [reader, contentReader];
    this.#clock = clock;
    this.#pace = pace;
    this.#heardAtMs = this.#saidAtMs = clock.now();
    socket.on('data', (chunk: Buffer) => this.#take(reader, chunk));
    carrier.listen({
      onBytes: () => {
        this.#heardAtMs = clock.now();
      },
      onContent: (pieces) => {
        if (contentReader) for (const piece of pieces) this.#take(contentReader, piece);
      },
      onBroken: (what) => this.end(`the peer sent ${what}`),
    });
    socket.on('error', (error: Error) => this.end(error.message));
    socket.on('end', () => this.end('the peer ended the connection'));
    socket.on('close', () => this.end('the connection was closed'));
    void this.#watch();
  }

  /** Resolves with the reason when the connection has ended. */
  get ended(): Promise<string> {
    return this.#ended.promise;
  }

  /** Aborted when the connection has ended. */
  get signal(): AbortSignal {
    return this.#ending.signal;
  }

  /** The handshake is over and the peer is who it should be: content may be exchanged, in this direction. */
  secured(content: 'comes' | 'goes'): void {
    const keys = contentKeys(this.#socket);
    if (content === 'comes') this.#carrier.openWith(new Opener(keys));
    else this.#sealer = new Sealer(keys);
  }

  /** Sends a frame without waiting. Small ones only, and few: what is not taken by the peer is kept in memory. */
  say(frame: Exclude<Frame, ContentFrame | { kind: 'end' }>): void {
    if (this.signal.aborted) return;
    this.#saidAtMs = this.#clock.now();
    this.#socket.write(encodeFrame(frame));
  }

  /** Of frames that have come in part. */
  get arrivingBytes(): number {
    return this.#readers.reduce((sum, reader) => sum + reader.arrivingBytes, 0);
  }

  /** As `say`. Resolves when the system has taken it, or when the connection ended: for what a peer may ask for again and again. */
  async deliver(frame: Parameters<Wire['say']>[0]): Promise<void> {
    if (this.signal.aborted) return;
    this.#saidAtMs = this.#clock.now();
    const { promise, resolve } = Promise.withResolvers<undefined>();
    this.#socket.write(encodeFrame(frame), () => resolve(undefined));
    await promise;
  }

  /**
   * Sends bytes of content frames in one sealed record; at most `sealedContentBytesMax`. They may be overwritten when it returns. Resolves when
   * the system has taken them; also when the connection ended instead.
   */
  async send(...bytes: readonly Buffer[]): Promise<void> {
    if (this.signal.aborted) return;
    if (this.#sealer === undefined) throw new Error('content is sent after the handshake');
    this.#saidAtMs = this.#clock.now();
    const { promise, resolve } = Promise.withResolvers<undefined>();
    this.#carrier.send(this.#sealer, bytes, () => resolve(undefined));
    await promise;
  }

  /** Stops taking bytes from the peer, so that it stops sending. Its silence is not held against it meanwhile. */
  pause(): void {
    this.#paused = true;
    this.#carrier.pause();
  }

  resume(): void {
    this.#paused = false;
    this.#heardAtMs = this.#clock.now();
    this.#carrier.resume();
  }

  get isPaused(): boolean {
    return this.#paused;
  }

  /** Ends the connection at once. What was said last may be lost. */
  end(reason: string): void {
    if (this.signal.aborted) return;
    for (const reader of this.#readers) reader.abandon();
    this.#ending.abort();
    this.#ended.resolve(reason);
    this.#socket.destroy();
    this.#carrier.destroy();
  }

  /** Ends the connection when the peer has taken everything and ended its side, or when that takes too long. */
  async endGently(reason: string): Promise<void> {
    if (this.signal.aborted) return;
    this.#socket.end();
    await this.#clock.sleep(this.#pace.aliveMs, this.signal);
    this.end(reason);
  }

  #take(reader: FrameReader, bytes: Uint8Array): void {
    if (this.signal.aborted) return;
    const broken = reader.push(bytes);
    if (broken !== undefined) this.end(`the peer sent ${broken}`);
  }

  async #watch(): Promise<void> {
    const lookMs = Math.min(this.#pace.aliveMs, this.#pace.silenceMsMax) / 2;
    while (!this.signal.aborted) {
      await this.#clock.sleep(lookMs, this.signal);
      const now = this.#clock.now();
      if (this.#paused) this.#heardAtMs = now;
      if (now - this.#heardAtMs > this.#pace.silenceMsMax)
        this.end(`the peer was silent for ${now - this.#heardAtMs} ms`);
      else if (now - this.#saidAtMs >= this.#pace.aliveMs) this.say({ kind: 'alive' });
    }
  }
}
