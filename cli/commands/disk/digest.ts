import { afterwards } from '../../../contracts/afterwards';
import type { Command } from 'commander';
import { resolve } from 'node:path';
import { z } from 'zod';
import { chunkBytes } from '../../../agent/disks/chunks';
import { ChunkDigests, digestDisk, type DiskDigest, type ReadingChunks } from '../../../agent/disks/digest';
import { ioError, outcomeOf } from '../../../agent/disks/failures';
import { ChunkListLines } from '../../../agent/disks/merkle/chunk-list';
import { writeFileDurably } from '../../../agent/files';
import type { Outcome } from '../../../contracts/failure';
import type { CommandResult, Context } from '../../context';
import { formatBytes } from '../../output/format';
import { examples, type Run } from '../command';
import { failureOfDisk } from './failure';
import { assertReplaceable } from './list';
import { diskCommand, diskOptions } from './options';
import { Progress } from './progress';
import { openForReading } from './source';

const digestOptions = diskOptions.extend({ chunks: z.string().min(1).optional() });
type DigestOptions = z.infer<typeof digestOptions>;

/** Writes the chunk list on the way; an older one is replaced when all of the new one is written. */
function listDisk(reading: ReadingChunks, listPath: string): Promise<Outcome<DiskDigest>> {
  return outcomeOf(async () => {
    await assertReplaceable(listPath);
    const digests = new ChunkDigests(reading);
    const list = new ChunkListLines(reading.disk.virtualSizeBytes, digests.ascending());
    try {
      await writeFileDurably(resolve(listPath), list.lines());
    } catch (thrown) {
      throw ioError(thrown, 'writing', listPath, 'none');
    }
    return { merkleRoot: list.merkleRoot, bytesRead: digests.bytesRead };
  });
}

async function digest(context: Context, path: string, options: DigestOptions): Promise<CommandResult> {
  const disk = await openForReading(path, options);
  if (!disk.ok) return failureOfDisk(disk.failure);
  const progress = new Progress(context);
  const reading = { disk: disk.value, scope: 'all', signal: context.signal, report: progress.report } as const;
  const digesting = options.chunks === undefined ? digestDisk(reading) : listDisk(reading, options.chunks);
  const digested = await afterwards(digesting, () => {
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
  ).option('--chunks <list>', 'write the BLAKE3 of each chunk of 1 MiB to this file as well, 82 bytes for each');
  examples(
    command,
    ['disk digest web01.vhdx', 'what a receipt with verify: all has for this disk, if nothing was written since'],
    ['disk digest web01.vhdx --chunks web01.chunks', 'for disk changes and disk prove, later and without this disk'],
    ['disk digest web01.vhdx --json', '{ merkleRoot, bytesRead, algorithm, chunkBytes, virtualSizeBytes }'],
  );
  command.action((path: string, options: unknown) =>
    run((context) => digest(context, path, digestOptions.parse(options))),
  );
}
