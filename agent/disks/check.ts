import { setImmediate } from 'node:timers/promises';
import { succeeded, type Failure, type Outcome } from '../../contracts/failure';
import type { WorkProgress } from './digest';
import { DiskError } from './failures';
import { nodeFiles, type DiskFiles } from './file';
import type { ReadableImage } from './image';
import { formatOf, openImage } from './open-image';
import { inspectVhd, type VhdFacts } from './vhd/inspect';
import { inspectVhdx, type VhdxFacts } from './vhdx/inspect';

/** What a check found in one file. `damage`: it cannot be read as it should; `notice`: it can, and something should be known. */
export type Finding = {
  readonly level: 'damage' | 'notice';
  readonly message: string;
  readonly remedy: string;
};

export type ImageCheck = {
  readonly path: string;
  readonly findings: readonly Finding[];
  /** Bytes that the tables say are data; undefined where they cannot be read. */
  readonly dataBytes: number | undefined;
};

export type CheckOptions = {
  readonly files?: DiskFiles;
  readonly signal: AbortSignal;
  readonly report: (progress: WorkProgress) => void;
};

const sliceBytes = 2 ** 38;

/**
 * Looks at every structure of one image: headers and copies, log, region tables, metadata, each entry of the table of blocks, each sector
 * bitmap. Data is not read. The file is not changed, and damage is a finding, not a failure.
 *
 * Failures: `IoFailed` when the file cannot be opened.
 */
export async function checkImage(path: string, options: CheckOptions): Promise<Outcome<ImageCheck>> {
  const files = options.files ?? nodeFiles;
  const format = await formatOf(path, files);
  if (!format.ok) return damagedBy(path, format.failure);
  const facts = format.value === 'vhd' ? await inspectVhd(path, files) : await inspectVhdx(path, files);
  if (!facts.ok) return damagedBy(path, facts.failure);
  const findings = 'footers' in facts.value ? vhdFindings(facts.value) : vhdxFindings(facts.value);
  const opened = await openImage(path, { access: 'read', files });
  if (!opened.ok) return damagedBy(path, opened.failure, findings);
  try {
    const dataBytes = await walk(opened.value, options);
    return succeeded({ path, findings, dataBytes });
  } catch (thrown) {
    if (!(thrown instanceof DiskError)) throw thrown;
    return damagedBy(path, thrown.failure, findings);
  } finally {
    await opened.value.close();
  }
}

function damagedBy(path: string, failure: Failure, before: readonly Finding[] = []): Outcome<ImageCheck> {
  if (failure.code === 'IoFailed') return { ok: false, failure };
  const finding: Finding = { level: 'damage', message: failure.message, remedy: failure.remedy ?? '' };
  return succeeded({ path, findings: [...before, finding], dataBytes: undefined });
}

async function walk(image: ReadableImage, { signal, report }: CheckOptions): Promise<number> {
  const { virtualSizeBytes } = image.shape;
  let dataBytes = 0;
  for (let from = 0; from < virtualSizeBytes && !signal.aborted; from += sliceBytes) {
    for (const extent of image.extents(from, from + sliceBytes))
      if (extent.kind === 'data') dataBytes += extent.lengthBytes;
    report({ bytesDone: Math.min(virtualSizeBytes, from + sliceBytes), bytesTotal: virtualSizeBytes });
    await setImmediate();
  }
  return dataBytes;
}

const notice = (message: string, remedy: string): Finding => ({ level: 'notice', message, remedy });
const mendedByWriting = 'Nothing has to be done: the next program that opens it for writing puts that in order.';

function vhdFindings({ footers, isInSavedState }: VhdFacts): Finding[] {
  const findings: Finding[] = [];
  if (footers.end !== 'intact')
    findings.push(
      notice('the footer at the end is lost, as after a power loss; the copy at the start counts', mendedByWriting),
    );
  if (footers.copy === 'other')
    findings.push(notice('the copy of the footer is older than the footer', mendedByWriting));
  else if (footers.copy === 'absent' || footers.copy === 'broken')
    findings.push(notice('the copy of the footer is damaged; the footer at the end counts', mendedByWriting));
  if (isInSavedState)
    findings.push(notice('it belongs to a VM in saved state', 'Changing it would make the saved state useless.'));
  return findings;
}

function vhdxFindings({ headers, regionTables, log, replayedSectors }: VhdxFacts): Finding[] {
  const findings: Finding[] = [];
  if (headers.includes('torn'))
    findings.push(notice('one of the two headers is damaged; the other counts', mendedByWriting));
  if (regionTables.includes('torn'))
    findings.push(notice('one of the two region tables is damaged; the other counts', 'Copy the disk to a new file.'));
  if (log === 'to-replay')
    findings.push(
      notice(
        `it was not closed: its log must be replayed, ${replayedSectors} pieces of 4 KiB; all of the log is intact`,
        'Attach it to a VM once, or let hyperferry write to it; programs that read without a replay show old data.',
      ),
    );
  return findings;
}
