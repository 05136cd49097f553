import type { z } from 'zod';
import { failed, failureOf, succeeded, type Outcome } from '../contracts/failure';
import { batchId, runIdOf } from '../contracts/ids';
import type { BatchDocument } from '../contracts/batch';
import { itineraryVersions, type RunInput } from '../contracts/migration';
import type { App } from './app';
import type { readBatch as batchDefinition, readBatchMember as memberDefinition } from './definitions';
import { readBatchDocument } from './storage/batches';
import type { Settings } from './settings';

type BatchHead = z.infer<(typeof batchDefinition)['output']>;

/** A batch without its migrations: a thousand of them do not belong into a history. */
export async function readBatch(app: App, asked: { batchId: string }): Promise<Outcome<BatchHead>> {
  const batch = await find(app, asked.batchId);
  if (!batch.ok) return batch;
  const { migrations, ...head } = batch.value;
  return succeeded({ ...head, migrationCount: migrations.length });
}

/** One migration of a batch, ready to run. */
export async function readBatchMember(
  app: App,
  asked: z.infer<(typeof memberDefinition)['input']>,
): Promise<Outcome<RunInput>> {
  const batch = await find(app, asked.batchId);
  if (!batch.ok) return batch;
  const request = batch.value.migrations[asked.index];
  if (request === undefined) throw new Error(`batch ${asked.batchId} has no migration ${asked.index}`);
  return succeeded(runInputFor(request, app.settings));
}

async function find(app: App, id: string): Promise<Outcome<BatchDocument>> {
  const batch = await readBatchDocument(app.documents, batchId.parse(id));
  if (!batch.ok) return batch;
  if (batch.value !== undefined) return succeeded(batch.value);
  return failed(failureOf('NotFound', { message: `There is no batch ${id}.` }));
}

/** What a run of a request is started with. */
export const runInputFor = (request: RunInput['request'], settings: Settings): RunInput => ({
  contract: 1,
  itineraryVersion: itineraryVersions[request.kind],
  runId: runIdOf(request.id),
  request,
  pace: {
    lookMsMin: settings.HYPERFERRY_LOOK_MS_MIN,
    lookMsMax: settings.HYPERFERRY_LOOK_MS_MAX,
    silenceMsMax: settings.HYPERFERRY_SILENCE_MS_MAX,
  },
});
