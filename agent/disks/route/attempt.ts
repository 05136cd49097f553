import { failureOf, type Failure, type Outcome } from '../../../contracts/failure';
import type { BufferPool } from './buffer-pool';
import { sizeBytesOf } from './content';
import type { ContentWriter } from './content-writer';
import type { ContentFrame, Frame } from './frames';
import { bytesDoneAt, type Mark } from './journal-records';
import type { StreamsWanted } from './limits';
import { Mailbox } from './mailbox';
import type { FactsMessage } from './messages';
import { zstd } from './packing/zstd';
import type { PullRequest } from './pull-request';
import type { SeedTeller } from './seed/seed-teller';
import type { SeedUse } from './seed/seed-use';
import { connectToSource, openFurtherStreams } from './source-connection';
import type { LostConnection } from './stream-plan';
import type { Wire } from './wire';

/** Memory for content that has come in and is not written yet. More, and the source has to wait. */
const receiveBytesMax = 16 * 1024 * 1024;
/** The same for small frames, of which many fit into little memory. */
const pendingWritesMax = 256;

export type AttemptOptions = {
  readonly request: PullRequest;
  readonly pool: BufferPool;
  readonly seed: SeedUse;
  readonly streams: StreamsWanted;
  /** Takes what the source says it serves, and answers who writes it. */
  readonly prepare: (facts: FactsMessage) => Promise<Outcome<ContentWriter>>;
};

export type AttemptEnd =
  /** Everything has come and was accepted; it is not durable yet. */
  | { readonly kind: 'complete' }
  | { readonly kind: 'failed'; readonly failure: Failure }
  | { readonly kind: 'lost'; readonly reason: string }
  /** Blocks that were accepted cannot be had of the seed: what is not durable is to come again, without it. */
  | { readonly kind: 'seed-failed'; readonly reason: string }
  /** A block came damaged. */
  | { readonly kind: 'mismatch'; readonly offsetBytes: number };

/** One connection of a pull: it opens, asks, and hands frames to the writer until everything has come or something ends it. */
export class Attempt {
  readonly #options: AttemptOptions;
  readonly #facts = new Mailbox<FactsMessage>();
  readonly #ended = Promise.withResolvers<AttemptEnd>();
  #isOver = false;
  #wire: Wire | undefined;
  #writer: ContentWriter | undefined;
  #teller: SeedTeller | undefined;
  #streams = 1;

  constructor(options: AttemptOptions) {
    this.#options = options;
  }

  /** Resolves when this connection can bring nothing more. A complete one stays open until `close`. */
  async run(): Promise<AttemptEnd> {
    const { peer, clientCertificate, clock, pace, signal } = this.#options.request;
    const sink = {
      takeBuffer: (bytes: number) => this.#options.pool.take(bytes),
      releaseBuffer: (buffer: Buffer) => this.#options.pool.release(buffer),
      onFrame: (frame: Frame) => this.#heard(frame),
    };
    const connected = await connectToSource({ peer, clientCertificate, sink, clock, pace, signal });
    switch (connected.kind) {
      case 'lost':
        return connected;
      case 'stranger': {
        const shown = connected.certificateSha256 ?? 'none';
        const message = `${peer.address}:${peer.port} shows the certificate ${shown}, not that of the source host`;
        return { kind: 'failed', failure: failureOf('PeerUnreachable', { message }) };
      }
      case 'connected':
        this.#wire = connected.wire;
        void connected.wire.ended.then((reason) => this.#end({ kind: 'lost', reason }));
        return this.#ask(connected.wire);
    }
  }

  /** Whether streams were opened beside its connection, and whether it ended by one. */
  get furtherStreams(): Pick<LostConnection, 'hadFurther' | 'byFurther'> {
    return { hadFurther: this.#streams > 1, byFurther: this.#wire?.streamFailed ?? false };
  }

  /** Of a block that has come in part, and is of use when the rest has. */
  get arrivingBytes(): number {
    return this.#isOver ? 0 : (this.#wire?.arrivingBytes ?? 0);
  }

  /** Nothing more can be written: the connection is of no use. */
  fail(failure: Failure): void {
    this.#end({ kind: 'failed', failure });
  }

  /** What the source takes to be in the seed is not there. */
  seedFailed(reason: string): void {
    this.#end({ kind: 'seed-failed', reason });
  }

  /** Tells the source up to where the copy is durable. */
  tellDurable(mark: Mark): void {
    this.#wire?.say({ kind: 'watermark', atBytes: mark.watermarkBytes });
  }

  /** A write has ended: there may be room again for what the source sends. */
  goOn(): void {
    if (this.#wire?.isPaused === true && !this.#isFull(receiveBytesMax / 2, pendingWritesMax / 2)) this.#wire.resume();
  }

  /** Ends a complete connection. What was said last gets to the source. */
  async close(): Promise<void> {
    await this.#wire?.endGently('everything is durable');
  }

  /** Ends the connection, whatever state it is in. */
  abandon(): void {
    this.#wire?.end('the pull is over');
  }

  async #ask(wire: Wire): Promise<AttemptEnd> {
    const { runId, ticket, clock, pace } = this.#options.request;
    wire.say({ kind: 'open', message: { contract: 1, runId, ticket } });
    const facts = await this.#facts.take(pace.helloMsMax, clock, wire.signal);
    if (facts === undefined) wire.end(`no answer to the ticket after ${pace.helloMsMax} ms`);
    else await this.#start(wire, facts);
    const ended = await this.#ended.promise;
    if (ended.kind !== 'complete') wire.end(ended.kind);
    await this.#teller?.stop();
    return ended;
  }

  async #start(wire: Wire, facts: FactsMessage): Promise<void> {
    const prepared = await this.#options.prepare(facts);
    if (!prepared.ok) {
      this.#end({ kind: 'failed', failure: prepared.failure });
      return;
    }
    this.#writer = prepared.value;
    const { watermarkBytes, digest } = this.#writer.position;
    const { bandwidthBytesPerSecondMax, bandwidthHours = null, peer } = this.#options.request;
    this.#teller = this.#options.seed.teller(sizeBytesOf(facts.facts), (told) =>
      wire.deliver({ kind: 'told', ...told }),
    );
    const wanted = { fromBytes: watermarkBytes, digest, hasSeed: this.#teller !== undefined, unpacks: [zstd] };
    wire.say({ kind: 'start', message: { ...wanted, bandwidthBytesPerSecondMax, bandwidthHours } });
    const restBytes = facts.extentBytes - bytesDoneAt(this.#writer.position);
    const { max, bytesEachMin } = this.#options.streams;
    this.#streams = Math.min(max, facts.streamsMax, Math.floor(restBytes / bytesEachMin));
    openFurtherStreams(wire, peer, this.#streams);
  }

  #heard(frame: Frame): void {
    if (this.#isOver) {
      this.#drop(frame);
      return;
    }
    switch (frame.kind) {
      case 'alive':
        return;
      case 'facts':
        if (!this.#facts.put(frame.message)) this.#violated('facts twice');
        return;
      case 'refusal': {
        this.#refused(frame.failure);
        return;
      }
      case 'ask': {
        if (this.#teller?.ask(frame.fromBytes) !== true) this.#violated('a question about a seed out of turn');
        return;
      }
      case 'data':
      case 'compact':
      case 'zero':
      case 'skip': {
        this.#take(frame);
        return;
      }
      case 'end': {
        this.#complete(frame.message.digest);
        return;
      }
      case 'open':
      case 'start':
      case 'told':
      case 'watermark': {
        this.#violated(`"${frame.kind}"`);
        return;
      }
    }
  }

  #take(frame: ContentFrame): void {
    if (this.#writer === undefined) {
      this.#drop(frame);
      this.#violated('content before it was asked');
      return;
    }
    const refused = this.#writer.accept(frame);
    if (refused?.kind === 'violation') {
      this.#violated(refused.reason);
      return;
    }
    if (refused !== undefined) {
      this.#end(refused);
      return;
    }
    if (this.#isFull(receiveBytesMax, pendingWritesMax)) this.#wire?.pause();
  }

  #complete(digest: string): void {
    if (this.#writer === undefined) {
      this.#violated('an end before it was asked');
      return;
    }
    if (this.#writer.isWhole(digest)) {
      this.#writer.acceptEnd();
      this.#end({ kind: 'complete' });
      return;
    }
    const message = `${this.#options.request.path}: the digest of all blocks is not the one of the source host`;
    this.#end({ kind: 'failed', failure: failureOf('DigestMismatch', { message }) });
  }

  /** A source that has no seat free is asked again later; every other refusal is for somebody above to decide on. */
  #refused(failure: Failure): void {
    if (failure.code === 'PeerUnreachable') this.#end({ kind: 'lost', reason: failure.message });
    else this.#end({ kind: 'failed', failure });
  }

  #violated(what: string): void {
    this.#end({ kind: 'lost', reason: `the source sent ${what}` });
  }

  #end(ended: AttemptEnd): void {
    this.#isOver = true;
    this.#ended.resolve(ended);
  }

  #drop(frame: Frame): void {
    if (frame.kind === 'data') this.#options.pool.release(frame.bytes);
  }

  #isFull(bytes: number, writes: number): boolean {
    return this.#options.pool.inUseBytes > bytes || (this.#writer?.pendingWrites ?? 0) > writes;
  }
}
