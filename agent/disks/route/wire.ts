import type { TLSSocket } from 'node:tls';
import type { Clock } from '../../clock';
import type { FrameReader } from './frame-reader';
import { encodeFrame, type Frame } from './frames';
import type { RoutePace } from './limits';

export type WireOptions = {
  readonly socket: TLSSocket;
  readonly reader: FrameReader;
  readonly clock: Clock;
  readonly pace: RoutePace;
};

/**
 * One connection, at either end: what comes in becomes frames, what is said goes out, and a peer that falls silent or says what does not
 * belong here ends it. It ends once, with a reason.
 */
export class Wire {
  readonly #socket: TLSSocket;
  readonly #reader: FrameReader;
  readonly #clock: Clock;
  readonly #pace: RoutePace;
  readonly #ending = new AbortController();
  readonly #ended = Promise.withResolvers<string>();
  #heardAtMs: number;
  #saidAtMs: number;
  #paused = false;

  constructor({ socket, reader, clock, pace }: WireOptions) {
    this.#socket = socket;
    this.#reader = reader;
    this.#clock = clock;
    this.#pace = pace;
    this.#heardAtMs = this.#saidAtMs = clock.now();
    socket.setNoDelay(true);
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

  /** So many bytes came from the peer and stand where the reader wanted them. */
  heard(bytes: number): void {
    this.#note(() => this.#reader.take(bytes));
  }

  /** Bytes that came from the peer and stand elsewhere. */
  heardElsewhere(chunk: Uint8Array): void {
    this.#note(() => this.#reader.push(chunk));
  }

  /** Sends a frame without waiting. Small ones only, and few: what is not taken by the peer is kept in memory. */
  say(frame: Exclude<Frame, { kind: 'data' }>): void {
    if (this.signal.aborted) return;
    this.#saidAtMs = this.#clock.now();
    this.#socket.write(encodeFrame(frame));
  }

  /** Sends bytes of frames. Resolves when they may be overwritten; also when the connection ended instead. */
  async send(bytes: Buffer): Promise<void> {
    if (this.signal.aborted) return;
    this.#saidAtMs = this.#clock.now();
    const { promise, resolve } = Promise.withResolvers<undefined>();
    this.#socket.write(bytes, () => resolve(undefined));
    await promise;
  }

  /** Stops taking bytes from the peer, so that it stops sending. Its silence is not held against it meanwhile. */
  pause(): void {
    this.#paused = true;
    this.#socket.pause();
  }

  resume(): void {
    this.#paused = false;
    this.#heardAtMs = this.#clock.now();
    this.#socket.resume();
  }

  get isPaused(): boolean {
    return this.#paused;
  }

  /** Ends the connection at once. What was said last may be lost. */
  end(reason: string): void {
    if (this.signal.aborted) return;
    this.#reader.abandon();
    this.#ending.abort();
    this.#ended.resolve(reason);
    this.#socket.destroy();
  }

  /** Ends the connection when the peer has taken everything and ended its side, or when that takes too long. */
  async endGently(reason: string): Promise<void> {
    if (this.signal.aborted) return;
    this.#socket.end();
    await this.#clock.sleep(this.#pace.aliveMs, this.signal);
    this.end(reason);
  }

  #note(take: () => string | undefined): void {
    if (this.signal.aborted) return;
    this.#heardAtMs = this.#clock.now();
    const broken = take();
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
