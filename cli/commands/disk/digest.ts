import type { Command } from 'commander';
import { allChunks, chunkBytes, digestDisk } from '../../../agent/disks/digest';
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
  const digested = await digestDisk(disk.value, allChunks(disk.value), context.signal, progress.report).finally(() => {
    progress.end();
    return disk.value.close();
  });
  if (!digested.ok) return failureOfDisk(digested.failure);
  const { virtualSizeBytes } = disk.value;
  if (options.json) context.output.json({ ...digested.value, algorithm: 'blake3', chunkBytes, virtualSizeBytes });
  else {
    context.output.line(digested.value.digest);
    context.output.note(`${formatBytes(digested.value.bytesRead)} read of a disk of ${formatBytes(virtualSizeBytes)}`);
  }
  return 'done';
}

/** `hyperferry disk digest FILE` */
export function registerDigest(disk: Command, run: Run): void {
  const command = diskCommand(
    disk,
    'digest <FILE>',
    'print the digest of what a guest reads: equal for equal content, whatever format and allocation',
  );
  examples(
    command,
    ['disk digest web01.vhdx', 'BLAKE3 over the offset and the BLAKE3 of every chunk of 1 MiB'],
    ['disk digest web01.vhdx --json', '{ digest, chunks, bytesRead, algorithm, chunkBytes, virtualSizeBytes }'],
  );
  command.action((path: string, options: unknown) =>
    run((context) => digest(context, path, diskOptions.parse(options))),
  );
}
