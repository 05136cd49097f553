import { succeeded, type Outcome } from '../../../../contracts/failure';
import type { WritableImage } from '../../image';
import type { RouteImages } from '../route-images';

/** What a test does before a write or a flush gets to the image: it may throw, wait, or look. */
export type Hooks = {
  readonly onWrite?: (offsetBytes: number, data: Uint8Array) => Promise<void> | void;
  readonly onFlush?: () => Promise<void> | void;
};

/** The images with hooks before what it writes. */
export function tampered(images: RouteImages, hooks: Hooks): RouteImages {
  const wrapped = (opened: Outcome<WritableImage>): Outcome<WritableImage> =>
    opened.ok ? succeeded(wrap(opened.value, hooks)) : opened;
  return {
    copyOf: (source) => images.copyOf(source),
    openForReading: (path) => images.openForReading(path),
    create: async (format, path, shape) => wrapped(await images.create(format, path, shape)),
    openForWriting: async (format, path) => wrapped(await images.openForWriting(format, path)),
    nameContent: (format, path, dataWriteId) => images.nameContent(format, path, dataWriteId),
  };
}

const wrap = (image: WritableImage, hooks: Hooks): WritableImage => ({
  path: image.path,
  shape: image.shape,
  fileSizeBytes: image.fileSizeBytes,
  extents: (from, to) => image.extents(from, to),
  read: (target, offsetBytes) => image.read(target, offsetBytes),
  write: async (data, offsetBytes) => {
    await hooks.onWrite?.(offsetBytes, data);
    await image.write(data, offsetBytes);
  },
  writeZeros: (offsetBytes, lengthBytes) => image.writeZeros(offsetBytes, lengthBytes),
  flush: async () => {
    await hooks.onFlush?.();
    await image.flush();
  },
  close: () => image.close(),
});
