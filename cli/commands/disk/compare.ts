import { afterwards } from '../../../contracts/afterwards';
import type { Command } from 'commander';
import { compareDisks, type Comparison } from '../../../agent/disks/compare';
import type { CommandResult, Context } from '../../context';
import { formatBytes } from '../../output/format';
import { examples, type Run } from '../command';
import { failureOfDisk } from './failure';
import { diskCommand, diskOptions, rootsOf, type DiskOptions } from './options';
import { Progress } from './progress';
import { openForReading } from './source';

const byteText = (byte: number | undefined): string =>
  byte === undefined ? 'nothing, it ends there' : `0x${byte.toString(16).padStart(2, '0')}`;

function tell(context: Context, comparison: Comparison, options: DiskOptions): void {
  if (options.json) {
    context.output.json(comparison);
    return;
  }
  const read = `${formatBytes(comparison.bytesRead)} read`;
  if (comparison.result === 'equal') {
    context.output.line(`equal; ${read}`);
    return;
  }
  const { offsetBytes, first, second } = comparison;
  context.output.line(`different from byte ${offsetBytes} on: ${byteText(first)} and ${byteText(second)}; ${read}`);
}

async function compare(context: Context, paths: readonly [string, string], given: DiskOptions): Promise<CommandResult> {
  const options = { ...given, root: rootsOf(given, ...paths) };
  const first = await openForReading(paths[0], options);
  if (!first.ok) return failureOfDisk(first.failure);
  try {
    const second = await openForReading(paths[1], options);
    if (!second.ok) return failureOfDisk(second.failure);
    const progress = new Progress(context);
    const compared = await afterwards(compareDisks(first.value, second.value, context.signal, progress.report), () => {
      progress.end();
      return second.value.close();
    });
    if (!compared.ok) return failureOfDisk(compared.failure);
    tell(context, compared.value, options);
    return compared.value.result === 'equal' ? 'done' : 'different';
  } finally {
    await first.value.close();
  }
}

/** `hyperferry disk compare FILE OTHER` */
export function registerCompare(disk: Command, run: Run): void {
  const command = diskCommand(
    disk,
    'compare <FILE> <OTHER>',
    'compare what a guest reads of two disks, of whatever formats, and name the first difference',
  );
  examples(
    command,
    ['disk compare web01.vhdx copy/web01.vhdx', 'exit code 0 when they are equal, 8 when they differ'],
    ['disk compare web01.vhdx web01.raw --json', '{ result, offsetBytes, first, second, bytesRead }'],
  );
  command.action((path: string, other: string, options: unknown) =>
    run((context) => compare(context, [path, other], diskOptions.parse(options))),
  );
}
