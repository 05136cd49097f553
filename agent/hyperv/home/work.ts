import { rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { failed, failureOf, succeeded, type Outcome } from '../../../contracts/failure';
import type { Clock } from '../../clock';
import type { WorkProgress } from '../../disks/digest';
import { mergeIntoParent, type MergeOptions } from '../../disks/merge';
import type { DriverContext } from '../driver';
import { exists } from '../files';
import { mergedPath } from './layout';
import { syncFolder } from '../../files';
import type { DiskId } from '../../../contracts/ids';

/** What work on disk files needs of its host. */
export type Workshop = { readonly clock: Clock; readonly newGuid: () => string };

/**
 * Merges a differencing disk into an image below it, telling the operation's progress. Answers the bytes that it held. Where images are
 * between the two, `between` says where they are looked for.
 */
export async function mergeImage(
  { clock, newGuid }: Workshop,
  context: DriverContext,
  childPath: string,
  parentPath: string,
  parentDataWriteId: MergeOptions['parentDataWriteId'],
  between?: MergeOptions['between'],
): Promise<Outcome<number>> {
  if (context.signal.aborted)
    return failed(
      failureOf('CanceledByOperator', { message: `The merge of ${childPath} was stopped.`, effect: 'applied' }),
    );
  const merged = await mergeIntoParent({
    childPath,
    parentPath,
    parentDataWriteId,
    ...(between && { between }),
    newGuid,
    signal: context.signal,
    report: meterOf(clock, context),
  });
  return merged.ok ? succeeded(merged.value.dataBytes + merged.value.zeroBytes) : merged;
}

/** Passes on how far some work is, with the rate since it began. */
export function meterOf(clock: Clock, context: DriverContext): (progress: WorkProgress) => void {
  const beganAtMs = clock.now();
  return ({ bytesDone, bytesTotal }) => {
    const seconds = Math.max(0.001, (clock.now() - beganAtMs) / 1000);
    context.report({ bytesDone, bytesTotal, bytesPerSecond: bytesDone / seconds, waitingFor: null });
  };
}

/** A run's differencing disk, and what became of it: `mergedBytes` is null until the child's content is in the parent. */
export type Differencing = {
  readonly diskId: DiskId;
  readonly childPath: string;
  readonly parentPath: string;
  readonly mergedBytes: number | null;
};

/** Disk by disk: merge, have it noted, put the child aside. Each of the three may be repeated. Answers the bytes that were merged. */
export async function mergeEach(
  workshop: Workshop,
  context: DriverContext,
  differencing: readonly Differencing[],
  note: (diskId: DiskId, mergedBytes: number) => Promise<void>,
): Promise<Outcome<{ mergedBytes: number }>> {
  let sum = 0;
  for (const { diskId, childPath, parentPath, mergedBytes } of differencing) {
    sum += mergedBytes ?? 0;
    if (mergedBytes !== null) continue;
    const merged = await mergeImage(workshop, context, childPath, parentPath, 'from-child');
    if (!merged.ok) return failed({ ...merged.failure, effect: 'applied' });
    sum += merged.value;
    await note(diskId, merged.value);
  }
  for (const { childPath } of differencing) await putAside(childPath);
  return succeeded({ mergedBytes: sum });
}

async function putAside(childPath: string): Promise<void> {
  if (!(await exists(childPath))) return;
  await rename(childPath, mergedPath(childPath));
  await syncFolder(dirname(childPath));
}
