import { succeeded, type Outcome } from '../../../../contracts/failure';
import type { WritableImage } from '../../image';
import type { ImageFormat } from '../image-format';

/** What a test does before a write or a flush gets to the image: it may throw, wait, or look. */
export type Hooks = {
  readonly onWrite?: (offsetBytes: number, data: Uint8Array) => Promise<void> | void;
  readonly onFlush?: () => Promise<void> | void;
};

/** The format with hooks before what it writes. */
export function tampered(format: ImageFormat, hooks: Hooks): ImageFormat {
  const wrapped = (opened: Outcome<WritableImage>): Outcome<WritableImage> =>
    opened.ok ? succeeded(wrap(opened.value, hooks)) : opened;
  return {
    openForReading: (path) => format.openForReading(path),
    create: async (path, shape) => wrapped(await format.create(path, shape)),
    openForWriting: async (path) => wrapped(await format.openForWriting(path)),
    nameContent: (path, dataWriteId) => format.nameContent(path, dataWriteId),
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
