import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { limitAt } from '../../../contracts/bandwidth';
import { describeThrown, failed, failureOf, type Failure, type Outcome } from '../../../contracts/failure';
import type { TicketClaims } from '../../../contracts/ticket';
import type { Clock } from '../../clock';
import type { Log } from '../../log';
import { DiskError } from '../failures';
import { admit, type AdmissionRules } from './admission';
import { batchBufferBytes } from './batches';
import { BufferPool } from './buffer-pool';
import type { Carrier } from './carrier';
import { peerCertificateSha256 } from './certificate-sha256';
import { alignmentBytesOf, sizeBytesOf, type SourceContent } from './content';
import { openSource, type Served } from './content-store';
import type { RouteImages } from './route-images';
import { FrameReader } from './frame-reader';
import type { AwaitedStreams } from './further-streams';
import { encodeFrame, fromDestination, type Frame } from './frames';
import { streamsMax, windowBytesMax, windowBytesOver, type RoutePace } from './limits';
import { LineSpeed } from './line-speed';
import { Packer } from './packing/packer';
import { zstd } from './packing/zstd';
import { Mailbox } from './mailbox';
import type { OpenMessage, StartMessage } from './messages';
import { SendWindow } from './send-window';
import { sendContent } from './sender';
import { ToldSeed } from './seed/told-seed';
import { extentBytesOf, stillTheSame } from './source-facts';
import { TokenBucket } from './token-bucket';
import { Wire } from './wire';

export type SessionOptions = Pick<AdmissionRules, 'appPublicKeys' | 'hostId'> & {
  readonly locate: (claims: TicketClaims) => Promise<Outcome<Served>>;
  readonly images: RouteImages;
  readonly clock: Clock;
  readonly log: Log;
  readonly pace: RoutePace;
  /** By default as the line needs it. */
  readonly windowBytes?: number | undefined;
  /** Whether one more session may serve. */
  readonly hasRoom: () => boolean;
  /** Where the further streams of its pulls arrive. */
  readonly awaited: AwaitedStreams;
};

/** A destination sends no data frames: `fromDestination` has none. */
const noData = { takeBuffer: (bytes: number) => Buffer.alloc(bytes), releaseBuffer: () => undefined };

/** One connection of a destination, from its handshake to the last byte. It never throws; what goes wrong is said to the peer and logged. */
export class Session {
  readonly #options: SessionOptions;
  readonly #wire: Wire;
  readonly #socket: TLSSocket;
  #window = new SendWindow(windowBytesMax);
  readonly #opened = new Mailbox<OpenMessage>();
  readonly #started = new Mailbox<StartMessage>();
  readonly #secured = new AbortController();
  #about: Readonly<Record<string, string>> = {};
  #isServing = false;
  #seed: ToldSeed | undefined;

  constructor(carrier: Carrier, socket: TLSSocket, options: SessionOptions) {
    this.#options = options;
    this.#socket = socket;
    const beganMs = options.clock.now();
    socket.once('secure', () => {
      // Since its first record came: in TLS 1.3 the peer's next one answers the source's (RFC 8446, 2), so that is once there and back.
      const delayMs = options.clock.now() - beganMs;
      this.#window = new SendWindow(options.windowBytes ?? windowBytesOver(delayMs));
      this.#secured.abort();
    });
    this.#wire = new Wire({
      carrier,
      socket,
      reader: new FrameReader(fromDestination, { ...noData, onFrame: (frame) => this.#heard(frame) }),
      clock: options.clock,
      pace: options.pace,
    });
  }

  /** Whether the peer was admitted. */
  get isServing(): boolean {
    return this.#isServing;
  }

  end(reason: string): void {
    this.#wire.end(reason);
  }

  async run(): Promise<void> {
    const { log } = this.#options;
    try {
      if (!(await this.#shakesHands())) return;
      const refusal = await this.#serve();
      if (refusal !== undefined) {
        log.warn('byte route refused or broke off', { ...this.#about, code: refusal.code, message: refusal.message });
        this.#wire.say({ kind: 'refusal', failure: refusal });
      }
      await this.#wire.endGently(refusal === undefined ? 'everything was sent' : 'refused');
    } catch (thrown) {
      log.error('byte route failed by a bug', { ...this.#about, message: describeThrown(thrown) });
    } finally {
      this.#wire.end('the session is over');
      log.info('byte route connection ended', { ...this.#about, reason: await this.#wire.ended });
    }
  }

  async #shakesHands(): Promise<boolean> {
    const { clock, pace, log } = this.#options;
    await clock.sleep(pace.helloMsMax, AbortSignal.any([this.#secured.signal, this.#wire.signal]));
    if (this.#secured.signal.aborted) return true;
    this.#wire.end(`no handshake within ${pace.helloMsMax} ms`);
    log.warn('byte route handshake failed', { message: await this.#wire.ended });
    return false;
  }

  #heard(frame: Frame): void {
    if (frame.kind === 'open' && this.#opened.put(frame.message)) return;
    if (frame.kind === 'start' && this.#started.put(frame.message)) return;
    if (frame.kind === 'watermark') {
      this.#window.durable(frame.atBytes);
      return;
    }
    if (frame.kind === 'told') {
      const wrong = this.#seed === undefined ? 'digests of a seed out of turn' : this.#seed.take(frame);
      if (wrong !== undefined) this.#wire.end(`the peer sent ${wrong}`);
      return;
    }
    if (frame.kind !== 'alive') this.#wire.end(`the peer sent "${frame.kind}" out of turn`);
  }

  /** Answers why the peer does not get everything; undefined when it did, or when it is gone. */
  async #serve(): Promise<Failure | undefined> {
    const { clock, pace, images, locate, log } = this.#options;
    const open = await this.#opened.take(pace.helloMsMax, clock, this.#wire.signal);
    if (open === undefined) return this.#late('a ticket');
    const admitted = this.#admit(open);
    if (!admitted.ok) return admitted.failure;
    this.#isServing = true;
    this.#wire.secured('goes');
    const { runId, subject, destinationHost } = admitted.value;
    this.#about = { runId, destinationHost, subject: JSON.stringify(subject) };
    const located = await locate(admitted.value);
    if (!located.ok) return located.failure;
    const { path } = located.value;
    const opened = await openSource(images, located.value, subject.type);
    if (!opened.ok) return opened.failure;
    log.info('byte route serves', { ...this.#about, path });
    const reopen = (): Promise<Outcome<SourceContent>> => openSource(images, located.value, subject.type);
    try {
      return await this.#transfer(opened.value, reopen);
    } catch (thrown) {
      if (thrown instanceof DiskError) return thrown.failure;
      throw thrown;
    } finally {
      await opened.value.close();
    }
  }

  #admit(open: OpenMessage): Outcome<TicketClaims> {
    const { appPublicKeys, hostId, clock, hasRoom } = this.#options;
    const shown = peerCertificateSha256(this.#socket);
    if (shown === undefined)
      return failed(failureOf('TicketInvalid', { message: 'the destination showed no certificate' }));
    const admitted = admit(open, shown, { appPublicKeys, hostId, nowMs: clock.now() });
    if (!admitted.ok || hasRoom()) return admitted;
    const message = `${hostId} serves as many transfers as it may; this one has to wait`;
    return failed(failureOf('PeerUnreachable', { message, effect: 'none' }));
  }

  async #transfer(content: SourceContent, reopen: () => Promise<Outcome<SourceContent>>): Promise<Failure | undefined> {
    const { clock, pace } = this.#options;
    const { facts } = content;
    this.#awaitStreams();
    const extentBytes = extentBytesOf(content);
    const windowBytes = this.#window.limitBytes;
    this.#wire.say({ kind: 'facts', message: { facts, extentBytes, windowBytes, streamsMax } });
    // The destination opens or makes its file before it answers, which may take as long as its disk does.
    const start = await this.#started.take(pace.silenceMsMax * 10, clock, this.#wire.signal);
    if (start === undefined) return this.#late('a start');
    if (start.fromBytes > sizeBytesOf(facts) || start.fromBytes % alignmentBytesOf(facts) !== 0)
      return failureOf('RequestInvalid', { message: `the content has no offset ${start.fromBytes}` });
    const { bandwidthBytesPerSecondMax: bytesPerSecondMax, bandwidthHours: hours } = start;
    const line = new LineSpeed(clock);
    const packer = start.unpacks.includes(zstd) ? new Packer(line, clock) : undefined;
    if (start.hasSeed)
      this.#seed = new ToldSeed(sizeBytesOf(facts), (fromBytes) => this.#wire.say({ kind: 'ask', fromBytes }));
    const pool = new BufferPool(batchBufferBytes);
    const sending = sendContent({
      content,
      start,
      wire: this.#wire,
      window: this.#window,
      bucket: new TokenBucket((nowMs) => limitAt({ bytesPerSecondMax, hours }, nowMs), clock),
      line,
      pool,
      seed: this.#seed,
      ...(packer === undefined ? {} : { pack: (bytes: Uint8Array) => packer.pack(bytes) }),
    });
    const digest = await sending.finally(() => pool.close());
    if (digest === undefined) return undefined;
    const unchanged = await stillTheSame(content, reopen);
    if (!unchanged.ok) return unchanged.failure;
    await this.#wire.sendLast(encodeFrame({ kind: 'end', message: { digest } }));
    await this.#window.reached(sizeBytesOf(facts), this.#wire.signal);
    return undefined;
  }

  /** Before the destination hears of them, so that none comes before it is awaited. */
  #awaitStreams(): void {
    for (let stream = 1; stream < streamsMax; stream++) {
      const joined = (socket: Socket): void => this.#wire.sendOver(socket);
      const forget = this.#options.awaited.await(this.#wire.tokenOf(stream), joined);
      void this.#wire.ended.then(forget);
    }
  }

  #late(what: string): Failure | undefined {
    if (this.#wire.signal.aborted) return undefined;
    return failureOf('RequestInvalid', { message: `the destination did not send ${what} in time` });
  }
}
