import type { Command } from 'commander';
import { ChunkDigests } from '../../../agent/disks/digest';
import type { Disk } from '../../../agent/disks/image';
import { changedRanges, type ChangedRange } from '../../../agent/disks/merkle/changed-ranges';
import type { ChunkList } from '../../../agent/disks/merkle/chunk-list';
import type { CommandResult, Context } from '../../context';
import { formatBytes } from '../../output/format';
import { examples, type Run } from '../command';
import { failureOfDisk } from './failure';
import { assertOfSize, withChunkList } from './list';
import { diskCommand, diskOptions, type DiskOptions } from './options';
import { Progress } from './progress';
import { withDisk } from './source';

const numberWidth = 15;

/** Tells each range as it is found; answers the bytes of all. */
async function tellAll(context: Context, disk: Disk, list: ChunkList, options: DiskOptions): Promise<number> {
  assertOfSize(list, disk);
  // A list that is damaged anywhere is of no use, and is not to be found out at the end of a disk that took hours.
  await list.merkleRoot();
  const progress = new Progress(context);
  const reading = { disk, scope: 'all', signal: context.signal, report: progress.report } as const;
  let changedBytes = 0;
  try {
    const digests = new ChunkDigests(reading).ascending();
    for await (const range of changedRanges(disk.virtualSizeBytes, digests, list.ascending())) {
      progress.end();
      changedBytes += range.lengthBytes;
      tell(context, range, options);
    }
    return changedBytes;
  } finally {
    progress.end();
  }
}

function tell(context: Context, range: ChangedRange, { json }: DiskOptions): void {
  if (json) context.output.jsonLine(range);
  else
    context.output.line(
      `${String(range.offsetBytes).padStart(numberWidth)} ${String(range.lengthBytes).padStart(numberWidth)}  changed`,
    );
}

function changes(context: Context, path: string, listPath: string, options: DiskOptions): Promise<CommandResult> {
  return withDisk(path, options, async (disk) => {
    const told = await withChunkList({ path: listPath, field: 'LIST' }, (list) =>
      tellAll(context, disk, list, options),
    );
    if (!told.ok) return failureOfDisk(told.failure);
    if (!options.json)
      context.output.line(
        told.value === 0 ? 'nothing is changed' : `${formatBytes(told.value)} of chunks in which something is changed`,
      );
    return told.value === 0 ? 'done' : 'different';
  });
}

/** `hyperferry disk changes FILE LIST` */
export function registerChanges(disk: Command, run: Run): void {
  const command = diskCommand(
    disk,
    'changes <FILE> <LIST>',
    'say which chunks of a disk are not as a chunk list has them; the disk that the list was made of is not needed',
  );
  examples(
    command,
    ['disk changes web01.vhdx web01.chunks', 'one line for each run of changed chunks; exit code 8 if there are any'],
    ['disk changes web01.vhdx web01.chunks --json', 'one document a line: { offsetBytes, lengthBytes }'],
    [
      'receipt verify R.json --chunks scsi-0-0=web01.chunks',
      'says first whether the list is of the disk that was moved',
    ],
  );
  command.action((path: string, list: string, options: unknown) =>
    run((context) => changes(context, path, list, diskOptions.parse(options))),
  );
}
