import { gib, kib, mib } from '../vhdx/numbers';

/** Sizes and limits of the VHD format ("Virtual Hard Disk Image Format Specification", version 1.0), all in bytes. */
export const sectorBytes = 512;
export const footerBytes = 512;
export const headerBytes = 1024;
/** Hyper-V attaches no larger VHD. */
export const virtualSizeBytesMax = 2040 * gib;
/** Windows makes 512 KiB and 2 MiB. Smaller blocks would make tables that do not fit in memory. */
export const blockSizeBytesMin = 512 * kib;
export const blockSizeBytesMax = 256 * mib;
export const defaultVhdBlockSizeBytes = 2 * mib;
export const entryBytes = 4;
/** An entry of the block allocation table that names no block. */
export const unusedEntry = 0xffffffff;
/** Sectors are counted in 32 bits, so that no block begins behind 2 TiB. */
export const fileBytesMax = unusedEntry * sectorBytes;
/** Data of new blocks begins at a multiple of it, as on disks with sectors of 4 KiB it should. */
export const dataAlignmentBytes = 4096;
/** No path in a parent locator is longer: 32767 characters of UTF-16. */
export const locatorBytesMax = 64 * kib;
