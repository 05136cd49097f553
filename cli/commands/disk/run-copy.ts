import { copyImage, type CopySource, type Copied } from '../../../agent/disks/copy/copy-image';
import type { CommandResult, Context } from '../../context';
import { formatBytes, formatMs } from '../../output/format';
import { failureOfDisk } from './failure';
import { Progress } from './progress';
import { targetOf, type Wanted } from './target';

/** Copies with a progress bar, and tells what came of it. */
export async function runCopy(
  context: Context,
  source: CopySource,
  path: string,
  wanted: Wanted,
  how: { readonly json: boolean },
): Promise<CommandResult> {
  const progress = new Progress(context);
  const startMs = context.clock.now();
  const target = targetOf(context, path, wanted);
  const copied = await copyImage({ source, target, signal: context.signal, report: progress.report }).finally(() =>
    progress.end(),
  );
  if (!copied.ok) return failureOfDisk(copied.failure);
  if (how.json) context.output.json({ path: target.path, format: wanted.format, ...copied.value });
  else context.output.line(sentence(target.path, copied.value, context.clock.now() - startMs));
  return 'done';
}

function sentence(path: string, { dataBytes, zeroBytes, resumedFromBytes }: Copied, tookMs: number): string {
  const resumed = resumedFromBytes === 0 ? '' : `, gone on with from ${formatBytes(resumedFromBytes)}`;
  const zeros = zeroBytes === 0 ? '' : `, ${formatBytes(zeroBytes)} of zeros left out`;
  return `${path}: ${formatBytes(dataBytes)} written and read back in ${formatMs(tookMs)}${zeros}${resumed}`;
}
