import type { Outcome } from '../../../contracts/failure';
import { namingFile, outcomeOf, valueOf } from '../failures';
import { nodeFiles, type DiskFile, type DiskFiles } from '../file';
import type { ImageShape, ReadableImage, WritableImage } from '../image';
import { MappedReader } from '../mapped-reader';
import { roundUp } from '../vhdx/numbers';
import { FixedMap, geometryOf, VhdBlockMap } from './block-map';
import { BlockTable } from './block-table';
import { FixedVhdWriter } from './fixed-image';
import { Footers } from './footers';
import { defaultVhdBlockSizeBytes, footerBytes, sectorBytes } from './layout';
import { parseVhd, type ParsedDynamic, type ParsedVhd } from './parse';
import { scanTable, type Room } from './scan';
import { SlotSpace } from './slot-space';
import { VhdWriter } from './write-image';

export type VhdReadOptions = { readonly access: 'read'; readonly files?: DiskFiles };

export type VhdWriteOptions = {
  readonly access: 'write';
  /**
   * Whether the first write gives the content a new id, as it must when a guest writes (every child then refuses this image as its
   * parent), or keeps it, as it must when the image becomes a copy of one that has this id.
   */
  readonly dataWriteId: 'new-at-first-write' | 'kept';
  readonly newGuid: () => string;
  readonly files?: DiskFiles;
};

/**
 * Opens a VHD, whatever its name. Its unique id is both its virtual disk id and its data write id. Reading never changes the file; opening
 * for writing first puts the footer and the copy of it in order where a power loss left one of them torn.
 *
 * Failures: `DiskNotVhdx` (it is no VHD), `DiskTruncated`, `DiskDamaged`, `IoFailed`, `DiskFull`. The parent of a differencing disk is not
 * looked at; `openDisk` opens chains. The image's own methods throw the same failures as `DiskError`.
 */
export function openVhd(path: string, options: VhdReadOptions): Promise<Outcome<ReadableImage>>;
export function openVhd(path: string, options: VhdWriteOptions): Promise<Outcome<WritableImage>>;
export function openVhd(
  path: string,
  options: VhdReadOptions | VhdWriteOptions,
): Promise<Outcome<ReadableImage | WritableImage>>;
export function openVhd(
  path: string,
  options: VhdReadOptions | VhdWriteOptions,
): Promise<Outcome<ReadableImage | WritableImage>> {
  return outcomeOf(async () => {
    const files = options.files ?? nodeFiles;
    const file = await files.open(path, options.access);
    try {
      const parsed = valueOf(namingFile(path, await parseVhd(file)));
      return options.access === 'read' ? await makeReader(parsed) : await makeWriter(parsed, options);
    } catch (thrown) {
      await file.close();
      throw thrown;
    }
  });
}

function shapeOf({ footer, dynamic }: ParsedVhd): ImageShape {
  const { kind, virtualSizeBytes, uniqueId } = footer;
  return {
    kind,
    virtualSizeBytes,
    blockSizeBytes: dynamic?.header.blockSizeBytes ?? defaultVhdBlockSizeBytes,
    logicalSectorSizeBytes: sectorBytes,
    physicalSectorSizeBytes: sectorBytes,
    virtualDiskId: uniqueId,
    dataWriteId: uniqueId,
    ...(dynamic?.parent !== undefined && { parent: dynamic.parent }),
  };
}

/** The blocks of a disk that is not fixed, all of their places checked. */
export async function readBlocks(
  file: DiskFile,
  { virtualSizeBytes }: { readonly virtualSizeBytes: number },
  { header, parent, spans }: ParsedDynamic,
): Promise<{ readonly map: VhdBlockMap; readonly room: Room }> {
  const { blockSizeBytes, tableOffsetBytes } = header;
  const geometry = geometryOf({ virtualSizeBytes, blockSizeBytes, hasParent: parent !== undefined });
  const map = new VhdBlockMap(file, geometry, await BlockTable.read(file, tableOffsetBytes, geometry.blockCount));
  return { map, room: scanTable(file, map, spans, file.sizeBytes - footerBytes) };
}

async function makeReader(parsed: ParsedVhd): Promise<ReadableImage> {
  const { file, footer, dynamic } = parsed;
  const map = dynamic === undefined ? new FixedMap() : (await readBlocks(file, footer, dynamic)).map;
  return new MappedReader(file, map, shapeOf(parsed));
}

async function makeWriter(parsed: ParsedVhd, options: VhdWriteOptions): Promise<WritableImage> {
  const { file, footer, dynamic } = parsed;
  const { newGuid, dataWriteId } = options;
  if (dynamic === undefined) {
    const footers = new Footers(file, footer, file.sizeBytes - footerBytes);
    return new FixedVhdWriter(file, footers, shapeOf(parsed), dataWriteId === 'kept' ? undefined : newGuid);
  }
  const { map, room } = await readBlocks(file, footer, dynamic);
  const footers = await mendedFooters(parsed, room);
  const space = new SlotSpace(file, footers, room.holes, map.geometry.bitmapBytes);
  const headEndBytes = Math.max(...dynamic.spans.map((span) => span.offsetBytes + span.lengthBytes));
  return new VhdWriter({ file, map, space, footers, shape: shapeOf(parsed), dataWriteId, newGuid, headEndBytes });
}

/** The footers of a file that is written from now on, whole and equal. */
export async function mendedFooters({ file, footer, states }: ParsedVhd, room: Room): Promise<Footers> {
  const isEndWhole = states.end === 'intact' && room.endBytes + footerBytes <= file.sizeBytes;
  const atBytes = isEndWhole
    ? file.sizeBytes - footerBytes
    : roundUp(Math.max(room.endBytes, file.sizeBytes), sectorBytes);
  const footers = new Footers(file, footer, atBytes);
  if (!isEndWhole) await footers.moveUp(atBytes);
  if (states.copy !== 'intact') await footers.change({});
  return footers;
}
