import { EventEmitter } from 'node:events';
import { frameFromListener, type ResponseFrame } from '../../../relay/frames';
import { readMessagePairs } from '../../../relay/message-pairs';
import type { Draw } from './chance';
import type { Loop } from './loop';
import { currentProgram, never, outside, runIn, type Program } from './program';

/** What becomes of one call on its way through the relay. */
export type Passage = {
  readonly requestDelayMs: number;
  readonly replyDelayMs: number;
  readonly lost: 'nothing' | 'request' | 'reply';
  /** The request arrives a second time, so long after the first. */
  readonly againAfterMs: number | null;
};

export type RelayOptions = {
  readonly loop: Loop;
  readonly draw: Draw;
  readonly latencyMs: number;
  passageOf: (call: Pick<Call, 'host' | 'method'>) => Passage;
  /** Machines that the relay cannot be reached from. */
  readonly isCutOff: (host: string) => boolean;
};

/** How long the relay takes a listener that vanished without a word for one that is there. */
const vanishedMsMax = 120_000;
/** The relay gives an exchange up after this. */
const exchangeMsMax = 60_000;

type Waiting = { readonly answer: (frame: ResponseFrame, body: Buffer) => void };
export type Call = {
  readonly host: string;
  readonly target: string;
  readonly method: string;
  readonly headers: Record<string, string>;
  readonly body: Uint8Array;
};

/**
 * Azure Relay as client and listener see it: control channels by hybrid connection, requests to one of them, answers by id, rendezvous for
 * what is large. Listener and client are the product's own.
 */
export class RelayService {
  readonly #channels = new Map<string, RelaySocket[]>();
  readonly #waiting = new Map<string, Waiting>();
  #calls = 0;

  constructor(readonly options: RelayOptions) {}

  /** `fetch`, as far as the relay client uses it. */
  fetch(url: string, init: RequestInit): Promise<Response> {
    const program = currentProgram();
    if (!program.isAlive) return never();
    const { loop, latencyMs } = this.options;
    const { pathname, search } = new URL(url);
    const host = decodeURIComponent(pathname.split('/')[1] ?? '');
    const call: Call = {
      host,
      target: pathname + search,
      method: init.method ?? 'GET',
      headers: { ...(init.headers as Record<string, string>) },
      body: init.body instanceof Uint8Array ? init.body.slice() : new Uint8Array(),
    };
    const passage = this.options.passageOf(call);
    return new Promise((resolve, reject) => {
      init.signal?.addEventListener('abort', () => reject(new Error('the call was given up')));
      const answer = (status: number, headers: Record<string, string>, body: Uint8Array<ArrayBuffer>): void => {
        loop.schedule(latencyMs + passage.replyDelayMs, () => resolve(responseOf(status, headers, body)), program);
      };
      loop.schedule(latencyMs + passage.requestDelayMs, () => this.#pass(call, passage, answer), outside);
    });
  }

  /** Opens a socket of a listener: a control channel, or a rendezvous. */
  accept(socket: RelaySocket, url: string): void {
    const { loop, latencyMs } = this.options;
    const { pathname, searchParams } = new URL(url);
    const host = decodeURIComponent(pathname.split('/').at(-1) ?? '');
    if (this.options.isCutOff(host)) return;
    readMessagePairs(socket.farSide as never, {
      read: frameFromListener,
      deliver: (frame, body) => {
        if (frame.type === 'response') this.#waiting.get(frame.response.requestId)?.answer(frame.response, body);
      },
      complain: (reason) => {
        throw new Error(`the listener sent what the relay cannot use: ${reason}`);
      },
    });
    loop.schedule(
      2 * latencyMs,
      () => {
        if (!socket.program.isAlive) return;
        socket.host = host;
        if (searchParams.get('sb-hc-action') === 'listen')
          this.#channels.set(host, [...(this.#channels.get(host) ?? []), socket]);
        runIn(socket.program, () => socket.opened());
      },
      outside,
    );
  }

  closed(socket: RelaySocket): void {
    const left = (this.#channels.get(socket.host) ?? []).filter((one) => one !== socket);
    this.#channels.set(socket.host, left);
  }

  programDied(program: Program, toldToPeers: boolean): void {
    for (const channels of this.#channels.values())
      for (const channel of channels)
        if (channel.program === program)
          this.options.loop.schedule(toldToPeers ? 0 : vanishedMsMax, () => this.closed(channel), outside);
  }

  #pass(call: Call, passage: Passage, answer: Answer): void {
    const open = this.#channels.get(call.host) ?? [];
    const channel = open.length === 0 ? undefined : this.options.draw.pick(open);
    if (channel === undefined) {
      answer(502, {}, Buffer.from('no listener'));
      return;
    }
    const id = `r${++this.#calls}`;
    const { loop } = this.options;
    const givenUp = loop.schedule(
      exchangeMsMax,
      () => {
        this.#waiting.delete(id);
        answer(504, {}, Buffer.from('no answer'));
      },
      outside,
    );
    this.#waiting.set(id, {
      answer: ({ statusCode, responseHeaders }, body) => {
        this.#waiting.delete(id);
        givenUp();
        if (passage.lost === 'reply') return;
        answer(statusCode, { ...responseHeaders, via: '1.1 relay' }, Buffer.from(body));
      },
    });
    if (passage.lost === 'request') return;
    this.#send(channel, call, id);
    if (passage.againAfterMs !== null)
      loop.schedule(passage.againAfterMs, () => this.#send(channel, call, `${id}-again`), outside);
  }

  #send(channel: RelaySocket, { target, method, headers, body, host }: Call, id: string): void {
    const request = {
      address: `wss://relay.invalid/$hc/${encodeURIComponent(host)}?sb-hc-action=request&sb-hc-id=${id}`,
      id,
      requestTarget: target,
      method,
      requestHeaders: headers,
      body: body.length > 0,
    };
    channel.deliver(JSON.stringify({ request }), false);
    if (body.length > 0) channel.deliver(body, true);
  }
}

/** What the client reads of a response. A true one costs more than all the rest of the way. */
const responseOf = (status: number, headers: Record<string, string>, body: Uint8Array): Response =>
  ({ status, headers: new Map(Object.entries(headers)), body: pieceOf(body) }) as unknown as Response;

async function* pieceOf(body: Uint8Array): AsyncGenerator<Uint8Array> {
  yield body;
}

type Answer = (status: number, headers: Record<string, string>, body: Uint8Array<ArrayBuffer>) => void;

const readyStates = { connecting: 0, open: 1, closed: 3 } as const;

/** A WebSocket of a listener, as `ws` gives it. */
export class RelaySocket extends EventEmitter {
  readonly OPEN = readyStates.open;
  readyState: number = readyStates.connecting;
  host = '';
  readonly program = currentProgram();
  /** Where the relay hears what the listener sends. */
  readonly farSide = new EventEmitter();

  constructor(
    private readonly service: RelayService,
    url: string,
    { handshakeTimeout }: { readonly handshakeTimeout?: number } = {},
  ) {
    super();
    service.accept(this, url);
    if (handshakeTimeout !== undefined)
      service.options.loop.schedule(handshakeTimeout, () => this.#giveUpHandshake(), this.program);
  }

  opened(): void {
    if (this.readyState !== readyStates.connecting) return;
    this.readyState = readyStates.open;
    this.emit('upgrade', { socket: { setKeepAlive: () => undefined } });
    this.emit('open');
  }

  deliver(data: string | Uint8Array, isBinary: boolean): void {
    const { loop, latencyMs, isCutOff } = this.service.options;
    if (isCutOff(this.host)) return;
    loop.schedule(
      latencyMs,
      () => {
        if (this.readyState === readyStates.open) this.emit('message', Buffer.from(data), isBinary);
      },
      this.program,
    );
  }

  send(data: string | Uint8Array, sent: (error?: Error) => void): void {
    const { loop, latencyMs, isCutOff } = this.service.options;
    const copy = Buffer.from(data);
    const isBinary = typeof data !== 'string';
    if (this.readyState !== readyStates.open) {
      queueMicrotask(() => sent(new Error('the socket is not open')));
      return;
    }
    if (!isCutOff(this.host)) loop.schedule(latencyMs, () => this.farSide.emit('message', copy, isBinary), outside);
    queueMicrotask(() => sent());
  }

  pong(): void {
    // The relay keeps every channel of a program that lives.
  }

  close(code: number, reason: string): void {
    this.#end(code, reason);
  }

  terminate(): void {
    this.#end(1006, '');
  }

  /** The connection to the relay is lost. */
  lose(): void {
    this.service.options.loop.schedule(0, () => this.#end(1006, 'connection lost'), this.program);
  }

  #giveUpHandshake(): void {
    if (this.readyState !== readyStates.connecting) return;
    this.emit('error', new Error('Opening handshake has timed out'));
    this.#end(1006, '');
  }

  #end(code: number, reason: string): void {
    if (this.readyState === readyStates.closed) return;
    this.readyState = readyStates.closed;
    this.service.closed(this);
    this.service.options.loop.schedule(0, () => this.emit('close', code, Buffer.from(reason)), this.program);
  }
}
