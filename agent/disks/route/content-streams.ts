import type { OnReadOpts, Socket } from 'node:net';
import type { Clock } from '../../clock';
import type { Carrier } from './carrier';
import { IncomingContent } from './incoming-content';
import { OutgoingContent } from './outgoing-content';
import { incomingStream, outgoingStream, type RecordStream } from './record-stream';
import { Opener, Sealer, type ContentKeys } from './sealing';

export type ContentStreamsEvents = {
  /** Bytes came over a further stream, whatever they are. */
  readonly onBytes: () => void;
  /** A further stream is of no use any more. */
  readonly onEnded: (reason: string) => void;
};

/** Everything that the content of one pull goes over, at either end: its connection and the further streams that belong to it. */
export class ContentStreams {
  readonly #carrier: Carrier;
  readonly #clock: Clock;
  readonly #events: ContentStreamsEvents;
  readonly #further: RecordStream[] = [];
  #incoming: IncomingContent | undefined;
  #outgoing: OutgoingContent | undefined;

  constructor(carrier: Carrier, clock: Clock, events: ContentStreamsEvents) {
    this.#carrier = carrier;
    this.#clock = clock;
    this.#events = events;
  }

  /** Content goes out from now on. */
  send(keys: ContentKeys): void {
    this.#outgoing = new OutgoingContent(new Sealer(keys), this.#carrier);
  }

  /** Content comes from now on; `give` gets it in its order, and its memory is taken back when it returns. */
  receive(keys: ContentKeys, give: (pieces: readonly Buffer[]) => void): void {
    this.#incoming = new IncomingContent(new Opener(keys), this.#clock, give);
    this.#carrier.takeSealed(this.#incoming.stream());
  }

  /** Content goes over this socket as well, which has said the token of a further stream. */
  sendOver(socket: Socket): void {
    if (this.#outgoing === undefined) throw new Error('content is sent after the handshake');
    // What is given to a socket that has ended is taken at once, so that it would get everything.
    const stream = outgoingStream(socket, (reason) => {
      leave();
      this.#events.onEnded(reason);
    });
    const leave = this.#outgoing.add(stream);
    this.#further.push(stream);
  }

  /** Content comes over one more socket, which `open` gives. */
  receiveOver(token: Uint8Array, open: (onread: OnReadOpts) => Socket): void {
    if (this.#incoming === undefined) throw new Error('content is received after the handshake');
    this.#further.push(incomingStream(open, token, { ...this.#events, onSealed: this.#incoming.stream() }));
  }

  get outgoing(): OutgoingContent | undefined {
    return this.#outgoing;
  }

  /** For how long content that has come waits for some that has not; 0 when none waits. */
  get stuckMs(): number {
    return this.#incoming?.stuckMs ?? 0;
  }

  pause(): void {
    for (const stream of [this.#carrier, ...this.#further]) stream.pause();
  }

  /** Time has passed in which nothing was taken. */
  passed(): void {
    this.#incoming?.goOn();
  }

  resume(): void {
    this.passed();
    for (const stream of [this.#carrier, ...this.#further]) stream.resume();
  }

  destroy(): void {
    for (const stream of [this.#carrier, ...this.#further]) stream.destroy();
    this.#incoming?.abandon();
  }
}
