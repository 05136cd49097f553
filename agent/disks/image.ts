/**
 * One disk image file, of whatever format. Everything above the formats (byte route, merge, digest, guest) speaks this.
 *
 * An image says what it itself holds. For an image with a parent, what is in no extent is the parent's; without one it reads zero.
 */
export type Extent = {
  readonly offsetBytes: number;
  readonly lengthBytes: number;
  /** `data`: bytes that are in this file. `zero`: reads zero here, whatever a parent holds (only said by images with a parent). */
  readonly kind: 'data' | 'zero';
};

export type ImageKind = 'fixed' | 'dynamic' | 'differencing';

/** What must be equal for two files to be the same image; `createImage` takes it to make a copy that children accept as parent. */
export type ImageShape = {
  readonly kind: ImageKind;
  readonly virtualSizeBytes: number;
  readonly blockSizeBytes: number;
  readonly logicalSectorSizeBytes: 512 | 4096;
  readonly physicalSectorSizeBytes: 512 | 4096;
  /** Page 83 identity, a GUID in lower case. */
  readonly virtualDiskId: string;
  /** Changes with the first guest-visible write after an open for writing; a child stores it as its parent's linkage. */
  readonly dataWriteId: string;
  readonly parent?: ParentLink;
};

export type ParentLink = {
  readonly dataWriteId: string;
  /** A second id under which the parent is accepted as well. */
  readonly secondDataWriteId?: string;
  readonly relativePath?: string;
  readonly absolutePath?: string;
};

export interface ReadableImage {
  readonly path: string;
  readonly shape: ImageShape;
  /** Length of the file on disk. */
  readonly fileSizeBytes: number;
  /**
   * Extents in ascending order, adjacent ones joined, from `fromBytes` (default 0) to `toBytes` (default the end), clipped to both.
   * Lazy, so that a 64 TiB image costs nothing to open.
   */
  extents(fromBytes?: number, toBytes?: number): Iterable<Extent>;
  /** Reads inside one or more data extents; what lies outside of any reads as zeros. */
  read(target: Uint8Array, offsetBytes: number): Promise<void>;
  close(): Promise<void>;
}

export interface WritableImage extends ReadableImage {
  /** Sector-aligned. Not durable before `flush`. */
  write(data: Uint8Array, offsetBytes: number): Promise<void>;
  /** Makes a sector-aligned range read zero; in an image with a parent this is remembered as `zero`, elsewhere it frees or stays unallocated. */
  writeZeros(offsetBytes: number, lengthBytes: number): Promise<void>;
  /** Everything written so far survives a power loss. */
  flush(): Promise<void>;
}

/** A disk as the guest sees it: the last image of a chain read through its parents. Writes go to the last image. */
export interface Disk {
  readonly images: readonly ReadableImage[];
  readonly virtualSizeBytes: number;
  readonly logicalSectorSizeBytes: number;
  read(target: Uint8Array, offsetBytes: number): Promise<void>;
  write(data: Uint8Array, offsetBytes: number): Promise<void>;
  flush(): Promise<void>;
  close(): Promise<void>;
}
