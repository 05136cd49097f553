import { blake3 } from '@napi-rs/blake-hash';
import { failed, failureOf, succeeded, type Outcome } from '../../contracts/failure';
import type { WorkProgress } from './digest';
import { chainBroken, DiskError, outcomeOf, valueOf } from './failures';
import type { DiskFiles } from './file';
import { piecesOf } from './disk-segments';
import type { Extent, ReadableImage, WritableImage } from './image';
import { openStack } from './image-stack';
import { changeDataWriteId, openImage } from './open-image';

export type MergeOptions = {
  readonly childPath: string;
  /** The parent of the child, or with `between` an image further down in its chain. */
  readonly parentPath: string;
  /**
   * Where the images between the two are looked for: folders below which all of the chain must be. What they hold and the child does not
   * hide goes into the parent as well, in one pass.
   */
  readonly between?: { readonly roots: readonly string[] };
  /**
   * The id of the parent's content afterwards. `kept`: as it was, for a parent that others still know by it. `from-child`: that of the
   * child, whose content it has then; other children of the parent no longer accept it, those of the child do.
   */
  readonly parentDataWriteId: 'kept' | 'from-child';
  readonly newGuid: () => string;
  readonly signal: AbortSignal;
  readonly report: (progress: WorkProgress) => void;
  readonly files?: DiskFiles;
};

export type Merged = { readonly dataBytes: number; readonly zeroBytes: number };

/** How much is written before it is made durable and read back. */
const batchBytes = 64 * 1024 * 1024;
const batchPiecesMax = 4096;
const pieceBytes = 1024 * 1024;
/** Zeros go in the largest block that there is, so that the parent can let go of whole blocks. */
const zeroPieceBytes = 256 * 1024 * 1024;
const zeros = Buffer.alloc(pieceBytes);

/**
 * Writes what a differencing disk holds into its parent, data and zeros, and reads back what it wrote. The child stays as it is; the
 * parent keeps its id until everything is durable, so that after an interruption the chain opens and reads as before, and a repeat ends
 * in the same bytes, also after the end.
 *
 * Failures: those of `openImage`; `DiskChainBroken` when these two are not child and parent; `RequestInvalid` when their sizes differ;
 * `DigestMismatch` when the parent reads back otherwise; `CanceledByOperator` when the signal ends it.
 */
export function mergeIntoParent(options: MergeOptions): Promise<Outcome<Merged>> {
  const { parentPath, newGuid, files } = options;
  const withFiles = files === undefined ? {} : { files };
  return outcomeOf(async () => {
    const child = await openUpper(options);
    try {
      const merged = await mergeInto(child, options);
      if (options.parentDataWriteId === 'from-child')
        valueOf(await changeDataWriteId(parentPath, child.shape.dataWriteId, { newGuid, ...withFiles }));
      return merged;
    } finally {
      await child.close();
    }
  });
}

/** What is merged: the child alone, or all of its chain above the parent. */
async function openUpper({ childPath, parentPath, between, files }: MergeOptions): Promise<ReadableImage> {
  const withFiles = files === undefined ? {} : { files };
  if (between === undefined) return valueOf(await openImage(childPath, { access: 'read', ...withFiles }));
  return valueOf(await openStack(childPath, parentPath, { ...between, ...withFiles }));
}

async function mergeInto(child: ReadableImage, options: MergeOptions): Promise<Merged> {
  const { parentPath, newGuid, files } = options;
  const parent = valueOf(
    await openImage(parentPath, {
      access: 'write',
      tables: 'ordered',
      dataWriteId: 'kept',
      newGuid,
      ...(files !== undefined && { files }),
    }),
  );
  try {
    valueOf(checkPair(child, parent));
    return await new Merge(child, parent, options).run();
  } finally {
    await parent.close();
  }
}

function checkPair(child: ReadableImage, parent: WritableImage): Outcome<void> {
  const link = child.shape.parent;
  if (link === undefined) return chainBroken(`${child.path} is not a differencing disk`);
  // The child's own id is that of a parent into which it was merged already.
  const accepted = [link.dataWriteId, link.secondDataWriteId, child.shape.dataWriteId];
  if (!accepted.includes(parent.shape.dataWriteId))
    return chainBroken(`${child.path}: ${parent.path} is not its parent, or was written to since`);
  if (child.shape.virtualSizeBytes !== parent.shape.virtualSizeBytes)
    return failed(failureOf('RequestInvalid', { message: `${child.path} and ${parent.path} differ in virtual size` }));
  if (child.shape.logicalSectorSizeBytes !== parent.shape.logicalSectorSizeBytes)
    return chainBroken(`${child.path} and ${parent.path} differ in sector size`);
  return succeeded(undefined);
}

type DataPiece = { readonly kind: 'data'; readonly digest: Buffer } & Range;
type ZeroPiece = { readonly kind: 'zero' } & Range;
type Range = { readonly offsetBytes: number; readonly lengthBytes: number };

class Merge {
  readonly #child: ReadableImage;
  readonly #parent: WritableImage;
  readonly #options: MergeOptions;
  readonly #buffer = Buffer.allocUnsafe(pieceBytes);
  #unverified: (DataPiece | ZeroPiece)[] = [];
  #unverifiedBytes = 0;
  #dataBytes = 0;
  #zeroBytes = 0;

  constructor(child: ReadableImage, parent: WritableImage, options: MergeOptions) {
    this.#child = child;
    this.#parent = parent;
    this.#options = options;
  }

  async run(): Promise<Merged> {
    const { virtualSizeBytes } = this.#child.shape;
    for (const extent of this.#child.extents()) {
      for (const piece of piecesOf(extent, extent.kind === 'data' ? pieceBytes : zeroPieceBytes)) {
        this.#throwIfStopped();
        if (piece.kind === 'data') await this.#writeData(piece);
        else await this.#writeZeros(piece);
        if (this.#unverifiedBytes >= batchBytes || this.#unverified.length >= batchPiecesMax) await this.#verify();
        this.#options.report({ bytesDone: piece.offsetBytes + piece.lengthBytes, bytesTotal: virtualSizeBytes });
      }
    }
    await this.#verify();
    this.#options.report({ bytesDone: virtualSizeBytes, bytesTotal: virtualSizeBytes });
    return { dataBytes: this.#dataBytes, zeroBytes: this.#zeroBytes };
  }

  async #writeData({ offsetBytes, lengthBytes }: Extent): Promise<void> {
    const bytes = this.#buffer.subarray(0, lengthBytes);
    await this.#child.read(bytes, offsetBytes);
    await this.#parent.write(bytes, offsetBytes);
    this.#dataBytes += lengthBytes;
    this.#unverifiedBytes += lengthBytes;
    this.#unverified.push({ kind: 'data', offsetBytes, lengthBytes, digest: blake3(bytes) });
  }

  async #writeZeros({ offsetBytes, lengthBytes }: Extent): Promise<void> {
    await this.#parent.writeZeros(offsetBytes, lengthBytes);
    this.#zeroBytes += lengthBytes;
    this.#unverified.push({ kind: 'zero', offsetBytes, lengthBytes });
  }

  async #verify(): Promise<void> {
    await this.#parent.flush();
    for (const piece of this.#unverified) {
      this.#throwIfStopped();
      const isGood = piece.kind === 'data' ? await this.#readsAs(piece, piece.digest) : await this.#readsZero(piece);
      if (isGood) continue;
      const message = `${this.#parent.path}: bytes from ${piece.offsetBytes} on do not read back as they were written`;
      throw new DiskError(failureOf('DigestMismatch', { message }));
    }
    this.#unverified = [];
    this.#unverifiedBytes = 0;
  }

  async #readsAs({ offsetBytes, lengthBytes }: Range, digest: Buffer): Promise<boolean> {
    const bytes = this.#buffer.subarray(0, lengthBytes);
    await this.#parent.read(bytes, offsetBytes);
    return blake3(bytes).equals(digest);
  }

  /** Reads only what the parent holds as data; where it has a parent itself, it must hold the rest as zeros. */
  async #readsZero({ offsetBytes, lengthBytes }: Range): Promise<boolean> {
    let coveredBytes = 0;
    for (const extent of this.#parent.extents(offsetBytes, offsetBytes + lengthBytes)) {
      coveredBytes += extent.lengthBytes;
      if (extent.kind === 'zero') continue;
      for (const piece of piecesOf(extent, pieceBytes)) {
        const bytes = this.#buffer.subarray(0, piece.lengthBytes);
        await this.#parent.read(bytes, piece.offsetBytes);
        if (!bytes.equals(zeros.subarray(0, piece.lengthBytes))) return false;
      }
    }
    return this.#parent.shape.parent === undefined || coveredBytes === lengthBytes;
  }

  #throwIfStopped(): void {
    if (!this.#options.signal.aborted) return;
    const message = `the merge of ${this.#child.path} was stopped`;
    throw new DiskError(failureOf('CanceledByOperator', { message, effect: 'applied' }));
  }
}
