import type { Command } from 'commander';
import { z } from 'zod';
import { ChunkDigests } from '../../../agent/disks/digest';
import { DiskError, outcomeOf, valueOf } from '../../../agent/disks/failures';
import type { Disk } from '../../../agent/disks/image';
import { proveChunk, rootByProof, type ChunkProof } from '../../../agent/disks/merkle/chunk-proof';
import { chunkLengthAt } from '../../../agent/disks/merkle/nodes';
import { failureOf } from '../../../contracts/failure';
import type { CommandResult, Context } from '../../context';
import { badInput } from '../../failure';
import { parseBytes } from '../../parse';
import { examples, type Run } from '../command';
import { failureOfDisk } from './failure';
import { assertOfSize, withChunkList } from './list';
import { diskCommand, diskOptions } from './options';
import { Progress } from './progress';
import type { ProofDocument } from './proof-document';
import { withDisk } from './source';

const proveOptions = diskOptions.extend({ chunks: z.string().min(1).optional() });
type ProveOptions = z.infer<typeof proveOptions>;
type Proven = { readonly proof: ChunkProof; readonly merkleRoot: string };

/** From the list where there is one; otherwise the whole disk is read. */
async function proofOf(context: Context, disk: Disk, offsetBytes: number, listPath?: string): Promise<Proven> {
  const of = { virtualSizeBytes: disk.virtualSizeBytes, offsetBytes };
  if (listPath !== undefined)
    return valueOf(
      await withChunkList({ path: listPath, field: '--chunks' }, (list) => {
        assertOfSize(list, disk);
        return proveChunk(of, list.ascending());
      }),
    );
  const progress = new Progress(context);
  const reading = { disk, scope: 'all', signal: context.signal, report: progress.report } as const;
  return proveChunk(of, new ChunkDigests(reading).ascending()).finally(() => progress.end());
}

/** Reads the chunk last, and answers nothing that does not prove it. */
async function documentOf(context: Context, disk: Disk, offset: number, options: ProveOptions): Promise<ProofDocument> {
  const { proof, merkleRoot } = await proofOf(context, disk, offset, options.chunks);
  const bytes = Buffer.alloc(chunkLengthAt(proof.virtualSizeBytes, proof.offsetBytes));
  await disk.read(bytes, proof.offsetBytes);
  if (rootByProof(proof, bytes) === merkleRoot)
    return { schema: 1, merkleRoot, ...proof, bytesBase64: bytes.toString('base64') };
  const what = options.chunks === undefined ? 'was changed while the disk was read' : 'is not as the chunk list has it';
  const remedy = 'Take a disk that stands still, and the chunk list that was made of it.';
  throw new DiskError(
    failureOf('DigestMismatch', { message: `the chunk at offset ${proof.offsetBytes} ${what}`, remedy }),
  );
}

function prove(context: Context, path: string, offsetText: string, options: ProveOptions): Promise<CommandResult> {
  return withDisk(path, options, async (disk) => {
    const offset = parseBytes(offsetText);
    if (offset === undefined || offset >= disk.virtualSizeBytes)
      return badInput('there is no such offset on the disk', {
        field: 'OFFSET',
        value: offsetText,
        remedy: `Write bytes, or a number with a unit such as 5GiB, below ${disk.virtualSizeBytes}.`,
      });
    const made = await outcomeOf(() => documentOf(context, disk, offset, options));
    if (!made.ok) return failureOfDisk(made.failure);
    context.output.json(made.value);
    return 'done';
  });
}

/** `hyperferry disk prove FILE OFFSET` */
export function registerProve(disk: Command, run: Run): void {
  const command = diskCommand(
    disk,
    'prove <FILE> <OFFSET>',
    'print what shows to whoever has the receipt what the moved disk held in one chunk: the chunk, and a node a level',
  ).option('--chunks <list>', 'take the digests from this chunk list of the disk, in place of reading all of it');
  examples(
    command,
    ['disk prove web01.vhdx 5GiB > proof.json', 'of the chunk of 1 MiB with that byte; reads the whole disk'],
    ['disk prove web01.vhdx 5GiB --chunks web01.chunks > proof.json', 'reads that chunk alone'],
    ['receipt verify R.json --proof scsi-0-0=proof.json', 'needs neither the disk nor the list'],
  );
  command.action((path: string, offset: string, options: unknown) =>
    run((context) => prove(context, path, offset, proveOptions.parse(options))),
  );
}
