import type { Command } from 'commander';
import { resolve } from 'node:path';
import { formatOf, openImageAs } from '../../../agent/disks/open-image';
import { openRaw } from '../../../agent/disks/raw';
import { succeeded, type Outcome } from '../../../contracts/failure';
import type { ReadableImage } from '../../../agent/disks/image';
import type { CommandResult, Context } from '../../context';
import { examples, type Run } from '../command';
import { failureOfDisk } from './failure';
import { diskCommand, diskOptions, type DiskOptions } from './options';
import { runCopy } from './run-copy';
import { identityOf, isRaw } from './source';
import type { Wanted } from './target';

async function openOne(
  path: string,
  options: DiskOptions,
): Promise<Outcome<{ image: ReadableImage; format: Wanted['format'] }>> {
  if (isRaw(path, options)) {
    const raw = await openRaw(path, 'read');
    return raw.ok ? succeeded({ image: raw.value, format: 'raw' }) : raw;
  }
  const format = await formatOf(path);
  if (!format.ok) return format;
  const image = await openImageAs(format.value, path, { access: 'read' });
  return image.ok ? succeeded({ image: image.value, format: format.value }) : image;
}

async function copy(context: Context, path: string, target: string, options: DiskOptions): Promise<CommandResult> {
  const opened = await openOne(resolve(path), options);
  if (!opened.ok) return failureOfDisk(opened.failure);
  const { image, format } = opened.value;
  try {
    const identity = await identityOf([image]);
    if (!identity.ok) return failureOfDisk(identity.failure);
    const source = {
      virtualSizeBytes: image.shape.virtualSizeBytes,
      extents: (fromBytes: number) => image.extents(fromBytes),
      read: (bytes: Uint8Array, offsetBytes: number) => image.read(bytes, offsetBytes),
      identity: `copy of ${identity.value}`,
    };
    if (image.shape.parent !== undefined)
      context.output.note('this is a differencing disk: its parent is not copied (disk convert makes one whole disk)');
    return await runCopy(context, source, target, { format, shape: image.shape }, options);
  } finally {
    await image.close();
  }
}

/** `hyperferry disk copy FILE TARGET` */
export function registerCopy(disk: Command, run: Run): void {
  const command = diskCommand(
    disk,
    'copy <FILE> <TARGET>',
    'copy one disk file, as sparse as it is, with its ids; stopped in any way, the same command goes on with it',
  );
  examples(
    command,
    [
      'disk copy web01.vhdx /backup/web01.vhdx',
      'writes TARGET.partial, reads back what it wrote, then gives it its name',
    ],
    [
      'disk copy web01.vhdx /backup/web01.vhdx',
      'after Ctrl-C, or anything else: goes on; 64 MiB at most are copied again',
    ],
  );
  command.action((path: string, target: string, options: unknown) =>
    run((context) => copy(context, path, target, diskOptions.parse(options))),
  );
}
