import { batchDocument, type BatchDocument } from '../../contracts/batch';
import { succeeded, type Outcome } from '../../contracts/failure';
import { batchId, type BatchId } from '../../contracts/ids';
import type { Documents } from './documents';

const batches = 'batches/';
/** One empty document for each batch that has not started, named by its time: the timer reads no more than is due. */
const due = 'due/';

const pathOf = (id: BatchId): string => `${batches}${id}.json`;
const duePathOf = (batch: Pick<BatchDocument, 'id' | 'startAt'>): string =>
  `${due}${new Date(batch.startAt).toISOString()}_${batch.id}`;

export const createBatch = (documents: Documents, batch: BatchDocument): Promise<Outcome<'created' | 'exists'>> =>
  documents.create(pathOf(batch.id), batch);

export const readBatchDocument = async (
  documents: Documents,
  id: BatchId,
): Promise<Outcome<BatchDocument | undefined>> => {
  const stored = await documents.read(pathOf(id), batchDocument);
  return stored.ok ? succeeded(stored.value?.value) : stored;
};

export async function listBatchIds(documents: Documents): Promise<Outcome<BatchId[]>> {
  const paths = await documents.list(batches);
  if (!paths.ok) return paths;
  return succeeded(
    paths.value.flatMap((path) => batchId.safeParse(path.slice(batches.length, -'.json'.length)).data ?? []),
  );
}

/** Has the timer start a batch at its time. */
export const schedule = (documents: Documents, batch: BatchDocument): Promise<Outcome<'created' | 'exists'>> =>
  documents.create(duePathOf(batch), {});

/** Batches whose time has come and that have not been unscheduled, by time. */
export async function dueBatches(documents: Documents, now: Date): Promise<Outcome<{ id: BatchId; path: string }[]>> {
  const paths = await documents.list(due);
  if (!paths.ok) return paths;
  const found: { id: BatchId; path: string }[] = [];
  for (const path of paths.value) {
    const [time = '', ...rest] = path.slice(due.length).split('_');
    const id = batchId.safeParse(rest.join('_'));
    if (id.success && Date.parse(time) <= now.getTime()) found.push({ id: id.data, path });
  }
  return succeeded(found);
}

/** A batch that was started needs the timer no more. */
export const unschedule = (documents: Documents, path: string): Promise<Outcome<void>> => documents.remove(path);
