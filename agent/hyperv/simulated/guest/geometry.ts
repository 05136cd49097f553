import type { GuestSettings } from '../records';
import { stampBlockBytes } from './stamp';

/** Where the guest's blocks are on a disk: the work area, and behind it the outskirts. Counted in blocks of 4 KiB. */
export type Geometry = { readonly workBlocks: number; readonly outskirtsBlocks: number };

/** Behind what a partition table and a boot sector would take. */
const startBytes = 1024 * 1024;

/** The longest write of a guest, 64 KiB. */
export const writeBlocksMax = 16;

/** The parts of the settings that fit the disk; a disk too small for a guest to write to gets none. */
export function geometryOf(virtualSizeBytes: number, settings: GuestSettings): Geometry {
  const fitBlocks = Math.max(0, Math.floor((virtualSizeBytes - startBytes) / stampBlockBytes));
  const workBlocks = Math.min(fitBlocks, Math.floor(settings.workAreaBytes / stampBlockBytes));
  const outskirtsBlocks = Math.min(fitBlocks - workBlocks, Math.floor(settings.outskirtsBytes / stampBlockBytes));
  return workBlocks > writeBlocksMax
    ? { workBlocks, outskirtsBlocks: outskirtsBlocks > writeBlocksMax ? outskirtsBlocks : 0 }
    : { workBlocks: 0, outskirtsBlocks: 0 };
}

/** Where a block lies on the disk, in bytes. */
export const blockOffsetBytes = (block: number): number => startBytes + block * stampBlockBytes;
