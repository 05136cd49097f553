import type { Outcome } from '../../../contracts/failure';
import type { ImageShape, ReadableImage, WritableImage } from '../image';

/** What the byte route needs of an image format. */
export type ImageFormat = {
  readonly openForReading: (path: string) => Promise<Outcome<ReadableImage>>;
  /** A new image that keeps the ids of the given shape however much is written to it. `DestinationOccupied` when the name is taken. */
  readonly create: (path: string, shape: ImageShape) => Promise<Outcome<WritableImage>>;
  /** An image that `create` made, perhaps before a crash; it keeps its ids too. */
  readonly openForWriting: (path: string) => Promise<Outcome<WritableImage>>;
  /** Gives the content of an image that nobody has open another data write id. */
  readonly nameContent: (path: string, dataWriteId: string) => Promise<Outcome<void>>;
};
