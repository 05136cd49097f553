import { failed, failureOf, succeeded, type Outcome } from '../../../contracts/failure';
import { differenceOf, sizeBytesOf, type SourceContent } from './content';

/** Extents that are counted before a transfer; an image with more is taken to hold as much as its file is long. */
const countedExtentsMax = 1_000_000;

/** What was read is of one generation only if the source is at the end what it was at the beginning. */
export async function stillTheSame(
  content: SourceContent,
  reopen: () => Promise<Outcome<SourceContent>>,
): Promise<Outcome<undefined>> {
  const again = await reopen();
  if (!again.ok) return again;
  const difference = differenceOf(content.facts, again.value.facts);
  await again.value.close();
  if (difference === undefined) return succeeded(undefined);
  return failed(failureOf('SourceChanged', { message: `the source changed while it was read: ${difference}` }));
}

/** What all extents hold together, as far as it can be told quickly. */
export function extentBytesOf(content: SourceContent): number {
  let sum = 0;
  let count = 0;
  for (const { lengthBytes } of content.extents(0)) {
    sum += lengthBytes;
    count += 1;
    if (count === countedExtentsMax) return Math.min(sizeBytesOf(content.facts), content.facts.fileSizeBytes);
  }
  return sum;
}
