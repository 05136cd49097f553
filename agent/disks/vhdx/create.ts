import { afterwards } from '../../../contracts/afterwards';
import { failed, failureOf, succeeded, type Outcome } from '../../../contracts/failure';
import { DiskError, outcomeOf } from '../failures';
import { nodeFiles, type DiskFile } from '../file';
import type { ImageShape, WritableImage } from '../image';
import { blockState, entryBytes, entryHigh, entryLow, geometryOf, payloadIndex, type Geometry } from './bat';
import { encodeHeader, encodeIdentifier } from './header';
import { isGuid, zeroGuid } from './guid';
import { headerAreaLength, headerOffsets, identifierOffset, newLogBytes, regionTableOffsets } from './layout';
import { checkSizes, encodeMetadata } from './metadata';
import { mib, roundUp } from './numbers';
import { openVhdx, type VhdxWriteOptions } from './open';
import { encodeRegionTable } from './region-table';

const metadataLengthBytes = mib;

/** How a new image is written to afterwards; the same as for opening one. */
export type VhdxCreateOptions = Omit<VhdxWriteOptions, 'access'>;

/**
 * Makes a new VHDX of this shape and opens it for writing. The ids of the shape are taken over, so that a copy of a base has the
 * identity that its children look for. A fixed image has all its blocks in place, as a sparse file where the file system knows such.
 * Until it is complete the file does not carry the signature of a VHDX; when making it fails, it is removed.
 *
 * Failures: `RequestInvalid` for a shape that no VHDX can have, `DestinationOccupied` when the file is there, `DiskFull`, `IoFailed`.
 */
export async function createVhdx(
  path: string,
  shape: ImageShape,
  options: VhdxCreateOptions,
): Promise<Outcome<WritableImage>> {
  const checked = checkShape(shape);
  if (!checked.ok) return checked;
  const files = options.files ?? nodeFiles;
  const made = await outcomeOf(async () => {
    const file = await files.create(path);
    try {
      await afterwards(build(file, shape, options.newGuid()), () => file.close());
      await files.syncFolderOf(path);
    } catch (thrown) {
      if (thrown instanceof DiskError) await files.remove(path);
      throw thrown;
    }
  });
  return made.ok ? openVhdx(path, { ...options, access: 'write' }) : made;
}

const invalid = (message: string) => failed(failureOf('RequestInvalid', { message: `the image to create ${message}` }));

function checkShape(shape: ImageShape): Outcome<void> {
  const sizes = checkSizes(shape);
  if (!sizes.ok) return invalid(sizes.failure.message);
  if (![shape.virtualDiskId, shape.dataWriteId].every(isGuid))
    return invalid('has an id that is no GUID in lower case');
  if ((shape.kind === 'differencing') !== (shape.parent !== undefined))
    return invalid('is a differencing disk without a parent, or has a parent and is none');
  if (shape.parent === undefined) return succeeded(undefined);
  const { dataWriteId, relativePath, absolutePath } = shape.parent;
  if (!isGuid(dataWriteId)) return invalid('names its parent by an id that is no GUID in lower case');
  const paths = [relativePath, absolutePath].filter((path) => path !== undefined);
  if (paths.length === 0) return invalid('names no path to its parent');
  if (paths.some((path) => path.length === 0 || path.length > pathLengthMax || path.includes('\0')))
    return invalid('has an unusable path to its parent');
  return succeeded(undefined);
}

/** Longest path of Windows in UTF-16 units; the format counts the bytes of a text in 16 bits. */
const pathLengthMax = 32_000;

async function build(file: DiskFile, shape: ImageShape, fileWriteId: string): Promise<void> {
  const geometry = geometryOf({ ...shape, hasParent: shape.parent !== undefined });
  const log = { what: 'log', offsetBytes: headerAreaLength, lengthBytes: newLogBytes };
  const metadata = {
    what: 'metadata',
    offsetBytes: log.offsetBytes + log.lengthBytes,
    lengthBytes: metadataLengthBytes,
  };
  const bat = {
    what: 'block allocation table',
    offsetBytes: metadata.offsetBytes + metadataLengthBytes,
    lengthBytes: roundUp(geometry.entryCount * entryBytes, mib),
  };
  const payloadStart = bat.offsetBytes + bat.lengthBytes;
  const payloadBytes = shape.kind === 'fixed' ? geometry.blockCount * geometry.blockSizeBytes : 0;
  await file.resize(payloadStart + payloadBytes);
  const header = {
    sequence: 1n,
    fileWriteId,
    dataWriteId: shape.dataWriteId,
    logId: zeroGuid,
    logOffsetBytes: log.offsetBytes,
    logLengthBytes: newLogBytes,
  };
  await file.write(encodeHeader(header), headerOffsets[0]);
  await file.write(encodeHeader({ ...header, sequence: 2n }), headerOffsets[1]);
  for (const offset of regionTableOffsets) await file.write(encodeRegionTable({ bat, metadata }), offset);
  await file.write(encodeMetadata(shape), metadata.offsetBytes);
  if (shape.kind === 'fixed') await writeFixedTable(file, geometry, bat.offsetBytes, payloadStart);
  await file.sync();
  await file.write(encodeIdentifier(), identifierOffset);
  await file.sync();
}

/** All blocks present, one behind the other. */
async function writeFixedTable(
  file: DiskFile,
  geometry: Geometry,
  tableOffset: number,
  payloadStart: number,
): Promise<void> {
  const piece = Buffer.alloc(mib);
  const entriesPerPiece = piece.length / entryBytes;
  let block = 0;
  for (let first = 0; first < geometry.entryCount; first += entriesPerPiece) {
    piece.fill(0);
    for (; block < geometry.blockCount; block++) {
      const index = payloadIndex(geometry, block) - first;
      if (index >= entriesPerPiece) break;
      const place = payloadStart + block * geometry.blockSizeBytes;
      piece.writeUInt32LE(entryLow(blockState.fullyPresent, place), index * entryBytes);
      piece.writeUInt32LE(entryHigh(place), index * entryBytes + 4);
    }
    const used = Math.min(piece.length, (geometry.entryCount - first) * entryBytes);
    await file.write(piece.subarray(0, used), tableOffset + first * entryBytes);
  }
}
