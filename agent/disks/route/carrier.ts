import type { OnReadOpts, Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { RecordReader } from './record-reader';
import { recordHead } from './records';
import type { Outlet } from './outgoing-content';
import { writePieces } from './record-stream';

export type CarrierEvents = {
  /** Bytes came, whatever they are. */
  readonly onBytes: () => void;
  /** What came is not what the other end sent. */
  readonly onBroken: (what: string) => void;
};

/**
 * One TCP connection that carries a TLS connection, for everything that is said, and sealed records beside it. TLS gets `tunnel` in the
 * place of a socket.
 */
export class Carrier {
  readonly tunnel: Duplex;
  readonly #socket: Socket;
  readonly #reader: RecordReader;
  readonly #holds = new Set<'reader' | 'tunnel'>();
  #events: CarrierEvents | undefined;
  #takeSealed: ((body: Buffer) => string | undefined) | undefined;

  /** `open` gives the socket; one that has `onread` says its bytes by itself, for another they are pushed. */
  constructor(open: (onread: OnReadOpts) => Socket) {
    this.#reader = new RecordReader({
      onTls: (bytes) => this.#forTls(bytes),
      onSealed: (body) => this.#takeSealed?.(body),
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

  /**
   * Takes sealed records from now on; `take` gets the body of each, and answers why it cannot be taken. Before, one does not belong here.
   */
  takeSealed(take: (body: Buffer) => string | undefined): void {
    this.#takeSealed = take;
    this.#reader.takeSealed();
  }

  /** Takes bytes of the network, for a socket without `onread`. */
  push(chunk: Uint8Array): void {
    this.#note(this.#reader.push(chunk));
  }

  /** Sends a whole record. `taken` is called when the system has taken it, or when the connection ended instead. */
  readonly send: Outlet['send'] = (pieces, taken) => writePieces(this.#socket, pieces, taken);

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

  #makeTunnel(): Duplex {
    return new Duplex({
      allowHalfOpen: true,
      emitClose: true,
      read: () => this.#release('tunnel'),
      write: (chunk: Uint8Array, _encoding, done) => {
        this.send([recordHead('tls', chunk.length), chunk], done);
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
