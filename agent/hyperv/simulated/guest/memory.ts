import { z } from 'zod';
import { diskId, type DiskId } from '../../../../contracts/ids';

const sequence = z.int().nonnegative();

/**
 * What the guest knows: its memory, as far as it matters. `table[n]` is the sequence of the write that block n of the work area must
 * hold, 0 for a block that it never wrote. Behind the work area it remembers the last writes only.
 */
export const guestMemory = z.object({
  sequence,
  lastWriteAtMs: z.number().nullable(),
  /** All writes up to this one were flushed. */
  flushedSequence: sequence,
  disks: z.array(
    z.object({
      diskId,
      table: z.array(sequence),
      outskirts: z.array(z.tuple([z.int().nonnegative(), sequence])),
    }),
  ),
});
export type SavedGuestMemory = z.infer<typeof guestMemory>;

export type DiskMemory = {
  readonly diskId: DiskId;
  readonly table: number[];
  /** Block to sequence, oldest write first. */
  readonly outskirts: Map<number, number>;
};

export type GuestMemory = {
  sequence: number;
  lastWriteAtMs: number | null;
  flushedSequence: number;
  readonly disks: readonly DiskMemory[];
};

/** How many writes behind the work area a guest remembers, for each disk. */
export const outskirtsMax = 512;

export const toSaved = (memory: GuestMemory): SavedGuestMemory => ({
  ...memory,
  disks: memory.disks.map((disk) => ({ ...disk, outskirts: [...disk.outskirts] })),
});

export const fromSaved = (saved: SavedGuestMemory): GuestMemory => ({
  ...saved,
  disks: saved.disks.map((disk) => ({ ...disk, outskirts: new Map(disk.outskirts) })),
});

/** Notes that nobody knows what `block` holds. */
export function forget(disk: DiskMemory, block: number): void {
  if (block < disk.table.length) disk.table[block] = 0;
  else disk.outskirts.delete(block);
}

/** Notes that `block` of a disk now holds the write `written`. */
export function remember(disk: DiskMemory, block: number, written: number): void {
  if (block < disk.table.length) {
    disk.table[block] = written;
    return;
  }
  disk.outskirts.delete(block);
  disk.outskirts.set(block, written);
  for (const oldest of disk.outskirts.keys()) {
    if (disk.outskirts.size <= outskirtsMax) break;
    disk.outskirts.delete(oldest);
  }
}
