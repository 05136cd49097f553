import { blake3 } from '@napi-rs/blake-hash';
import { rename, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { failureOf, type Outcome } from '../../../contracts/failure';
import { syncFolder } from '../../files';
import type { WorkProgress } from '../digest';
import { piecesOf } from '../disk-segments';
import { DiskError, ioError, isMissing, outcomeOf, valueOf } from '../failures';
import { nodeFiles } from '../file';
import type { Extent, WritableImage } from '../image';
import { partialPathOf, readCopyJournal, removeCopyJournal, writeCopyJournal, type CopyRecord } from './copy-journal';

/** What is copied: what there is of it, and how to read it. */
export type CopySource = {
  readonly virtualSizeBytes: number;
  /** Ascending, clipped at `fromBytes`. `zero`: to be written as zeros, since something below would show otherwise. */
  extents(fromBytes: number): Iterable<Extent>;
  read(target: Uint8Array, offsetBytes: number): Promise<void>;
  /** Changes when the source, or what is to be made of it, does. */
  readonly identity: string;
};

/** How the copy is made and opened again. Neither may touch any other file than the one at the path. */
export type CopyTarget = {
  readonly path: string;
  /** Whether what is not written shows something else than zeros. */
  readonly hasParent: boolean;
  create(path: string): Promise<Outcome<WritableImage>>;
  open(path: string): Promise<Outcome<WritableImage>>;
};

export type Copied = {
  readonly dataBytes: number;
  readonly zeroBytes: number;
  /** From where an earlier copy was gone on with; 0 for one from the start. */
  readonly resumedFromBytes: number;
};

export type CopyOptions = {
  readonly source: CopySource;
  readonly target: CopyTarget;
  readonly signal: AbortSignal;
  readonly report: (progress: WorkProgress) => void;
};

const pieceBytes = 1024 * 1024;
/** How much is written before it is made durable, read back, and the watermark moves; so much is copied again after an interruption. */
const batchBytes = 64 * 1024 * 1024;
const zeros = Buffer.alloc(pieceBytes);

/**
 * Copies into `PATH.partial`, which gets its name when all of it is durable and was read back as it was written. Interrupted in any way,
 * the same call goes on from the last watermark. Blocks of zeros are not written where nothing would show below them.
 *
 * Failures: those of reading and writing; `DestinationOccupied` when the target is there, or something that no copy of ours began;
 * `SourceChanged` when the source is not the one that the copy began with; `DigestMismatch` when bytes do not read back as written;
 * `CanceledByOperator` when the signal ends it: the copy can be gone on with.
 */
export function copyImage(options: CopyOptions): Promise<Outcome<Copied>> {
  return outcomeOf(async () => {
    const { source, target } = options;
    if (await isThere(target.path)) throw occupied(target.path, 'Choose another name, or remove it.');
    const record = valueOf(await readCopyJournal(target.path)) ?? (await begin(options));
    if (record.identity !== source.identity) throw changed(target.path);
    const partial = partialPathOf(target.path);
    const isFresh = record.watermarkBytes === 0;
    if (isFresh) await nodeFiles.remove(partial);
    const image = valueOf(await (isFresh ? target.create(partial) : target.open(partial)));
    let copied: Copied;
    try {
      copied = await new Copy(options, image, record).run();
    } finally {
      await image.close();
    }
    await finish(target.path);
    return copied;
  });
}

async function isThere(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (thrown) {
    if (isMissing(thrown)) return false;
    throw ioError(thrown, 'looking at', path, 'none');
  }
}

function occupied(path: string, remedy: string): DiskError {
  return new DiskError(failureOf('DestinationOccupied', { message: `${path} is there already`, remedy }));
}

function changed(path: string): DiskError {
  const message = `${path}: the copy that was begun there is of another source, or the source has changed since`;
  const remedy = `Remove ${partialPathOf(path)} and ${partialPathOf(path)}.json, and copy again from the start.`;
  return new DiskError(failureOf('SourceChanged', { message, remedy }));
}

/** The journal before the file: what no journal names is nobody's of ours. */
async function begin({ source, target }: CopyOptions): Promise<CopyRecord> {
  const partial = partialPathOf(target.path);
  if (await isThere(partial)) throw occupied(partial, 'It is of no copy that can be gone on with: remove it.');
  const record: CopyRecord = { schema: 1, identity: source.identity, watermarkBytes: 0 };
  await writeCopyJournal(target.path, record);
  return record;
}

async function finish(path: string): Promise<void> {
  try {
    if (await isThere(path)) throw occupied(path, 'Somebody made it meanwhile: move it away and go on with the copy.');
    await rename(partialPathOf(path), path);
    await syncFolder(dirname(path));
  } catch (thrown) {
    throw ioError(thrown, 'naming the copy', path, 'applied');
  }
  await removeCopyJournal(path);
}

type ReadPiece = { readonly extent: Extent; readonly bytes: Buffer };
type WrittenPiece = { readonly offsetBytes: number; readonly lengthBytes: number; readonly digest: Buffer | 'zero' };

class Copy {
  readonly #options: CopyOptions;
  readonly #image: WritableImage;
  readonly #record: CopyRecord;
  readonly #buffers = [Buffer.allocUnsafe(pieceBytes), Buffer.allocUnsafe(pieceBytes)] as const;
  readonly #check = Buffer.allocUnsafe(pieceBytes);
  #reading: Promise<ReadPiece | undefined> = Promise.resolve(undefined);
  #written: WrittenPiece[] = [];
  #writtenBytes = 0;
  #dataBytes = 0;
  #zeroBytes = 0;

  constructor(options: CopyOptions, image: WritableImage, record: CopyRecord) {
    this.#options = options;
    this.#image = image;
    this.#record = record;
  }

  async run(): Promise<Copied> {
    try {
      await this.#copyAll();
    } finally {
      // A read that is under way must not outlive the files.
      await this.#reading.catch(() => undefined);
    }
    const { watermarkBytes } = this.#record;
    return { dataBytes: this.#dataBytes, zeroBytes: this.#zeroBytes, resumedFromBytes: watermarkBytes };
  }

  async #copyAll(): Promise<void> {
    const { source, report } = this.#options;
    let turn = 0;
    for (const extent of this.#pieces(this.#record.watermarkBytes)) {
      const before = await this.#reading;
      this.#reading = this.#read(extent, turn++);
      await this.#write(before);
      report({ bytesDone: extent.offsetBytes, bytesTotal: source.virtualSizeBytes });
      if (this.#options.signal.aborted) await this.#stop(extent);
      // The piece that is read is not written yet: the watermark ends before it.
      if (this.#writtenBytes >= batchBytes) await this.#settle(extent.offsetBytes);
    }
    await this.#write(await this.#reading);
    await this.#settle(source.virtualSizeBytes);
    report({ bytesDone: source.virtualSizeBytes, bytesTotal: source.virtualSizeBytes });
  }

  *#pieces(fromBytes: number): Generator<Extent> {
    for (const extent of this.#options.source.extents(fromBytes)) yield* piecesOf(extent, pieceBytes);
  }

  /** Reads a piece, while the one before it is written from the other buffer. */
  async #read(extent: Extent, turn: number): Promise<ReadPiece> {
    const buffer = turn % 2 === 0 ? this.#buffers[0] : this.#buffers[1];
    const bytes = buffer.subarray(0, extent.lengthBytes);
    if (extent.kind === 'data') await this.#options.source.read(bytes, extent.offsetBytes);
    return { extent, bytes };
  }

  async #write(piece: ReadPiece | undefined): Promise<void> {
    if (piece === undefined) return;
    const { offsetBytes, lengthBytes, kind } = piece.extent;
    const isZero = kind === 'zero' || piece.bytes.equals(zeros.subarray(0, lengthBytes));
    if (!isZero) {
      await this.#image.write(piece.bytes, offsetBytes);
      this.#dataBytes += lengthBytes;
      this.#written.push({ offsetBytes, lengthBytes, digest: blake3(piece.bytes) });
    } else {
      this.#zeroBytes += lengthBytes;
      if (this.#options.target.hasParent) await this.#image.writeZeros(offsetBytes, lengthBytes);
      this.#written.push({ offsetBytes, lengthBytes, digest: 'zero' });
    }
    this.#writtenBytes += lengthBytes;
  }

  /** Everything below is durable and reads back; from here an interrupted copy goes on. */
  async #settle(watermarkBytes: number): Promise<void> {
    await this.#image.flush();
    for (const { offsetBytes, lengthBytes, digest } of this.#written) {
      const bytes = this.#check.subarray(0, lengthBytes);
      await this.#image.read(bytes, offsetBytes);
      const isRight = digest === 'zero' ? bytes.equals(zeros.subarray(0, lengthBytes)) : blake3(bytes).equals(digest);
      if (isRight) continue;
      const message = `${this.#image.path}: bytes from ${offsetBytes} on do not read back as they were written`;
      throw new DiskError(failureOf('DigestMismatch', { message }));
    }
    this.#written = [];
    this.#writtenBytes = 0;
    await writeCopyJournal(this.#options.target.path, { ...this.#record, watermarkBytes });
  }

  /** Keeps what is done so far, and ends with the failure that says so. */
  async #stop(reading: Extent): Promise<never> {
    await this.#settle(reading.offsetBytes);
    const message = `the copy to ${this.#options.target.path} was stopped`;
    const remedy = 'Run the same command again: it goes on from where it was.';
    throw new DiskError(failureOf('CanceledByOperator', { message, effect: 'applied', remedy }));
  }
}
