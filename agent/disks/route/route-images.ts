import { randomUUID } from 'node:crypto';
import { basename } from 'node:path/win32';
import { failed, succeeded, type Outcome } from '../../../contracts/failure';
import { systemClock } from '../../clock';
import type { ImageShape, ReadableImage, WritableImage } from '../image';
import { changeDataWriteIdAs, createImage, formatOf, openImageAs, type ImageFormat } from '../open-image';

/** Image files as the byte route reads and writes them. */
export type RouteImages = {
  /** What the copy of an image is to be. */
  readonly copyOf: (source: CopiedImage) => CopiedImage;
  /** The format is told by the name, as Hyper-V goes by it. */
  readonly openForReading: (path: string) => Promise<Outcome<ServedImage>>;
  /** A new image that keeps the ids of the given shape however much is written to it. `DestinationOccupied` when the name is taken. */
  readonly create: (format: ImageFormat, path: string, shape: ImageShape) => Promise<Outcome<WritableImage>>;
  /** An image that `create` made, perhaps before a crash; it keeps its ids too. */
  readonly openForWriting: (format: ImageFormat, path: string) => Promise<Outcome<WritableImage>>;
  /** Gives the content of an image that nobody has open another data write id. */
  readonly nameContent: (format: ImageFormat, path: string, dataWriteId: string) => Promise<Outcome<void>>;
};

export type CopiedImage = { readonly format: ImageFormat; readonly shape: ImageShape };

export type ServedImage = { readonly format: ImageFormat; readonly image: ReadableImage };

/**
 * Tables in order and without the log, since nobody uses a copy before it is whole, and with the ids of its source, since children of the
 * source must accept it as their parent. A copy has no telling name before it is imported, and what it holds is a guest's: its format is
 * what the source said, never what its bytes look like.
 */
export function routeImages(
  newGuid: () => string = randomUUID,
  nowMs: () => number = () => systemClock.now(),
): RouteImages {
  const options = { tables: 'ordered', dataWriteId: 'kept', newGuid } as const;
  return {
    copyOf: (source) => source,
    openForReading: async (path) => {
      const format = await formatOf(path);
      if (!format.ok) return format;
      const image = await openImageAs(format.value, path, { access: 'read' });
      return image.ok ? succeeded({ format: format.value, image: image.value }) : failed(image.failure);
    },
    create: (format, path, shape) =>
      createImage(format, path, format === 'vhd' ? besideItsParent(shape) : shape, { ...options, nowMs }),
    openForWriting: (format, path) => openImageAs(format, path, { ...options, access: 'write' }),
    nameContent: (format, path, dataWriteId) => changeDataWriteIdAs(format, path, dataWriteId, { newGuid }),
  };
}

/** The same images, of which every copy is a VHDX. */
export const copiedAsVhdx = (images: RouteImages): RouteImages => ({
  ...images,
  copyOf: ({ format, shape }) => ({ format: 'vhdx', shape: format === 'vhdx' ? shape : vhdxShapeOf(shape) }),
});

/** Blocks of a VHDX have 1 MiB at least ([MS-VHDX], section 2.6.2.1); those of a VHD may be of half of it. */
const vhdxShapeOf = (shape: ImageShape): ImageShape => ({
  ...shape,
  blockSizeBytes: Math.max(shape.blockSizeBytes, 1024 ** 2),
});

/** Where the copies of a chain are put: in one folder. A VHD whose paths say so from the start need not be given others. */
function besideItsParent(shape: ImageShape): ImageShape {
  if (shape.parent === undefined) return shape;
  const { dataWriteId, relativePath, absolutePath } = shape.parent;
  const name = basename(relativePath ?? absolutePath ?? '');
  return { ...shape, parent: { dataWriteId, ...(name !== '' && { relativePath: name }) } };
}
