import { afterwards } from '../../contracts/afterwards';
import { digestDisk } from '../../agent/disks/digest';
import { rootByProof } from '../../agent/disks/merkle/chunk-proof';
import type { Receipt } from '../../contracts/receipt';
import { bad, good, type Context, type Result } from '../context';
import { badInput, type CliFailure } from '../failure';
import { formatBytes } from '../output/format';
import { parseField } from '../parse';
import { failureOfDisk } from './disk/failure';
import { withChunkList } from './disk/list';
import type { DiskOptions } from './disk/options';
import { Progress } from './disk/progress';
import { proofDocument, proofFileBytesMax } from './disk/proof-document';
import { openForReading } from './disk/source';
import { readDocument } from './document-file';

const evidenceKinds = ['disk', 'chunks', 'proof'] as const;
type EvidenceKind = (typeof evidenceKinds)[number];

/** A file that is held against a receipt: a disk, its chunk list, or the proof of one of its chunks. */
export type Evidence = { readonly kind: EvidenceKind; readonly diskId: string; readonly path: string };

/** `matches`: what it is of is the disk that was moved, as both hosts had it. */
export type Judged = Evidence & { readonly matches: boolean; readonly what: string };

/** What a file says: the Merkle root that follows from it, and what that is about. */
type Found = { readonly merkleRoot: string; readonly what: string };

/** What the command line names: `scsi-0-0=FILE` for each kind, again and again. */
export function parseEvidence(named: Readonly<Record<EvidenceKind, readonly string[]>>): Result<Evidence[]> {
  const all: Evidence[] = [];
  for (const kind of evidenceKinds)
    for (const text of named[kind]) {
      const one = parseOne(kind, text);
      if (!one.ok) return one;
      all.push(one.value);
    }
  return good(all);
}

function parseOne(kind: EvidenceKind, text: string): Result<Evidence> {
  const at = text.indexOf('=');
  if (at > 0 && at < text.length - 1) return good({ kind, diskId: text.slice(0, at), path: text.slice(at + 1) });
  const remedy = 'Write the id of the disk in the receipt, an equals sign and the file: scsi-0-0=web01.vhdx.';
  return bad(badInput('it is not said which disk that is', { field: `--${kind}`, value: text, remedy }));
}

/**
 * Holds files against a receipt that is known to be genuine, one after the other; none is read before it is known of all that the receipt
 * has something to say of them: a disk takes hours.
 */
export async function judgeAll(
  context: Context,
  receipt: Receipt,
  evidence: readonly Evidence[],
  options: DiskOptions,
): Promise<Result<Judged[]>> {
  const asked: (Evidence & { readonly wantedRoot: string })[] = [];
  for (const one of evidence) {
    const wanted = rootOf(receipt, one);
    if (!wanted.ok) return wanted;
    asked.push({ ...one, wantedRoot: wanted.value });
  }
  const judged: Judged[] = [];
  for (const { wantedRoot, ...one } of asked) {
    const found = await foundIn(context, one, options);
    if (!found.ok) return found;
    const { merkleRoot, what } = found.value;
    judged.push({ ...one, matches: merkleRoot === wantedRoot, what });
  }
  return good(judged);
}

/** The Merkle root that a receipt has of a whole disk. */
function rootOf({ verified, request }: Receipt, { kind, diskId }: Evidence): Result<string> {
  const disk = verified.find((one) => one.diskId === diskId);
  if (disk === undefined) {
    const known = verified.map((one) => one.diskId).join(', ');
    const remedy = known === '' ? 'This run compared no disks.' : `Name one of: ${known}.`;
    return bad(badInput('the receipt has no such disk', { field: `--${kind}`, value: diskId, remedy }));
  }
  if (!('merkleRoot' in disk))
    return bad(
      hasNoRoot('It is of a version that told a digest of another kind.', 'There is nothing to hold it against.'),
    );
  if ('verify' in request.policy && request.policy.verify === 'all') return good(disk.merkleRoot);
  return bad(
    hasNoRoot(
      'Its policy was verify: changed, so its Merkle root is of the chunks alone that were read again at both ends.',
      'Where a whole disk has to be shown afterwards, move it with the policy verify: all.',
    ),
  );
}

const hasNoRoot = (detail: string, remedy: string): CliFailure => ({
  exit: 'refused',
  title: 'the receipt says nothing of the whole disk',
  detail,
  remedy,
});

function foundIn(context: Context, { kind, path }: Evidence, options: DiskOptions): Promise<Result<Found>> {
  switch (kind) {
    case 'disk':
      return ofDisk(context, path, options);
    case 'chunks':
      return ofList(path);
    case 'proof':
      return ofProof(path);
  }
}

async function ofDisk(context: Context, path: string, options: DiskOptions): Promise<Result<Found>> {
  const opened = await openForReading(path, options);
  if (!opened.ok) return bad(failureOfDisk(opened.failure));
  const disk = opened.value;
  const progress = new Progress(context);
  const reading = { disk, scope: 'all', signal: context.signal, report: progress.report } as const;
  const digested = await afterwards(digestDisk(reading), () => {
    progress.end();
    return disk.close();
  });
  if (!digested.ok) return bad(failureOfDisk(digested.failure));
  return good({ merkleRoot: digested.value.merkleRoot, what: `all ${formatBytes(disk.virtualSizeBytes)} of it` });
}

async function ofList(path: string): Promise<Result<Found>> {
  const root = await withChunkList({ path, field: '--chunks' }, async (list) => ({
    merkleRoot: await list.merkleRoot(),
    what: `the chunks of a disk of ${formatBytes(list.virtualSizeBytes)}`,
  }));
  return root.ok ? good(root.value) : bad(failureOfDisk(root.failure));
}

async function ofProof(path: string): Promise<Result<Found>> {
  const help = { field: '--proof', next: 'hyperferry disk prove --help', tooLong: 'Name a file of disk prove.' };
  const read = await readDocument(path, help, proofFileBytesMax);
  if (!read.ok) return read;
  const parsed = parseField(proofDocument, read.value, '--proof');
  if (!parsed.ok) return parsed;
  const { offsetBytes, bytesBase64 } = parsed.value;
  const bytes = Buffer.from(bytesBase64, 'base64');
  const merkleRoot = rootByProof(parsed.value, bytes);
  if (merkleRoot !== undefined)
    return good({ merkleRoot, what: `${formatBytes(bytes.length)} at offset ${offsetBytes}` });
  const detail =
    'its virtualSizeBytes, its offsetBytes, the number of nodes beside and the number of bytes do not go together';
  const remedy = 'Make it again: hyperferry disk prove FILE OFFSET.';
  return bad(badInput(`${path} is no proof`, { detail, field: '--proof', value: path, remedy }));
}
