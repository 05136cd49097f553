import { failureOf, type Outcome } from '../../contracts/failure';
import { chunkBytes } from './chunks';
import type { WorkProgress } from './digest';
import { chunksWithData } from './disk-segments';
import { DiskError, outcomeOf } from './failures';
import type { Disk } from './image';

export type Comparison =
  | { readonly result: 'equal'; readonly bytesRead: number }
  /** The first byte that differs, with what each disk has there; undefined where a disk has ended. */
  | {
      readonly result: 'different';
      readonly offsetBytes: number;
      readonly first: number | undefined;
      readonly second: number | undefined;
      readonly bytesRead: number;
    };

/**
 * Compares what a guest would read of two disks. Chunks that neither holds data in are not read. Of disks of different sizes the common
 * part is compared first; when that is equal, they differ where the shorter one ends.
 *
 * Failures: those of reading, and `CanceledByOperator` when the signal ends it.
 */
export function compareDisks(
  first: Disk,
  second: Disk,
  signal: AbortSignal,
  report: (progress: WorkProgress) => void,
): Promise<Outcome<Comparison>> {
  return outcomeOf(async () => {
    const commonBytes = Math.min(first.virtualSizeBytes, second.virtualSizeBytes);
    const buffers = [Buffer.allocUnsafe(chunkBytes), Buffer.allocUnsafe(chunkBytes)] as const;
    let bytesRead = 0;
    for (const offset of ascending(
      chunksWithData(first.images, chunkBytes),
      chunksWithData(second.images, chunkBytes),
    )) {
      if (offset >= commonBytes) break;
      if (signal.aborted)
        throw new DiskError(failureOf('CanceledByOperator', { message: 'the comparison of two disks was stopped' }));
      const length = Math.min(chunkBytes, commonBytes - offset);
      const [mine, theirs] = buffers.map((buffer) => buffer.subarray(0, length));
      if (mine === undefined || theirs === undefined) break;
      await Promise.all([first.read(mine, offset), second.read(theirs, offset)]);
      bytesRead += 2 * length;
      if (!mine.equals(theirs)) {
        const within = mine.findIndex((byte, index) => byte !== theirs[index]);
        const at = { offsetBytes: offset + within, first: mine[within], second: theirs[within] };
        return { result: 'different', ...at, bytesRead };
      }
      report({ bytesDone: offset + length, bytesTotal: commonBytes });
    }
    if (first.virtualSizeBytes === second.virtualSizeBytes) return { result: 'equal', bytesRead };
    return endOf(first, second, bytesRead);
  });
}

async function endOf(first: Disk, second: Disk, bytesRead: number): Promise<Comparison> {
  const offsetBytes = Math.min(first.virtualSizeBytes, second.virtualSizeBytes);
  const byte = Buffer.alloc(1);
  const longer = first.virtualSizeBytes > second.virtualSizeBytes ? first : second;
  await longer.read(byte, offsetBytes);
  return {
    result: 'different',
    offsetBytes,
    first: longer === first ? byte[0] : undefined,
    second: longer === second ? byte[0] : undefined,
    bytesRead,
  };
}

/** Two ascending sequences as one, each number once. */
function* ascending(one: Iterator<number>, other: Iterator<number>): Generator<number> {
  let [left, right] = [one.next(), other.next()];
  while (left.done !== true || right.done !== true) {
    const next = Math.min(left.done === true ? Infinity : left.value, right.done === true ? Infinity : right.value);
    yield next;
    if (left.done !== true && left.value === next) left = one.next();
    if (right.done !== true && right.value === next) right = other.next();
  }
}
