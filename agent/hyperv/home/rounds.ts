import { z } from 'zod';
import { failed, failureOf, succeeded, type Outcome } from '../../../contracts/failure';
import { openImage } from '../../disks/open-image';
import { readJson, writeJsonAtomic } from '../files';
import { range, rangesMax, type Range } from './ranges';

const point = z.object({ trackingId: z.string().nullable(), contentId: z.guid() });

/**
 * What changed on a disk from one reference point to the next. Written once, when the
 * round begins: what the tracking itself answers grows while the guest goes on, and a transfer that is resumed must find the same.
 */
export const roundRecord = z.object({
  schema: z.literal(1),
  since: point,
  until: point,
  /** Whether the whole disk counts as changed, since the tracking does not know better. */
  whole: z.boolean(),
  ranges: z.array(range).max(rangesMax),
});
export type RoundRecord = z.infer<typeof roundRecord>;

export const saveRound = (path: string, record: RoundRecord): Promise<void> => writeJsonAtomic(path, record);

export async function readRound(path: string): Promise<Outcome<RoundRecord>> {
  const read = await readJson(path, roundRecord);
  if (read.state === 'read') return succeeded(read.value);
  const why = read.state === 'absent' ? 'it is not there' : read.reason;
  return failed(
    failureOf('IoFailed', { message: `${path} cannot be used: ${why}`, effect: 'none', retry: 'permanent' }),
  );
}

/** Data that an image holds inside of some ranges. */
export async function dataBytesWithin(path: string, ranges: readonly Range[]): Promise<Outcome<number>> {
  const image = await openImage(path, { access: 'read' });
  if (!image.ok) return image;
  let sum = 0;
  for (const [offset, length] of ranges)
    for (const extent of image.value.extents(offset, offset + length))
      if (extent.kind === 'data') sum += extent.lengthBytes;
  await image.value.close();
  return succeeded(sum);
}
