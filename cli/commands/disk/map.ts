import type { Command } from 'commander';
import { setImmediate } from 'node:timers/promises';
import { diskSegments, type DiskSegment } from '../../../agent/disks/disk-segments';
import { outcomeOf } from '../../../agent/disks/failures';
import type { Disk } from '../../../agent/disks/image';
import type { CommandResult, Context } from '../../context';
import { formatBytes } from '../../output/format';
import { examples, type Run } from '../command';
import { failureOfDisk } from './failure';
import { diskCommand, diskOptions, type DiskOptions } from './options';
import { withDisk } from './source';

const numberWidth = 15;
/** Lines between two moments in which the output can flow off. */
const linesAtOnce = 500;

function lineOf({ offsetBytes, lengthBytes, kind, imageIndex }: DiskSegment): string {
  const [offset, length] = [offsetBytes, lengthBytes].map((value) => String(value).padStart(numberWidth));
  return `${offset ?? ''} ${length ?? ''}  ${kind}  ${imageIndex}`;
}

function head(context: Context, disk: Disk): void {
  for (const [index, image] of disk.images.entries()) context.output.line(`image ${index}: ${image.path}`);
  context.output.line(`${'OFFSET'.padStart(numberWidth)} ${'LENGTH'.padStart(numberWidth)}  KIND  IMAGE`);
}

async function printAll(context: Context, disk: Disk, { json }: DiskOptions): Promise<number> {
  let dataBytes = 0;
  let lines = 0;
  for (const segment of diskSegments(disk.images)) {
    if (context.signal.aborted) break;
    if (segment.kind === 'data') dataBytes += segment.lengthBytes;
    if (json) context.output.jsonLine(segment);
    else context.output.line(lineOf(segment));
    if (++lines % linesAtOnce === 0) await setImmediate();
  }
  return dataBytes;
}

function map(context: Context, path: string, options: DiskOptions): Promise<CommandResult> {
  return withDisk(path, options, async (disk) => {
    if (!options.json) head(context, disk);
    const printed = await outcomeOf(() => printAll(context, disk, options));
    if (!printed.ok) return failureOfDisk(printed.failure);
    if (context.signal.aborted) return 'interrupted';
    const { virtualSizeBytes } = disk;
    if (!options.json)
      context.output.line(`${formatBytes(printed.value)} of data on a disk of ${formatBytes(virtualSizeBytes)}`);
    return 'done';
  });
}

/** `hyperferry disk map FILE` */
export function registerMap(disk: Command, run: Run): void {
  const command = diskCommand(
    disk,
    'map <FILE>',
    'list which parts of a disk hold data, and in which image of its chain',
  );
  examples(
    command,
    ['disk map web01.vhdx', 'one line for each run of data or zeros; what is in no line reads zero'],
    ['disk map web01.vhdx --json', 'one document a line: { offsetBytes, lengthBytes, kind, imageIndex }'],
  );
  command.action((path: string, options: unknown) => run((context) => map(context, path, diskOptions.parse(options))));
}
