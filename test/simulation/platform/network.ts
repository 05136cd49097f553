import { EventEmitter } from 'node:events';
import type { Draw } from './chance';
import type { Loop } from './loop';
import { currentProgram, outside, runIn, type Program } from './program';

/** A connection is cut into pieces of this length on its way, as packets would do it. */
const pieceBytes = 64 * 1024;

export type NetworkOptions = {
  readonly loop: Loop;
  readonly draw: Draw;
  readonly bytesPerSecond: number;
  readonly latencyMs: number;
};

type Listener = { readonly server: TcpServer; readonly program: Program };

/** What the machines of a simulated site are joined by: listeners by address and port, a line from each machine to each. */
export class Network {
  readonly #listeners = new Map<string, Listener>();
  readonly #freeAtMs = new Map<string, number>();
  readonly #sockets = new Set<TcpSocket>();
  /** Machines that nothing reaches and that reach nobody, with power or without. */
  readonly cutOff = new Set<string>();
  #ports = 40_000;

  constructor(readonly options: NetworkOptions) {}

  listen(address: string, port: number, listener: Listener): number | undefined {
    const given = port === 0 ? this.#ports++ : port;
    const known = this.#listeners.get(`${address}:${given}`);
    if (known?.program.isAlive === true) return undefined;
    this.#listeners.set(`${address}:${given}`, listener);
    return given;
  }

  unlisten(address: string, port: number): void {
    this.#listeners.delete(`${address}:${port}`);
  }

  /** Opens a connection from a machine; what comes of it is told by the socket. */
  connect(from: string, to: string, port: number): TcpSocket {
    const { loop, latencyMs } = this.options;
    const client = new TcpSocket(this, from, to, currentProgram());
    if (this.cutOff.has(from) || this.cutOff.has(to)) return client;
    loop.schedule(
      2 * latencyMs,
      () => {
        const listener = this.#listeners.get(`${to}:${port}`);
        if (listener?.program.isAlive !== true) {
          loop.schedule(0, () => client.fail('connect ECONNREFUSED'), client.program);
          return;
        }
        const server = new TcpSocket(this, to, from, listener.program);
        loop.schedule(0, () => listener.server.emit('connection', server), listener.program);
        server.join(client);
        client.join(server);
        loop.schedule(0, () => client.emit('connect'), client.program);
      },
      outside,
    );
    return client;
  }

  note(socket: TcpSocket): void {
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
  }

  /** The operating system of a program that died ends its connections; one that lost its power tells nobody. */
  programDied(program: Program, toldToPeers: boolean): void {
    for (const socket of [...this.#sockets]) {
      if (socket.program !== program) continue;
      this.#sockets.delete(socket);
      if (toldToPeers) socket.resetPeer();
    }
  }

  /** Open connections between two machines, or of one with any. */
  connectionsOf(machine: string): TcpSocket[] {
    return [...this.#sockets].filter((socket) => socket.from === machine);
  }

  /** How long it takes until so many bytes are through the line between two machines, behind what others have under way. */
  transitMs(from: string, to: string, lengthBytes: number): number {
    const { loop, bytesPerSecond } = this.options;
    const line = `${from}>${to}`;
    const freeAtMs = Math.max(loop.nowMs, this.#freeAtMs.get(line) ?? 0) + (lengthBytes / bytesPerSecond) * 1000;
    this.#freeAtMs.set(line, freeAtMs);
    return freeAtMs - loop.nowMs;
  }
}

type OnRead = { readonly buffer: () => Uint8Array; readonly callback: (bytes: number) => boolean };
type Taken = (error?: Error) => void;
type Piece = { readonly bytes: Uint8Array; readonly taken: Taken | undefined };
/** What leaves a socket in its order: bytes, or something that happens to the peer behind them. */
type Outgoing = Piece | ((peer: TcpSocket) => void);

/** One end of a connection, as `node:net` gives it. */
export class TcpSocket extends EventEmitter {
  onread: OnRead | undefined;
  /** As `node:net` says it: until the connection stands. */
  get connecting(): boolean {
    return this.#peer === undefined;
  }

  #peer: TcpSocket | undefined;
  #isDestroyed = false;
  #isPaused = false;
  #isEnded = false;
  /** Half open: nothing goes through in either direction, and nobody is told. */
  #isSilent = false;
  readonly #pieces: Piece[] = [];
  readonly #outgoing: Outgoing[] = [];
  #isSending = false;
  readonly #pending = new Set<Taken>();

  constructor(
    private readonly network: Network,
    readonly from: string,
    readonly to: string,
    readonly program: Program,
  ) {
    super();
    network.note(this);
  }

  /** The connection stands: what was written before goes out. */
  join(peer: TcpSocket): void {
    this.#peer = peer;
    this.#sendNext();
  }

  setNoDelay(): this {
    return this;
  }

  /** Pieces that are written together travel as they would alone. */
  cork(): void {}
  uncork(): void {}

  write(bytes: Uint8Array, taken?: Taken): boolean {
    if (this.#isDestroyed || !this.program.isAlive) {
      if (taken !== undefined) queueMicrotask(() => taken(new Error('write after end')));
      return false;
    }
    const told = taken === undefined ? undefined : this.#once(taken);
    for (let at = 0; at < bytes.length; at += pieceBytes) {
      const piece = bytes.subarray(at, at + pieceBytes);
      this.#carry({ bytes: piece, taken: at + pieceBytes >= bytes.length ? told : undefined });
    }
    return true;
  }

  end(): void {
    if (this.#isEnded || this.#isDestroyed) return;
    this.#isEnded = true;
    this.#tell((peer) => peer.#hearEnd());
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    this.#pump();
  }

  destroy(): void {
    if (this.#isDestroyed) return;
    this.#isDestroyed = true;
    this.#tell((peer) => peer.fail(undefined));
    for (const taken of [...this.#pending]) queueMicrotask(() => taken(new Error('destroyed')));
    this.network.options.loop.schedule(0, () => this.emit('close'), this.program);
  }

  /** Ends this side as the network does. */
  fail(reason: string | undefined): void {
    if (this.#isDestroyed) return;
    this.#isDestroyed = true;
    for (const taken of [...this.#pending]) taken(new Error('broken'));
    if (reason !== undefined) this.emit('error', new Error(reason));
    this.emit('close');
  }

  resetPeer(): void {
    this.#tell((peer) => peer.fail('read ECONNRESET'));
  }

  /** From now on nothing of this connection gets through. */
  fallSilent(): void {
    this.#isSilent = true;
    if (this.#peer !== undefined) this.#peer.#isSilent = true;
  }

  /** The connection breaks, and both sides hear of it. */
  breakOff(): void {
    const { loop } = this.network.options;
    for (const socket of [this, this.#peer])
      if (socket !== undefined) loop.schedule(0, () => socket.fail('read ECONNRESET'), socket.program);
  }

  #once(taken: Taken): Taken {
    const told: Taken = (error) => {
      if (this.#pending.delete(told)) taken(error);
    };
    this.#pending.add(told);
    return told;
  }

  #carry(piece: Piece): void {
    this.#outgoing.push(piece);
    this.#sendNext();
  }

  /** One piece after the other, so that connections share a line. */
  #sendNext(): void {
    const peer = this.#peer;
    if (this.#isSending || peer === undefined) return;
    const next = this.#outgoing.shift();
    if (next === undefined || this.#isLost()) return;
    this.#isSending = true;
    const bytes = typeof next === 'function' ? 0 : next.bytes.length;
    const { loop, latencyMs } = this.network.options;
    loop.schedule(
      latencyMs + this.network.transitMs(this.from, this.to, bytes),
      () => {
        this.#isSending = false;
        if (this.#isLost()) return;
        if (peer.program.isAlive)
          runIn(peer.program, () => (typeof next === 'function' ? next(peer) : peer.#arrive(next)));
        else if (!this.network.cutOff.has(peer.from))
          loop.schedule(0, () => this.fail('write ECONNRESET'), this.program);
        this.#sendNext();
      },
      outside,
    );
  }

  #isLost(): boolean {
    return this.#isSilent || this.network.cutOff.has(this.from) || this.network.cutOff.has(this.to);
  }

  /** Has something happen at the other side, behind what was sent before. */
  #tell(action: (peer: TcpSocket) => void): void {
    this.#outgoing.push(action);
    this.#sendNext();
  }

  #arrive(piece: Piece): void {
    if (this.#isDestroyed) return;
    this.#pieces.push(piece);
    this.#pump();
  }

  #pump(): void {
    while (!this.#isPaused && !this.#isDestroyed) {
      const piece = this.#pieces.shift();
      if (piece === undefined) return;
      if (this.onread === undefined) this.emit('data', piece.bytes);
      else if (!this.#read(this.onread, piece)) return;
      const { taken } = piece;
      const sender = this.#peer;
      if (taken !== undefined && sender !== undefined)
        this.network.options.loop.schedule(0, () => taken(), sender.program);
    }
  }

  /** False when the reader wants no more for now: the rest of the piece waits. */
  #read({ buffer, callback }: OnRead, piece: Piece): boolean {
    for (let at = 0; at < piece.bytes.length;) {
      const space = buffer();
      const part = piece.bytes.subarray(at, at + space.length);
      space.set(part);
      at += part.length;
      if (callback(part.length) || at === piece.bytes.length) continue;
      this.#isPaused = true;
      this.#pieces.unshift({ bytes: piece.bytes.subarray(at), taken: piece.taken });
      return false;
    }
    return true;
  }

  #hearEnd(): void {
    if (this.#pieces.length > 0 && this.#isPaused) {
      this.network.options.loop.schedule(50, () => this.#hearEnd(), this.program);
      return;
    }
    if (!this.#isDestroyed) this.emit('end');
  }
}

/** A listener, as `node:net` gives it. */
export class TcpServer extends EventEmitter {
  maxConnections = Number.POSITIVE_INFINITY;
  #address: { readonly address: string; readonly port: number } | undefined;
  readonly #program = currentProgram();

  constructor(private readonly network: Network) {
    super();
  }

  listen(port: number, address: string, listening: () => void): void {
    const { loop } = this.network.options;
    const given = this.network.listen(address, port, { server: this, program: this.#program });
    loop.schedule(0, () => {
      if (given === undefined) {
        this.emit('error', Object.assign(new Error('listen EADDRINUSE'), { code: 'EADDRINUSE' }));
        return;
      }
      this.#address = { address, port: given };
      listening();
    });
  }

  address(): { readonly address: string; readonly port: number } | null {
    return this.#address ?? null;
  }

  close(closed: () => void): void {
    if (this.#address !== undefined) this.network.unlisten(this.#address.address, this.#address.port);
    this.network.options.loop.schedule(0, closed);
  }
}
