import { DiskError, outcomeOf } from '../../../agent/disks/failures';
import type { Disk } from '../../../agent/disks/image';
import { ChunkList, mayBecomeList, type ListSource } from '../../../agent/disks/merkle/chunk-list';
import { unfinishedSuffix } from '../../../agent/files';
import { failureOf, type Outcome } from '../../../contracts/failure';

/** Works with a chunk list in a file, and closes it. */
export function withChunkList<T>(source: ListSource, work: (list: ChunkList) => Promise<T>): Promise<Outcome<T>> {
  return outcomeOf(async () => {
    const list = await ChunkList.open(source);
    try {
      return await work(list);
    } finally {
      await list.close();
    }
  });
}

/** Only of disks of one size can it be said where they differ. */
export function assertOfSize({ virtualSizeBytes, source: { path, field } }: ChunkList, disk: Disk): void {
  if (virtualSizeBytes === disk.virtualSizeBytes) return;
  const message = `${path} is of a disk of ${virtualSizeBytes} bytes, this one has ${disk.virtualSizeBytes}`;
  const remedy = 'Name the chunk list of this disk, from before it was resized or converted.';
  throw new DiskError(failureOf('RequestInvalid', { message, remedy, subject: { field, value: path } }));
}

/** Nothing but a chunk list is replaced by one: a wrong name must not cost a disk, be it the one that is read. */
export async function assertReplaceable(listPath: string): Promise<void> {
  for (const path of [listPath, listPath + unfinishedSuffix]) {
    if (await mayBecomeList(path)) continue;
    const message = `${path} is there and is no chunk list, so it is not replaced`;
    const remedy = 'Name a file that is not there yet, or a chunk list that may be replaced.';
    throw new DiskError(
      failureOf('DestinationOccupied', { message, remedy, subject: { field: '--chunks', value: listPath } }),
    );
  }
}
