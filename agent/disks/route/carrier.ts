import type { OnReadOpts, Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { RecordReader } from './record-reader';
import { recordHead } from './records';
import { freeAll, type Opener, type Sealer } from './sealing';

export type CarrierEvents = {
  /** Bytes came, whatever they are. */
  readonly onBytes: () => void;
  /** Content that the other end sealed. The memory is taken back when this returns. */
  readonly onContent: (pieces: readonly Buffer[]) => void;
  /** What came is not what the other end sent. */
  readonly onBroken: (what: string) => void;
};

/**
 * One TCP connection that carries a TLS connection, for everything that is said, and sealed content beside it. TLS gets `tunnel` in the
 * place of a socket.
 */
export class Carrier {
  readonly tunnel: Duplex;
  readonly #socket: Socket;
  readonly #reader: RecordReader;
  readonly #holds = new Set<'reader' | 'tunnel'>();
  #events: CarrierEvents | undefined;
  #opener: Opener | undefined;

  /** `open` gives the socket; one that has `onread` says its bytes by itself, for another they are pushed. */
  constructor(open: (onread: OnReadOpts) => Socket) {
    this.#reader = new RecordReader({
      onTls: (bytes) => this.#forTls(bytes),
      onSealed: (sealed) => this.#open(sealed),
    });
    this.tunnel = this.#makeTunnel();
    const socket = open({ buffer: () => this.#reader.space, callback: (bytes) => this.#take(bytes) });
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on('end', () => this.tunnel.push(null));
    socket.on('error', (error) => this.tunnel.destroy(error));
    socket.on('close', () => this.tunnel.destroy());
  }

  /** Tells from now on what comes. */
  listen(events: CarrierEvents): void {
    this.#events = events;
  }

  /** Takes sealed content from now on. Before, a sealed record is one that does not belong here. */
  openWith(opener: Opener): void {
    this.#opener = opener;
    this.#reader.takeSealed();
  }

  /** Takes bytes of the network, for a socket without `onread`. */
  push(chunk: Uint8Array): void {
    this.#note(this.#reader.push(chunk));
  }

  /** Seals and sends content. `taken` is called when the system has taken it, or when the connection ended instead. */
  send(sealer: Sealer, content: readonly Uint8Array[], taken: () => void): void {
    const pieces = sealer.seal(...content);
    this.#write(pieces, (error) => {
      // Where it ended instead, the system may still look at them.
      if (error === undefined || error === null) freeAll(pieces);
      taken();
    });
  }

  pause(): void {
    this.#hold('reader');
  }

  resume(): void {
    this.#release('reader');
  }

  destroy(): void {
    this.tunnel.destroy();
    this.#socket.destroy();
  }

  /** So many bytes were put where they belong. Answers whether more may come now. */
  #take(bytes: number): boolean {
    this.#note(this.#reader.take(bytes));
    return this.#holds.size === 0;
  }

  #note(broken: string | undefined): void {
    this.#events?.onBytes();
    if (broken === undefined) return;
    this.#events?.onBroken(broken);
    this.destroy();
  }

  #forTls(bytes: Buffer): void {
    if (!this.tunnel.destroyed && !this.tunnel.push(Buffer.from(bytes))) this.#hold('tunnel');
  }

  #open(sealed: Buffer): string | undefined {
    const pieces = this.#opener?.open(sealed);
    if (pieces === undefined) return 'a record that is not what was sealed next';
    this.#events?.onContent(pieces);
    freeAll(pieces);
    return undefined;
  }

  #write(pieces: readonly Uint8Array[], taken: (error?: Error | null) => void): void {
    this.#socket.cork();
    pieces.forEach((piece, at) => void this.#socket.write(piece, at === pieces.length - 1 ? taken : undefined));
    this.#socket.uncork();
  }

  #makeTunnel(): Duplex {
    return new Duplex({
      allowHalfOpen: true,
      emitClose: true,
      read: () => this.#release('tunnel'),
      write: (chunk: Uint8Array, _encoding, done) => {
        this.#write([recordHead('tls', chunk.length), chunk], done);
      },
      final: (done) => {
        this.#socket.end();
        done();
      },
      destroy: (error, done) => {
        this.#socket.destroy();
        done(error);
      },
    });
  }

  #hold(by: 'reader' | 'tunnel'): void {
    this.#holds.add(by);
    this.#socket.pause();
  }

  #release(by: 'reader' | 'tunnel'): void {
    if (this.#holds.delete(by) && this.#holds.size === 0) this.#socket.resume();
  }
}
