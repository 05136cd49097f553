import { z } from 'zod';
import { failed, failureOf, succeeded, type Outcome } from '../../contracts/failure';
import { runId, type RunId } from '../../contracts/ids';
import type { OperationProgress } from '../../contracts/operations';
import type { Documents } from './documents';

/** The durable record of one file's transfer: up to where it is durable at the destination, and the digest of its content up to there. */
const ledgerEntry = z.object({
  schema: z.literal(1),
  runId,
  name: z.string(),
  watermarkBytes: z.int().nonnegative(),
  digestSoFar: z.string(),
  resentBytes: z.int().nonnegative(),
  updatedAt: z.iso.datetime(),
});
export type LedgerEntry = z.infer<typeof ledgerEntry>;

const pathOf = (run: RunId, name: string): string => `ledgers/${run}/${name}.json`;

/** A writer that lost the race for the ETag this often gives the look up: the next one brings the ledger on. */
const raceAttemptsMax = 4;

export const readLedger = async (
  documents: Documents,
  run: RunId,
  name: string,
): Promise<Outcome<LedgerEntry | undefined>> => {
  const stored = await documents.read(pathOf(run, name), ledgerEntry);
  return stored.ok ? succeeded(stored.value?.value) : stored;
};

/** Moves the watermark of a transfer forward. One that is not ahead of the ledger changes nothing: looks may arrive out of order. */
export async function advanceLedger(
  documents: Documents,
  run: RunId,
  name: string,
  progress: OperationProgress,
  now: Date,
): Promise<Outcome<void>> {
  if (progress.watermarkBytes === undefined) return succeeded(undefined);
  const entry: LedgerEntry = {
    schema: 1,
    runId: run,
    name,
    watermarkBytes: progress.watermarkBytes,
    digestSoFar: progress.digestSoFar ?? '',
    resentBytes: progress.resentBytes ?? 0,
    updatedAt: now.toISOString(),
  };
  for (let attempt = 1; attempt <= raceAttemptsMax; attempt += 1) {
    const stored = await documents.read(pathOf(run, name), ledgerEntry);
    if (!stored.ok) return stored;
    if (stored.value !== undefined && stored.value.value.watermarkBytes >= entry.watermarkBytes)
      return succeeded(undefined);
    const written =
      stored.value === undefined
        ? await documents.create(pathOf(run, name), entry)
        : await documents.replace(pathOf(run, name), entry, stored.value.etag);
    if (!written.ok) return written;
    if (written.value === 'created' || written.value === 'replaced') return succeeded(undefined);
  }
  return failed(
    failureOf('StorageUnavailable', { message: `The ledger of ${name} is being written by too many at once.` }),
  );
}
