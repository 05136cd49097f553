import type { Command } from 'commander';
import { resolve } from 'node:path';
import { resizeImage } from '../../../agent/disks/open-image';
import type { CommandResult, Context } from '../../context';
import { badInput } from '../../failure';
import { formatBytes } from '../../output/format';
import { examples, type Run } from '../command';
import { failureOfDisk } from './failure';
import { diskCommand, diskOptions, guidSource, sizeOf, type DiskOptions } from './options';
import { isRaw } from './source';

async function resize(context: Context, path: string, sizeText: string, options: DiskOptions): Promise<CommandResult> {
  const size = sizeOf(sizeText, 'SIZE');
  if (!size.ok) return size.failure;
  if (isRaw(path, options))
    return badInput('a raw image has no size of its own', { field: 'FILE', value: path, remedy: 'Convert it first.' });
  const resized = await resizeImage(resolve(path), size.value, { newGuid: guidSource(context) });
  if (!resized.ok) return failureOfDisk(resized.failure);
  if (options.json) context.output.json({ path: resolve(path), virtualSizeBytes: size.value });
  else context.output.line(`${path} has ${formatBytes(size.value)} (${size.value} bytes)`);
  return 'done';
}

/** `hyperferry disk resize FILE SIZE` */
export function registerResize(disk: Command, run: Run): void {
  const command = diskCommand(
    disk,
    'resize <FILE> <SIZE>',
    'make a disk without a parent larger; what is added reads zero, and children of the old size no longer fit it',
  );
  examples(command, ['disk resize web01.vhdx 200GiB', 'the partitions inside are the guest’s to grow']);
  command.action((path: string, size: string, options: unknown) =>
    run((context) => resize(context, path, size, diskOptions.parse(options))),
  );
}
