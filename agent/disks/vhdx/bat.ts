import { sectorsPerChunk } from './layout';

/** How block numbers map to entries of the block allocation table (MS-VHDX 2.5). */
export type Geometry = {
  readonly virtualSizeBytes: number;
  readonly blockSizeBytes: number;
  readonly sectorBytes: number;
  readonly blockCount: number;
  /** Payload blocks between two entries of sector bitmaps. */
  readonly chunkRatio: number;
  /** The ratio is a power of two, this one: shifts are much faster than divisions in walks over millions of blocks. */
  readonly chunkShift: number;
  readonly chunkCount: number;
  readonly entryCount: number;
  readonly hasParent: boolean;
};

export function geometryOf(sizes: {
  readonly virtualSizeBytes: number;
  readonly blockSizeBytes: number;
  readonly logicalSectorSizeBytes: number;
  readonly hasParent: boolean;
}): Geometry {
  const { virtualSizeBytes, blockSizeBytes, hasParent, logicalSectorSizeBytes: sectorBytes } = sizes;
  const chunkRatio = (sectorsPerChunk * sectorBytes) / blockSizeBytes;
  const blockCount = Math.ceil(virtualSizeBytes / blockSizeBytes);
  const chunkCount = Math.ceil(blockCount / chunkRatio);
  const entryCount = hasParent ? chunkCount * (chunkRatio + 1) : blockCount + Math.floor((blockCount - 1) / chunkRatio);
  return {
    virtualSizeBytes,
    blockSizeBytes,
    sectorBytes,
    blockCount,
    chunkRatio,
    chunkShift: Math.log2(chunkRatio),
    chunkCount,
    entryCount,
    hasParent,
  };
}

export const payloadIndex = (geometry: Geometry, block: number): number => block + (block >>> geometry.chunkShift);
export const chunkOfBlock = (geometry: Geometry, block: number): number => block >>> geometry.chunkShift;
export const bitmapIndex = (geometry: Geometry, chunk: number): number => (chunk + 1) * geometry.chunkRatio + chunk;
export const isBitmapIndex = (geometry: Geometry, index: number): boolean =>
  index % (geometry.chunkRatio + 1) === geometry.chunkRatio;

/** Bytes of a block that lie below the end of the disk. */
export const blockBytesUsed = (geometry: Geometry, block: number): number =>
  Math.min(geometry.blockSizeBytes, geometry.virtualSizeBytes - block * geometry.blockSizeBytes);

/** The state of an entry, its three lowest bits (MS-VHDX 2.5.1.1). */
export const blockState = {
  notPresent: 0,
  undefined: 1,
  zero: 2,
  unmapped: 3,
  fullyPresent: 6,
  partiallyPresent: 7,
} as const;
export type BlockState = (typeof blockState)[keyof typeof blockState];

export const entryBytes = 8;

/** An entry of the table as two halves: state below, the place in the file in whole mebibytes above. */
export const entryState = (low: number): number => low & 7;
export const entryOffsetBytes = (low: number, high: number): number => high * 2 ** 32 + ((low & 0xfff00000) >>> 0);
export const entryLow = (state: BlockState, offsetBytes: number): number => ((offsetBytes % 2 ** 32) + state) >>> 0;
export const entryHigh = (offsetBytes: number): number => Math.floor(offsetBytes / 2 ** 32);

/** What a state means for a payload block, or undefined when the state is reserved. */
export type BlockMeaning = 'parent' | 'zero' | 'full' | 'partial';
export function blockMeaning(state: number, geometry: Geometry): BlockMeaning | undefined {
  switch (state) {
    case blockState.notPresent:
      return geometry.hasParent ? 'parent' : 'zero';
    case blockState.undefined:
    case blockState.zero:
    case blockState.unmapped:
      return 'zero';
    case blockState.fullyPresent:
      return 'full';
    case blockState.partiallyPresent:
      return geometry.hasParent ? 'partial' : undefined;
    default:
      return undefined;
  }
}
