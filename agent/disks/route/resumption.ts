import { lstat, rm } from 'node:fs/promises';
import { failed, failureOf, succeeded, type Outcome } from '../../../contracts/failure';
import type { RunId } from '../../../contracts/ids';
import type { OperationOutput, PullSubject } from '../../../contracts/operations';
import { isMissing } from '../../files';
import { ioError } from '../failures';
import type { TargetContent } from './content';
import { reopenTarget } from './content-store';
import type { RouteImages } from './route-images';
import { nothingReceived, openJournal, type FoundJournal, type Journal } from './journal';
import type { Beginning, Received } from './journal-records';

export type ResumptionRequest = {
  readonly runId: RunId;
  /** The copy. */
  readonly path: string;
  readonly journalPath: string;
  readonly subject: PullSubject;
  /** What the ledger holds of this transfer; null when it holds nothing. */
  readonly ledgerWatermarkBytes: number | null;
  readonly images: RouteImages;
};

/** Where an attempt stands before it has heard of the source. The journal, where there is one, is for the caller to close. */
export type Resumption =
  | { readonly kind: 'finished'; readonly output: OperationOutput<'pull'> }
  | { readonly kind: 'fresh'; readonly journal: Journal; readonly received: Received }
  | {
      readonly kind: 'resumed';
      readonly journal: Journal;
      readonly target: TargetContent;
      readonly beginning: Beginning;
    };

/**
 * Finds out what earlier attempts left: a finished copy, one to go on with, or nothing of worth, in which case what they left is removed.
 * `JournalDamaged`: the ledger says that there was progress, and journal and copy do not bear it out. `DestinationOccupied`: a file of that
 * name is there that no journal speaks of.
 */
export async function findResumption(request: ResumptionRequest): Promise<Outcome<Resumption>> {
  const opened = await openJournal(request.journalPath);
  if (!opened.ok) return opened;
  const { journal } = opened.value;
  const resumption = await resumptionOf(request, opened.value);
  if (!resumption.ok || resumption.value.kind === 'finished') await journal.close();
  return resumption;
}

async function resumptionOf(request: ResumptionRequest, found: FoundJournal): Promise<Outcome<Resumption>> {
  const { journal } = found;
  const { beginning, mark, output } = journal.content;
  const ledgerBytes = request.ledgerWatermarkBytes ?? 0;
  const distrusted = (reason: string): Promise<Outcome<Resumption>> => startOver(request, found, reason);

  if (found.damage !== undefined) return distrusted(found.damage);
  if (beginning === undefined) return distrusted(found.existed ? 'it is empty' : 'it is not there');
  if (beginning.runId !== request.runId) return distrusted(`it is of run ${beginning.runId}`);
  if (beginning.path !== request.path) return distrusted(`it is of ${beginning.path}`);
  const isThere = await fileIsThere(request.path);
  if (!isThere.ok) return isThere;
  if (output !== undefined && isThere.value) return succeeded({ kind: 'finished', output });
  if (mark.watermarkBytes < ledgerBytes)
    return distrusted(`its watermark is ${mark.watermarkBytes}, that of the ledger is ${ledgerBytes}`);
  if (mark.watermarkBytes === 0) return distrusted('it has no progress');
  if (!isThere.value) return distrusted(`${request.path} is not there`);
  const target = await reopenTarget(request.images, request.path, beginning.facts);
  if (target.ok) return succeeded({ kind: 'resumed', journal, target: target.value, beginning });
  return target.failure.code === 'JournalDamaged' ? distrusted(target.failure.message) : target;
}

/** Only what the ledger does not count on may be thrown away. */
async function startOver(
  request: ResumptionRequest,
  { damage, journal }: FoundJournal,
  reason: string,
): Promise<Outcome<Resumption>> {
  const { path, journalPath, ledgerWatermarkBytes } = request;
  if ((ledgerWatermarkBytes ?? 0) > 0)
    return failed(
      failureOf('JournalDamaged', { message: `the journal ${journalPath} cannot be gone on with: ${reason}` }),
    );
  const { beginning, received } = journal.content;
  // What changes go into was there before and stays: all of a round may be written again.
  if (request.subject.type === 'changes') return succeeded({ kind: 'fresh', journal, received });
  // A copy is made after its journal: where there is no journal, a file of that name is not ours to remove.
  const isOurs = damage !== undefined || beginning?.path === path;
  if (!isOurs) {
    const isThere = await fileIsThere(path);
    if (!isThere.ok) return isThere;
    if (isThere.value) return failed(failureOf('DestinationOccupied', { message: `${path} is there already` }));
    return succeeded({ kind: 'fresh', journal, received: nothingReceived });
  }
  try {
    await rm(path, { force: true });
  } catch (thrown) {
    return failed(ioError(thrown, 'removing what an earlier attempt left', path, 'applied').failure);
  }
  return succeeded({ kind: 'fresh', journal, received });
}

async function fileIsThere(path: string): Promise<Outcome<boolean>> {
  try {
    await lstat(path);
    return succeeded(true);
  } catch (thrown) {
    if (isMissing(thrown)) return succeeded(false);
    return failed(ioError(thrown, 'looking for the copy', path, 'applied').failure);
  }
}
