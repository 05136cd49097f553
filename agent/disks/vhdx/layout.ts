import { gib, kib, mib, tib } from './numbers';

/** Where the fixed structures of a VHDX stand and the limits of the format (MS-VHDX 2.2 to 2.6), all in bytes. */
export const identifierOffset = 0;
export const identifierLength = 64 * kib;
export const headerOffsets = [64 * kib, 128 * kib] as const;
export const headerLength = 4 * kib;
export const regionTableOffsets = [192 * kib, 256 * kib] as const;
export const regionTableLength = 64 * kib;
/** Below it stand only the structures above; everything else starts at a multiple of 1 MiB from here on. */
export const headerAreaLength = mib;

export const metadataTableLength = 64 * kib;
export const tableEntriesMax = 2047;
export const metadataRegionBytesMax = 128 * mib;
export const metadataItemBytesMax = mib;
export const batBytesMax = 513 * mib;

export const logSectorBytes = 4 * kib;
/** As Windows makes it. */
export const newLogBytes = mib;
/** The format allows 4 GiB. A replay holds the log in memory, so this bounds it. */
export const logBytesMax = 64 * mib;

export const virtualSizeBytesMax = 64 * tib;
export const blockSizeBytesMin = mib;
export const blockSizeBytesMax = 256 * mib;
export const sectorBitmapBytes = mib;
export const sectorsPerChunk = 2 ** 23;

/** No VHDX is longer: 64 TiB of payload, its tables, and as much again left behind by interrupted writers. */
export const fileBytesMax = 129 * tib + 4 * gib;

/** Hyper-V makes new dynamic disks with it. */
export const defaultBlockSizeBytes = 32 * mib;
/** Hyper-V makes new differencing disks with it. */
export const defaultDifferencingBlockSizeBytes = 2 * mib;
/** Replay never changes what stands below: file identifier and headers (MS-VHDX 2.3.1.2). */
export const logTargetOffsetMin = 192 * kib;
/** Windows zeroes tables through the log, at most a whole block allocation table; more in one replay is damage. */
export const logZeroedBytesMax = gib;
