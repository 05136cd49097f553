import type { Command } from 'commander';
import { chunkBytes } from '../../../agent/disks/chunks';
import { digestDisk } from '../../../agent/disks/digest';
import type { CommandResult, Context } from '../../context';
import { formatBytes } from '../../output/format';
import { examples, type Run } from '../command';
import { failureOfDisk } from './failure';
import { diskCommand, diskOptions, type DiskOptions } from './options';
import { Progress } from './progress';
import { openForReading } from './source';

async function digest(context: Context, path: string, options: DiskOptions): Promise<CommandResult> {
  const disk = await openForReading(path, options);
  if (!disk.ok) return failureOfDisk(disk.failure);
  const progress = new Progress(context);
  const reading = { disk: disk.value, scope: 'all', signal: context.signal, report: progress.report } as const;
  const digested = await digestDisk(reading).finally(() => {
    progress.end();
    return disk.value.close();
  });
  if (!digested.ok) return failureOfDisk(digested.failure);
  const { virtualSizeBytes } = disk.value;
  if (options.json) context.output.json({ ...digested.value, algorithm: 'blake3', chunkBytes, virtualSizeBytes });
  else {
    context.output.line(digested.value.merkleRoot);
    context.output.note(`${formatBytes(digested.value.bytesRead)} read of a disk of ${formatBytes(virtualSizeBytes)}`);
  }
  return 'done';
}

/** `hyperferry disk digest FILE` */
export function registerDigest(disk: Command, run: Run): void {
  const command = diskCommand(
    disk,
    'digest <FILE>',
    'print the Merkle root of what a guest reads: equal for equal content, whatever format and allocation',
  );
  examples(
    command,
    ['disk digest web01.vhdx', 'what a receipt with verify: all has for this disk, if nothing was written since'],
    ['disk digest web01.vhdx --json', '{ merkleRoot, bytesRead, algorithm, chunkBytes, virtualSizeBytes }'],
  );
  command.action((path: string, options: unknown) =>
    run((context) => digest(context, path, diskOptions.parse(options))),
  );
}
