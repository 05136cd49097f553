import { extname } from 'node:path';
import { failed, failureOf, type Outcome } from '../../contracts/failure';
import { namingFile, notVhdx, outcomeOf, valueOf } from './failures';
import { nodeFiles, type DiskFile, type DiskFiles } from './file';
import type { ImageShape, ReadableImage, WritableImage } from './image';
import { changeUniqueId, createVhd, openVhd, resizeVhd, type VhdCreateOptions } from './vhd';
import { decodeFooter } from './vhd/footer';
import { footerBytes } from './vhd/layout';
import {
  changeDataWriteId as changeVhdxDataWriteId,
  createVhdx,
  openVhdx,
  resizeVhdx,
  type VhdxWriteOptions,
} from './vhdx';

export type ImageFormat = 'vhd' | 'vhdx';

export type ImageReadOptions = { readonly access: 'read'; readonly files?: DiskFiles };
/** `tables` is of meaning for a VHDX only: a VHD has no log. */
export type ImageWriteOptions = VhdxWriteOptions;
export type ImageCreateOptions = Omit<VhdxWriteOptions, 'access'> & Pick<VhdCreateOptions, 'nowMs'>;

const formatsByExtension: Readonly<Record<string, ImageFormat>> = {
  '.vhd': 'vhd',
  '.avhd': 'vhd',
  '.vhdx': 'vhdx',
  '.avhdx': 'vhdx',
};

/** The format that the name of a file says it has, as Hyper-V goes by it. */
export const formatOfName = (path: string): ImageFormat | undefined => formatsByExtension[extname(path).toLowerCase()];

/**
 * The format of an image. Its name decides where it can: inside of a fixed VHD or at the end of a VHDX stand bytes that a guest wrote, so
 * that a guest could make its disk look like one of the other format, with a parent of its choice. Without such a name the content
 * decides, and what looks like both is refused.
 *
 * Failures: `DiskNotVhdx`, `IoFailed`.
 */
export function formatOf(path: string, files: DiskFiles = nodeFiles): Promise<Outcome<ImageFormat>> {
  return outcomeOf(async () => {
    const named = formatOfName(path);
    if (named !== undefined) return named;
    const file = await files.open(path, 'read');
    try {
      return valueOf(namingFile(path, await formatOfContent(file)));
    } finally {
      await file.close();
    }
  });
}

async function formatOfContent(file: DiskFile): Promise<Outcome<ImageFormat>> {
  const head = Buffer.alloc(Math.min(file.sizeBytes, footerBytes));
  await file.read(head, 0);
  const tail = Buffer.alloc(head.length);
  await file.read(tail, file.sizeBytes - tail.length);
  const isVhdx = head.toString('latin1', 0, 8) === 'vhdxfile';
  const isVhd = [head, tail].some((bytes) => decodeFooter(bytes).state === 'intact');
  if (isVhdx !== isVhd) return { ok: true, value: isVhdx ? 'vhdx' : 'vhd' };
  const remedy = 'Give the file the extension of its format: .vhd, .avhd, .vhdx or .avhdx.';
  const message = isVhdx ? 'could be a VHD or a VHDX' : 'is neither a VHD nor a VHDX';
  return isVhdx ? failed(failureOf('DiskNotVhdx', { message, remedy })) : notVhdx(message);
}

/** Opens a VHD or VHDX; the format as of `formatOf`. Failures: those of `openVhd` and `openVhdx`. */
export function openImage(path: string, options: ImageReadOptions): Promise<Outcome<ReadableImage>>;
export function openImage(path: string, options: ImageWriteOptions): Promise<Outcome<WritableImage>>;
export async function openImage(
  path: string,
  options: ImageReadOptions | ImageWriteOptions,
): Promise<Outcome<ReadableImage | WritableImage>> {
  const format = await formatOf(path, options.files);
  if (!format.ok) return format;
  return options.access === 'read'
    ? openImageAs(format.value, path, options)
    : openImageAs(format.value, path, options);
}

/** Opens an image of a format, whatever its name says. Failures: those of `openVhd` and `openVhdx`. */
export function openImageAs(
  format: ImageFormat,
  path: string,
  options: ImageReadOptions,
): Promise<Outcome<ReadableImage>>;
export function openImageAs(
  format: ImageFormat,
  path: string,
  options: ImageWriteOptions,
): Promise<Outcome<WritableImage>>;
export function openImageAs(
  format: ImageFormat,
  path: string,
  options: ImageReadOptions | ImageWriteOptions,
): Promise<Outcome<ReadableImage | WritableImage>> {
  switch (format) {
    case 'vhd':
      return options.access === 'read' ? openVhd(path, options) : openVhd(path, options);
    case 'vhdx':
      return options.access === 'read' ? openVhdx(path, options) : openVhdx(path, options);
  }
}

/** Makes an image of a format. Failures: those of `createVhd` and `createVhdx`. */
export function createImage(
  format: ImageFormat,
  path: string,
  shape: ImageShape,
  options: ImageCreateOptions,
): Promise<Outcome<WritableImage>> {
  switch (format) {
    case 'vhd':
      return createVhd(path, shape, options);
    case 'vhdx':
      return createVhdx(path, shape, options);
  }
}

/**
 * Gives the content of an image another data write id, which decides which children accept it as their parent. Durable when it returns.
 * Failures as of `openImage`.
 */
export async function changeDataWriteId(
  path: string,
  dataWriteId: string,
  options: { readonly newGuid: () => string; readonly files?: DiskFiles },
): Promise<Outcome<void>> {
  const format = await formatOf(path, options.files);
  return format.ok ? changeDataWriteIdAs(format.value, path, dataWriteId, options) : format;
}

/** The same for an image of a format, whatever its name says. Failures: those of `openVhd` and `openVhdx`. */
export function changeDataWriteIdAs(
  format: ImageFormat,
  path: string,
  dataWriteId: string,
  options: { readonly newGuid: () => string; readonly files?: DiskFiles },
): Promise<Outcome<void>> {
  switch (format) {
    case 'vhd':
      return changeUniqueId(path, dataWriteId, options);
    case 'vhdx':
      return changeVhdxDataWriteId(path, dataWriteId, options);
  }
}

/** Makes an image without a parent larger; what is added reads zero. Failures as of `resizeVhd` and `resizeVhdx`. */
export async function resizeImage(
  path: string,
  virtualSizeBytes: number,
  options: { readonly newGuid: () => string; readonly files?: DiskFiles },
): Promise<Outcome<void>> {
  const format = await formatOf(path, options.files);
  if (!format.ok) return format;
  switch (format.value) {
    case 'vhd':
      return resizeVhd(path, virtualSizeBytes, options);
    case 'vhdx':
      return resizeVhdx(path, virtualSizeBytes, options);
  }
}
