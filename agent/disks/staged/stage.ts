import { failed, failureOf, succeeded, type Outcome } from '../../../contracts/failure';
import { DiskError, valueOf } from '../failures';
import { differenceOf, sizeBytesOf, type SourceContent } from '../route/content';
import { cutsOf } from '../route/cuts';
import type { Mark } from '../route/journal-records';
import { extentBytesOf, stillTheSame } from '../route/source-facts';
import { whileTicking } from '../route/ticking';
import { blockName, StagingError } from './block-store';
import type { BlocksUnderWay } from './blocks-under-way';
import { chunksOf } from './chunks';
import { blocksSideBySide, segmentMsOf } from './limits';
import { Limiter } from './limiter';
import { endOfPart, type Segment } from './manifest';
import { ManifestReader } from './manifest-reader';
import { ManifestWriter } from './manifest-writer';
import { PatientStore } from './patient-store';
import { applied, type StagedRequest } from './request';
import { sealBlock } from './sealed-block';
import { SideBySide } from './side-by-side';
import { ChunkReader, readAgain, type ReadChunk } from './stage-chunk';

export type StageRequest = StagedRequest & {
  /** Opens the file, as often as it is called. */
  readonly open: () => Promise<Outcome<SourceContent>>;
  readonly underWay: BlocksUnderWay;
  /** 12 bytes that never come twice. */
  readonly newNonce: () => Uint8Array;
};

export type StageOutput = {
  /** The same as that of the copy at the destination. */
  readonly digest: string;
  readonly dataBytes: number;
  readonly zeroBytes: number;
  /** Of the data: what was put for this file, since nothing of the batch had put it before. */
  readonly putBytes: number;
};

/**
 * Stages a file: puts each block that storage does not have, and writes down in a manifest which blocks make up the file, going on where an
 * earlier attempt of this run stopped. All state is in storage. Blocks that an earlier attempt put are looked for again from the ledger's
 * watermark on, and put again if storage lost them.
 *
 * Failures, all with effect `applied`: what `PatientStore` throws, `SourceChanged`, and what reading the source gives.
 */
export async function stageContent(request: StageRequest): Promise<Outcome<StageOutput>> {
  const opened = await request.open();
  if (!opened.ok) return failed(applied(opened.failure));
  try {
    return succeeded(await new Staging(request, opened.value).run());
  } catch (thrown) {
    if (thrown instanceof StagingError || thrown instanceof DiskError) return failed(applied(thrown.failure));
    throw thrown;
  } finally {
    await opened.value.close();
  }
}

class Staging {
  readonly #request: StageRequest;
  readonly #content: SourceContent;
  readonly #store: PatientStore;
  readonly #limiter: Limiter;
  readonly #lanes = new SideBySide(blocksSideBySide);
  #waitingFor: string | null = null;
  #extentBytes = 0;
  /** What is known to be in storage, and zeros that were passed. */
  #doneBytes = 0;

  constructor(request: StageRequest, content: SourceContent) {
    this.#request = request;
    this.#content = content;
    this.#store = new PatientStore({ ...request, onWait: (reason) => void (this.#waitingFor = reason) });
    this.#limiter = new Limiter(request);
  }

  run(): Promise<StageOutput> {
    const { clock, pace } = this.#request;
    const tick = (): void => this.#report();
    return whileTicking(clock, pace.reportMs, tick, async () => {
      try {
        return await this.#stage();
      } finally {
        await this.#lanes.end();
      }
    });
  }

  async #stage(): Promise<StageOutput> {
    const { facts } = this.#content;
    const reader = new ManifestReader(this.#store, this.#request.keys, this.#request);
    await this.#goOver(reader);
    if (reader.isOver) return outputOf(reader.position, reader.putBytes);
    const head = reader.head ?? { facts, extentBytes: extentBytesOf(this.#content) };
    this.#extentBytes = head.extentBytes;
    const { number, position, putBytes } = reader;
    const writer = new ManifestWriter({
      ...this.#request,
      store: this.#store,
      of: this.#request,
      head,
      number,
      position,
      putBytes,
    });
    try {
      return await this.#goOn(writer, position);
    } finally {
      await this.#lanes.end();
      await writer.end();
    }
  }

  /** What earlier attempts staged: is it of the same source, and is it there still? */
  async #goOver(reader: ManifestReader): Promise<void> {
    for (let segment = await reader.next(); segment !== undefined; segment = await reader.next()) {
      const difference = segment.head === null ? undefined : differenceOf(segment.head.facts, this.#content.facts);
      if (difference !== undefined) throw changed(`the source is another than the one that was staged: ${difference}`);
      this.#extentBytes = reader.head?.extentBytes ?? 0;
      await this.#makeSure(segment);
      this.#doneBytes = contentBytesAt(reader.position);
    }
    await this.#lanes.settle();
  }

  /** Puts again what storage does not have of a segment that an earlier attempt wrote, unless the destination has it. */
  async #makeSure({ parts }: Segment): Promise<void> {
    const fromBytes = this.#request.ledgerWatermarkBytes ?? 0;
    for (const part of parts) {
      const { address } = part;
      if (address === null || endOfPart(part) <= fromBytes) continue;
      await this.#lanes.begin(async () => {
        if (await this.#store.has(blockName(address))) return;
        await this.#put(address, await readAgain(this.#content, part));
      });
    }
  }

  async #goOn(writer: ManifestWriter, from: Mark): Promise<StageOutput> {
    const { clock, pace, open } = this.#request;
    const chunks = new ChunkReader(this.#content, from);
    let openedMs = clock.now();
    let countedBytes = contentBytesAt(from);
    const cuts = cutsOf(this.#content.extents(from.watermarkBytes), from.watermarkBytes);
    for (const chunk of chunksOf(cuts)) {
      const read = await chunks.read(chunk);
      const { address, put } = await this.#begin(read);
      this.#countWhenThere(put, contentBytesAt(chunks.mark) - countedBytes);
      countedBytes = contentBytesAt(chunks.mark);
      if (read.frames.length > 0) writer.add({ address, frames: read.frames }, put, chunks.mark);
      if (writer.isFull || clock.now() - openedMs >= segmentMsOf(pace, writer.number)) {
        passOver(writer, chunks);
        if (!writer.isEmpty) await writer.close();
        openedMs = clock.now();
      }
    }
    passOver(writer, chunks);
    await this.#lanes.settle();
    valueOf(await stillTheSame(this.#content, open));
    const end: Mark = { ...chunks.mark, watermarkBytes: sizeBytesOf(this.#content.facts) };
    await writer.finish(end);
    this.#doneBytes = contentBytesAt(end);
    return outputOf(end, writer.putBytes);
  }

  /** Long before a segment says so: who looks sees how fast it goes. A put that fails ends the operation, so it is counted nowhere. */
  #countWhenThere(put: Promise<number>, bytes: number): void {
    put.then(
      () => (this.#doneBytes += bytes),
      () => undefined,
    );
  }

  /** Begins to put the block of a chunk, when there is a place for that. `put` answers how many bytes storage did not have. */
  async #begin({ block }: ReadChunk): Promise<{ readonly address: string | null; readonly put: Promise<number> }> {
    if (block === undefined) return { address: null, put: Promise.resolve(0) };
    const { content, digest } = block;
    const address = this.#request.keys.addressOf(digest, content.length);
    const put = Promise.withResolvers<number>();
    // Told by the lanes, whether anybody waits for this one or not.
    put.promise.catch(() => undefined);
    await this.#lanes.begin(async () => {
      try {
        put.resolve((await this.#putUnlessThere(address, content)) ? content.length : 0);
      } catch (thrown) {
        put.reject(thrown);
        throw thrown;
      }
    });
    return { address, put: put.promise };
  }

  #putUnlessThere(address: string, content: Buffer): Promise<boolean> {
    const { underWay, access } = this.#request;
    return underWay.once(access.current.containerUrl, address, async () => {
      if (await this.#store.has(blockName(address))) return false;
      return (await this.#put(address, content)) === 'put';
    });
  }

  async #put(address: string, content: Buffer): Promise<'put' | 'there'> {
    await this.#limiter.take(content.length);
    return this.#store.put(blockName(address), sealBlock(this.#request.keys, address, content));
  }

  #report(): void {
    this.#request.report({
      bytesDone: this.#doneBytes,
      bytesTotal: Math.max(this.#doneBytes, this.#extentBytes),
      // Blocks come whole: whoever follows `bytesDone` knows as much.
      bytesPerSecond: 0,
      waitingFor: this.#waitingFor,
    });
  }
}

function passOver(writer: ManifestWriter, chunks: ChunkReader): void {
  const frames = chunks.pass();
  if (frames.length > 0) writer.add({ address: null, frames }, Promise.resolve(0), chunks.mark);
}

const contentBytesAt = ({ dataBytes, zeroBytes }: Mark): number => dataBytes + zeroBytes;

const outputOf = ({ digest, dataBytes, zeroBytes }: Mark, putBytes: number): StageOutput => ({
  digest,
  dataBytes,
  zeroBytes,
  putBytes,
});

const changed = (message: string): StagingError => new StagingError(failureOf('SourceChanged', { message }));
