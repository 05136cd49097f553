import { afterwards } from '../../../contracts/afterwards';
import { failed, failureOf, succeeded, type Failure, type Outcome } from '../../../contracts/failure';
import type { OperationOutput, PullSubject } from '../../../contracts/operations';
import { inOrder } from '../../in-order';
import { DiskError, valueOf } from '../failures';
import { BufferPool } from '../route/buffer-pool';
import { ContentWriter } from '../route/content-writer';
import { CopyUnderWay, type Copy } from '../route/copy-under-way';
import type { ContentFrame } from '../route/frames';
import type { RouteImages } from '../route/route-images';
import { writeBytesMax } from '../route/limits';
import { findResumption, type Resumption } from '../route/resumption';
import { whileReceiving } from '../route/ticking';
import { StagingError } from './block-store';
import { fetchPart, framesAfter, type FetchedPart } from './fetch-parts';
import { Limiter } from './limiter';
import { blocksSideBySide } from './limits';
import { contentBytesOf, endOfPart, type Segment, type StagedFrame, type StagedPart } from './manifest';
import { followedSegment } from './manifest-follower';
import { damaged, ManifestReader } from './manifest-reader';
import { PatientStore } from './patient-store';
import { applied, type StagedRequest } from './request';

export type FetchRequest = StagedRequest & {
  readonly subject: PullSubject;
  /** Where the copy is made. */
  readonly path: string;
  readonly journalPath: string;
  readonly images: RouteImages;
};

/** So much is made durable at once. */
const flushBytes = 16 * 1024 * 1024;
/** Content that was handed to the disk and is not written yet. More, and nothing further is taken in. */
const unwrittenBytesMax = 16 * 1024 * 1024;

/**
 * Makes a copy out of what the source has staged, following the manifest while it grows, and going on where an earlier attempt of this run
 * stopped. Each block is opened and checked before it is written; the watermark never passes what is durable.
 *
 * Failures, all with effect `applied`: what `PatientStore` throws; `StagedContentMissing`, `StagedContentDamaged`; `PeerUnreachable` when the
 * source stages nothing for too long; `SourceChanged`, `JournalDamaged`, `DiskFull`, `IoFailed` as with the direct route.
 */
export async function fetchContent(request: FetchRequest): Promise<Outcome<OperationOutput<'pull'>>> {
  const found = await findResumption(request);
  if (!found.ok) return failed(applied(found.failure));
  if (found.value.kind === 'finished') return succeeded(found.value.output);
  const fetching = new Fetching(request, found.value);
  try {
    return succeeded(await fetching.run());
  } catch (thrown) {
    if (thrown instanceof StagingError || thrown instanceof DiskError) return failed(applied(thrown.failure));
    throw thrown;
  }
}

/** One copy, from what earlier attempts left to its end. Throws `StagingError` and `DiskError`. */
class Fetching {
  readonly #request: FetchRequest;
  readonly #copy: CopyUnderWay;
  readonly #store: PatientStore;
  readonly #reader: ManifestReader;
  readonly #limiter: Limiter;
  readonly #pool = new BufferPool(writeBytesMax);
  #writer: ContentWriter | undefined;
  #failure: Failure | undefined;
  #written = Promise.withResolvers<undefined>();
  #storeWaits: string | null = null;
  #sourceWaits: string | null = null;

  constructor(request: FetchRequest, found: Exclude<Resumption, { kind: 'finished' }>) {
    this.#request = request;
    this.#copy = new CopyUnderWay(request, found);
    this.#store = new PatientStore({ ...request, onWait: (reason) => void (this.#storeWaits = reason) });
    this.#reader = new ManifestReader(this.#store, request.keys, request);
    this.#limiter = new Limiter(request);
  }

  /** Closes the journal and the copy in the end, when nothing is on its way to the disk any more. */
  async run(): Promise<OperationOutput<'pull'>> {
    const { clock, pace } = this.#request;
    const flushOlderThan = (ms: number): void => this.#writer?.flushOlderThan(ms);
    const beside = { flushOlderThan, report: () => this.#report() };
    try {
      return await whileReceiving(clock, pace, beside, () => afterwards(this.#fetch(), () => this.#settle()));
    } finally {
      await this.#close();
    }
  }

  async #fetch(): Promise<OperationOutput<'pull'>> {
    const onWait = (reason: string | null): void => void (this.#sourceWaits = reason);
    for (;;) {
      const segment = await followedSegment({ ...this.#request, reader: this.#reader, onWait });
      await this.#prepare();
      await this.#take(segment);
      if (segment.isLast) return this.#finish(segment);
    }
  }

  /** Makes or takes up the copy once the manifest says of what. */
  async #prepare(): Promise<void> {
    const { head } = this.#reader;
    if (this.#writer !== undefined || head === undefined) return;
    this.#writer = this.#writerOf(valueOf(await this.#copy.takeUp(head)));
  }

  #writerOf({ target, beginning }: Copy): ContentWriter {
    return new ContentWriter({
      path: this.#request.path,
      target,
      facts: beginning.facts,
      journal: this.#copy.journal,
      pool: this.#pool,
      flushBytes,
      clock: this.#request.clock,
      onDurable: () => undefined,
      onWritten: () => this.#wake(),
      onFailure: (failure) => {
        this.#failure = failure;
        this.#wake();
      },
    });
  }

  #wake(): void {
    this.#written.resolve(undefined);
    this.#written = Promise.withResolvers();
  }

  /** Fetches the blocks of a segment, some ahead, and hands them over in their order. */
  async #take({ parts }: Segment): Promise<void> {
    const fromBytes = this.#writer?.position.watermarkBytes ?? 0;
    const wanted = parts.filter((part) => endOfPart(part) > fromBytes);
    for await (const fetched of inOrder(wanted, blocksSideBySide, (part) => this.#fetchPart(part)))
      await this.#handOver(fetched, fromBytes);
  }

  async #fetchPart(part: StagedPart): Promise<FetchedPart> {
    if (part.address !== null) await this.#limiter.take(contentBytesOf(part));
    this.#mayGoOn();
    return fetchPart(this.#store, this.#request.keys, part);
  }

  async #handOver(fetched: FetchedPart, fromBytes: number): Promise<void> {
    const writer = this.#writer;
    if (writer === undefined) throw new Error('a segment comes after the first one, which made the writer');
    for (const { frame, bytes } of framesAfter(fetched, fromBytes)) {
      while (this.#pool.inUseBytes > unwrittenBytesMax && this.#failure === undefined) await this.#written.promise;
      this.#mayGoOn();
      const refused = writer.accept(this.#frameOf(frame, bytes));
      if (refused !== undefined) {
        const what =
          refused.kind === 'mismatch'
            ? `the block at offset ${refused.offsetBytes} is not the one that was read`
            : refused.reason;
        throw damaged(`the manifest of ${this.#request.path} cannot be followed: ${what}`);
      }
    }
  }

  #frameOf(frame: StagedFrame, bytes: Buffer): ContentFrame {
    if (frame.kind !== 'data') return frame;
    const own = this.#pool.take(bytes.length);
    bytes.copy(own);
    return { kind: 'data', offsetBytes: frame.offsetBytes, digest: Buffer.from(frame.digest, 'hex'), bytes: own };
  }

  #mayGoOn(): void {
    if (this.#failure !== undefined) throw new DiskError(this.#failure);
    if (this.#request.signal.aborted) {
      const message = `the copy to ${this.#request.path} was canceled`;
      throw new StagingError(failureOf('CanceledByOperator', { message }));
    }
  }

  async #finish({ after }: Segment): Promise<OperationOutput<'pull'>> {
    const writer = this.#writer;
    if (writer?.isWhole(after.digest) !== true)
      throw damaged(`${this.#request.path}: the digest of all blocks is not the one of the source host`);
    writer.acceptEnd();
    await writer.settle();
    this.#mayGoOn();
    await this.#copy.finish();
    const { mark, received } = this.#copy.journal.content;
    const { sentBytes } = received;
    const { digest, dataBytes, zeroBytes } = mark;
    const { path } = this.#request;
    const output = { path, digest, dataBytes, sentBytes, resentBytes: sentBytes - dataBytes, zeroBytes };
    await this.#copy.journal.finish(output);
    return output;
  }

  /** What was accepted becomes durable even when nothing more comes: it is not fetched again then. */
  async #settle(): Promise<void> {
    if (this.#failure === undefined) await this.#writer?.settle();
  }

  async #close(): Promise<void> {
    await this.#writer?.stop();
    this.#pool.close();
    await this.#copy.close();
  }

  #report(): void {
    const { mark, received, beginning } = this.#copy.journal.content;
    const position = this.#writer?.position ?? mark;
    const { sentBytes: sent } = this.#writer?.received ?? received;
    const bytesDone = position.dataBytes + position.zeroBytes;
    this.#request.report({
      bytesDone,
      bytesTotal: Math.max(bytesDone, beginning?.extentBytes ?? 0),
      // Blocks come whole: whoever follows `bytesDone` knows as much.
      bytesPerSecond: 0,
      watermarkBytes: mark.watermarkBytes,
      digestSoFar: mark.digest,
      resentBytes: sent - position.dataBytes,
      waitingFor: this.#storeWaits ?? this.#sourceWaits,
    });
  }
}
