import { failed, succeeded, type Outcome } from '../../../contracts/failure';
import type { DiskId } from '../../../contracts/ids';
import type { OperationOutput } from '../../../contracts/operations';
import { openDisk } from '../../disks/chain';
import { chunksOfRanges, chunksTouchedBy } from '../../disks/chunks';
import { digestDisk, type ChunkScope } from '../../disks/digest';
import { DiskError } from '../../disks/failures';
import type { ReadableImage } from '../../disks/image';
import { formatOfName, openImage, openImageAs } from '../../disks/open-image';
import type { DriverContext } from '../driver';
import { unmergedPath } from './layout';
import { readRound } from './rounds';
import { meterOf, type Workshop } from './work';

/**
 * Which chunks of a disk a digest is of: all, those that a differencing disk holds, or those that a round of pre-copy was about. What
 * `touched-by` names may have no parent: then it is the disk, and all of it is meant, since which of its blocks hold nothing but zeros is not
 * the same at both ends.
 */
type Scope =
  | { readonly type: 'all' }
  | { readonly type: 'touched-by'; readonly imagePath: string }
  | { readonly type: 'round'; readonly roundPath: string };
export type ScopedDisk = { readonly diskId: DiskId; readonly path: string; readonly scope: Scope };

/** Digests of what a guest would read of disks that stand still, telling the operation's progress. */
export async function digestScoped(
  { clock, roots }: Pick<Workshop, 'clock'> & { readonly roots: readonly string[] },
  context: DriverContext,
  disks: readonly ScopedDisk[],
): Promise<Outcome<OperationOutput<'digest-disks'>>> {
  const digests: OperationOutput<'digest-disks'>['disks'] = [];
  for (const { diskId, path, scope } of disks) {
    const opened = await openDisk(path, { access: 'read', roots });
    if (!opened.ok) return opened;
    const disk = opened.value;
    try {
      const { signal } = context;
      const digest = await withChunks(scope, (chunks) =>
        digestDisk({ disk, scope: chunks, signal, report: meterOf(clock, context) }),
      );
      if (!digest.ok) return digest;
      digests.push({ diskId, ...digest.value });
    } catch (thrown) {
      if (thrown instanceof DiskError) return failed(thrown.failure);
      throw thrown;
    } finally {
      await disk.close();
    }
  }
  return succeeded({ disks: digests });
}

async function withChunks<T>(scope: Scope, work: (chunks: ChunkScope) => Promise<Outcome<T>>): Promise<Outcome<T>> {
  switch (scope.type) {
    case 'all':
      return work('all');
    case 'touched-by': {
      const image = await openNamedBefore(scope.imagePath);
      if (!image.ok) return image;
      try {
        const isWholeDisk = image.value.shape.parent === undefined;
        return await work(isWholeDisk ? 'all' : chunksTouchedBy(image.value));
      } finally {
        await image.value.close();
      }
    }
    case 'round': {
      const round = await readRound(scope.roundPath);
      return round.ok ? work(chunksOfRanges(round.value.ranges)) : round;
    }
  }
}

/** An image that was merged is called otherwise since. Its format is what the name before says, not what it holds. */
function openNamedBefore(path: string): Promise<Outcome<ReadableImage>> {
  const format = formatOfName(unmergedPath(path));
  return format === undefined ? openImage(path, { access: 'read' }) : openImageAs(format, path, { access: 'read' });
}
