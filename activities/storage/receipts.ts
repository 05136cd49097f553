import { z } from 'zod';
import { failed, failureOf, succeeded, type Outcome } from '../../contracts/failure';
import type { RunId } from '../../contracts/ids';
import { receipt, type Receipt } from '../../contracts/receipt';
import type { Documents } from './documents';

const pathOf = (run: RunId): string => `receipts/${run}.json`;

/** A receipt just as it was written: what a later version would add to it was not signed. */
const asWritten = z.unknown().refine((document) => receipt.safeParse(document).success, 'not a receipt');

export const readReceipt = async (documents: Documents, run: RunId): Promise<Outcome<unknown>> => {
  const stored = await documents.read(pathOf(run), asWritten);
  return stored.ok ? succeeded(stored.value?.value) : stored;
};

/** Writes a receipt, or writes it again when the activity that did so is repeated. */
export async function saveReceipt(documents: Documents, value: Receipt): Promise<Outcome<void>> {
  const created = await documents.create(pathOf(value.runId), value);
  if (!created.ok) return created;
  if (created.value === 'created') return succeeded(undefined);
  const stored = await documents.read(pathOf(value.runId), asWritten);
  if (!stored.ok) return stored;
  const replaced = await documents.replace(pathOf(value.runId), value, stored.value?.etag ?? '');
  if (!replaced.ok) return replaced;
  if (replaced.value === 'replaced') return succeeded(undefined);
  return failed(failureOf('StorageUnavailable', { message: 'The receipt is being written by another.' }));
}
