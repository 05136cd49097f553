import { afterwards } from '../../../contracts/afterwards';
import { failed, failureOf, succeeded, type Outcome } from '../../../contracts/failure';
import { DiskError, outcomeOf } from '../failures';
import { nodeFiles, type DiskFile } from '../file';
import type { ImageShape, WritableImage } from '../image';
import { isGuid, zeroGuid } from '../vhdx/guid';
import { isPowerOfTwo, mib, roundUp } from '../vhdx/numbers';
import { newFooter, secondsSince2000, type Footer } from './footer';
import { newHeader, type DynamicHeader, type LocatorPlace } from './header';
import {
  blockSizeBytesMax,
  blockSizeBytesMin,
  entryBytes,
  footerBytes,
  headerBytes,
  locatorBytesMax,
  sectorBytes,
  virtualSizeBytesMax,
} from './layout';
import { openVhd, type VhdWriteOptions } from './open';
import { encodeLocators } from './parent';

export type VhdCreateOptions = Omit<VhdWriteOptions, 'access'> & {
  /** Milliseconds since 1970. */
  readonly nowMs: () => number;
  /** When the file of the parent was changed last, in milliseconds since 1970; Windows compares it. */
  readonly parentModifiedAtMs?: number;
};

/**
 * Makes a new VHD of this shape and opens it for writing. The data write id of the shape becomes its unique id, the only id that a VHD
 * has, so the virtual disk id must be the same. Until it is complete the file has no footer; when making it fails, it is removed.
 *
 * Failures: `RequestInvalid` for a shape that no VHD can have, `DestinationOccupied` when the file is there, `DiskFull`, `IoFailed`.
 */
export async function createVhd(
  path: string,
  shape: ImageShape,
  options: VhdCreateOptions,
): Promise<Outcome<WritableImage>> {
  const checked = checkVhdShape(shape);
  if (!checked.ok) return checked;
  const files = options.files ?? nodeFiles;
  const made = await outcomeOf(async () => {
    const file = await files.create(path);
    try {
      await afterwards(build(file, shape, options), () => file.close());
      await files.syncFolderOf(path);
    } catch (thrown) {
      if (thrown instanceof DiskError) await files.remove(path);
      throw thrown;
    }
  });
  return made.ok ? openVhd(path, { ...options, access: 'write' }) : made;
}

const invalid = (message: string, remedy?: string) =>
  failed(failureOf('RequestInvalid', { message: `the VHD to create ${message}`, ...(remedy && { remedy }) }));

/** Whether a VHD can have this shape. */
export function checkVhdShape(shape: ImageShape): Outcome<void> {
  const { virtualSizeBytes, blockSizeBytes, kind, parent } = shape;
  if (virtualSizeBytes <= 0 || virtualSizeBytes % sectorBytes !== 0)
    return invalid(`has ${virtualSizeBytes} bytes, not whole sectors of 512 bytes`);
  if (virtualSizeBytes > virtualSizeBytesMax)
    return invalid(`has ${virtualSizeBytes} bytes; at most 2040 GiB are possible`, 'Use VHDX for larger disks.');
  if (shape.logicalSectorSizeBytes !== sectorBytes)
    return invalid(`has sectors of ${shape.logicalSectorSizeBytes} bytes; a VHD has 512`, 'Use VHDX.');
  const isBlock = isPowerOfTwo(blockSizeBytes) && blockSizeBytes >= blockSizeBytesMin;
  if (kind !== 'fixed' && (!isBlock || blockSizeBytes > blockSizeBytesMax))
    return invalid(`has blocks of ${blockSizeBytes} bytes; a power of two from 512 KiB to 256 MiB is possible`);
  if (!isGuid(shape.dataWriteId)) return invalid('has an id that is no GUID in lower case');
  if (shape.virtualDiskId !== shape.dataWriteId)
    return invalid('has two different ids; a VHD has one', 'Give it one id for the disk and its content.');
  if ((kind === 'differencing') !== (parent !== undefined))
    return invalid('is a differencing disk without a parent, or has a parent and is none');
  return parent === undefined ? succeeded(undefined) : checkParent(parent);
}

function checkParent({ dataWriteId, relativePath, absolutePath }: NonNullable<ImageShape['parent']>): Outcome<void> {
  if (!isGuid(dataWriteId)) return invalid('names its parent by an id that is no GUID in lower case');
  const paths = [relativePath, absolutePath].filter((path) => path !== undefined);
  if (paths.length === 0) return invalid('names no path to its parent');
  const isUnusable = (path: string) =>
    path.length === 0 || path.includes('\0') || path.length * 2 + 4 > locatorBytesMax;
  return paths.some(isUnusable) ? invalid('has an unusable path to its parent') : succeeded(undefined);
}

async function build(file: DiskFile, shape: ImageShape, options: VhdCreateOptions): Promise<void> {
  const footer = newFooter({
    kind: shape.kind,
    virtualSizeBytes: shape.virtualSizeBytes,
    uniqueId: shape.dataWriteId,
    createdAtS: secondsSince2000(options.nowMs()),
    headerOffsetBytes: shape.kind === 'fixed' ? undefined : footerBytes,
  });
  if (shape.kind === 'fixed') {
    await file.resize(shape.virtualSizeBytes);
    await file.sync();
    await file.write(footer.raw, shape.virtualSizeBytes);
    await file.sync();
    return;
  }
  await buildDynamic(file, shape, footer, options.parentModifiedAtMs);
}

async function buildDynamic(
  file: DiskFile,
  shape: ImageShape,
  footer: Footer,
  parentModifiedAtMs: number | undefined,
): Promise<void> {
  const entryCount = Math.ceil(shape.virtualSizeBytes / shape.blockSizeBytes);
  const tableOffsetBytes = footerBytes + headerBytes;
  const tableEnd = tableOffsetBytes + roundUp(entryCount * entryBytes, sectorBytes);
  const { texts, name } = encodeLocators(shape.parent ?? { dataWriteId: zeroGuid });
  const locators: LocatorPlace[] = [];
  let end = tableEnd;
  for (const { code, bytes } of texts) {
    locators.push({ code, offsetBytes: end, lengthBytes: bytes.length });
    await file.write(bytes, end);
    end = roundUp(end + bytes.length, sectorBytes);
  }
  const header: DynamicHeader = newHeader({
    tableOffsetBytes,
    entryCount,
    blockSizeBytes: shape.blockSizeBytes,
    parentUniqueId: shape.parent?.dataWriteId ?? zeroGuid,
    parentModifiedAtS: parentModifiedAtMs === undefined ? 0 : secondsSince2000(parentModifiedAtMs),
    parentName: name,
    locators,
  });
  await fill(file, 0xff, tableOffsetBytes, tableEnd);
  await file.write(header.raw, footerBytes);
  await file.resize(end);
  await file.sync();
  // The copy last: a file with a footer at its end alone is whole, one with the copy alone might be taken for one that was cut off.
  await file.write(footer.raw, end);
  await file.sync();
  await file.write(footer.raw, 0);
  await file.sync();
}

/** Fills a range of a file with one byte. */
export async function fill(file: DiskFile, byte: number, fromByte: number, toByte: number): Promise<void> {
  const piece = Buffer.alloc(Math.min(mib, toByte - fromByte), byte);
  for (let at = fromByte; at < toByte; at += piece.length)
    await file.write(piece.subarray(0, Math.min(piece.length, toByte - at)), at);
}
