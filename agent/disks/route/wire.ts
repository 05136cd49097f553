import type { OnReadOpts, Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { Clock } from '../../clock';
import type { Carrier } from './carrier';
import { contentKeys } from './content-keys';
import { ContentStreams } from './content-streams';
import type { FrameReader } from './frame-reader';
import { encodeFrame, type ContentFrame, type Frame } from './frames';
import { stuckSilences, type RoutePace } from './limits';
import type { OutgoingContent } from './outgoing-content';
import { streamToken } from './stream-tokens';

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
 * One connection, at either end, with the further streams that belong to it: what comes in becomes frames, what is said goes out over TLS, and
 * content in sealed records over all of them. A peer that falls silent or says what does not belong here ends it, once, with a reason.
 */
export class Wire {
  readonly #socket: TLSSocket;
  readonly #readers: readonly FrameReader[];
  readonly #contentReader: FrameReader | undefined;
  readonly #clock: Clock;
  readonly #pace: RoutePace;
  readonly #ending = new AbortController();
  readonly #ended = Promise.withResolvers<string>();
  #heardAtMs: number;
  #saidAtMs: number;
  #paused = false;
  readonly #streams: ContentStreams;
  #streamFailed = false;

  constructor({ carrier, socket, reader, contentReader, clock, pace }: WireOptions) {
    this.#streams = new ContentStreams(carrier, clock, {
      onBytes: () => this.#heard(),
      onEnded: (reason) => void this.#streamEnded(reason),
    });
    this.#socket = socket;
    this.#readers = contentReader === undefined ? [reader] : [reader, contentReader];
    this.#contentReader = contentReader;
    this.#clock = clock;
    this.#pace = pace;
    this.#heardAtMs = this.#saidAtMs = clock.now();
    socket.on('data', (chunk: Buffer) => this.#take(reader, chunk));
    carrier.listen({ onBytes: () => this.#heard(), onBroken: (what) => this.end(`the peer sent ${what}`) });
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
    if (content === 'goes') {
      this.#streams.send(keys);
      return;
    }
    const reader = this.#contentReader;
    this.#streams.receive(keys, (pieces) => {
      if (reader) for (const piece of pieces) this.#take(reader, piece);
    });
  }

  /** What the further stream of this number says first. */
  tokenOf(stream: number): Buffer {
    return streamToken(this.#socket, stream);
  }

  /** Content goes over this socket as well, which has said the token of a further stream. */
  sendOver(socket: Socket): void {
    if (this.signal.aborted) socket.destroy();
    else this.#streams.sendOver(socket);
  }

  /** Content comes over one more socket, which `open` gives, as the further stream of this number. */
  receiveOver(stream: number, open: (onread: OnReadOpts) => Socket): void {
    if (!this.signal.aborted) this.#streams.receiveOver(this.tokenOf(stream), open);
  }

  /** Over how many TCP connections content goes out. */
  get streams(): number {
    return this.#streams.outgoing?.streams ?? 1;
  }

  /** Whether it ended by a further stream: it may go better without. */
  get streamFailed(): boolean {
    return this.#streamFailed;
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
    await this.#content()?.send(bytes);
  }

  /** As `send`, for what nothing comes after. */
  async sendLast(...bytes: readonly Buffer[]): Promise<void> {
    await this.#content()?.send(bytes, 'last');
  }

  /** Resolves when what is sent would be taken at once, as far as is known, or when the connection ended. */
  async free(): Promise<void> {
    await this.#streams.outgoing?.free(this.signal);
  }

  /** Stops taking bytes from the peer, so that it stops sending. Its silence is not held against it meanwhile. */
  pause(): void {
    this.#paused = true;
    this.#streams.pause();
  }

  resume(): void {
    this.#paused = false;
    this.#heard();
    this.#streams.resume();
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
    this.#streams.destroy();
  }

  /** Ends the connection when the peer has taken everything and ended its side, or when that takes too long. */
  async endGently(reason: string): Promise<void> {
    if (this.signal.aborted) return;
    this.#socket.end();
    await this.#clock.sleep(this.#pace.aliveMs, this.signal);
    this.end(reason);
  }

  #heard(): void {
    this.#heardAtMs = this.#clock.now();
  }

  #content(): OutgoingContent | undefined {
    if (this.signal.aborted) return undefined;
    const { outgoing } = this.#streams;
    if (outgoing === undefined) throw new Error('content is sent after the handshake');
    this.#saidAtMs = this.#clock.now();
    return outgoing;
  }

  /** A source gives the destination time to find out by itself: it ends the connection, and knows why. */
  async #streamEnded(reason: string): Promise<void> {
    if (this.#streams.outgoing !== undefined) await this.#clock.sleep(this.#pace.aliveMs, this.signal);
    if (this.signal.aborted) return;
    this.#streamFailed = true;
    this.end(`a further stream of it failed: ${reason}`);
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
      if (this.#paused) {
        this.#heard();
        this.#streams.passed();
      }
      const { stuckMs } = this.#streams;
      if (stuckMs > stuckSilences * this.#pace.silenceMsMax)
        void this.#streamEnded(`nothing came of what was next for ${stuckMs} ms`);
      else if (now - this.#heardAtMs > this.#pace.silenceMsMax)
        this.end(`the peer was silent for ${now - this.#heardAtMs} ms`);
      else if (now - this.#saidAtMs >= this.#pace.aliveMs) this.say({ kind: 'alive' });
    }
  }
}
