import { failed, failureOf, type Outcome } from '../../../../contracts/failure';
import { openDisk } from '../../chain';
import { outcomeOf, valueOf } from '../../failures';
import type { Disk } from '../../image';

/** A disk at the destination that may hold much of what is to come: where it is, and the folders below which all its files must be. */
export type SeedPlace = { readonly path: string; readonly roots: readonly string[] };

/** A seed that is open. It is read, as a guest would read it, and never written to. */
export type Seed = Pick<Disk, 'images' | 'virtualSizeBytes' | 'read' | 'close'> & { readonly path: string };

/**
 * Opens a seed with its parents. Its size, sectors and ids need not be those of the content: what is of use of it, its digests say.
 * `PathOutsideRoots`; the failures of `openDisk`; `DestinationOccupied` where it is the copy itself.
 */
export function openSeed({ path, roots }: SeedPlace, copyPath: string): Promise<Outcome<Seed>> {
  return outcomeOf(async () => {
    const disk = valueOf(await openDisk(path, { access: 'read', roots }));
    if (disk.images.some((image) => image.path === copyPath)) {
      await disk.close();
      const message = `the seed ${path} is the copy itself`;
      valueOf(failed(failureOf('DestinationOccupied', { message, effect: 'none' })));
    }
    const { images, virtualSizeBytes } = disk;
    const read = (target: Uint8Array, offsetBytes: number): Promise<void> => disk.read(target, offsetBytes);
    return { path, images, virtualSizeBytes, read, close: () => disk.close() };
  });
}
