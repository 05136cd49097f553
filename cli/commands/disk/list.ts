import { outcomeOf, valueOf } from '../../../agent/disks/failures';
import type { Disk } from '../../../agent/disks/image';
import { ChunkList } from '../../../agent/disks/merkle/chunk-list';
import { failed, failureOf, type Outcome } from '../../../contracts/failure';

/** Works with a chunk list in a file, and closes it. */
export function withChunkList<T>(path: string, work: (list: ChunkList) => Promise<T>): Promise<Outcome<T>> {
  return outcomeOf(async () => {
    const list = await ChunkList.open(path);
    try {
      return await work(list);
    } finally {
      await list.close();
    }
  });
}

/** Only of disks of one size can it be said where they differ. */
export function assertOfSize({ virtualSizeBytes, path }: ChunkList, disk: Disk): void {
  if (virtualSizeBytes === disk.virtualSizeBytes) return;
  const message = `${path} is of a disk of ${virtualSizeBytes} bytes, this one has ${disk.virtualSizeBytes}`;
  const remedy = 'Name the chunk list of this disk, from before it was resized or converted.';
  valueOf(failed(failureOf('RequestInvalid', { message, remedy, subject: { field: 'LIST', value: path } })));
}
