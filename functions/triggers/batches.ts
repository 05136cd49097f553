import { randomUUID } from 'node:crypto';
import type { HttpResponseInit } from '@azure/functions';
import type { DurableClient } from 'durable-functions';
import { createBatch, listBatchIds, readBatchDocument, schedule } from '../../activities/storage/batches';
import type { App } from '../../activities/app';
import { batchRequest, type BatchDocument, type BatchRequest, type BatchStatus } from '../../contracts/batch';
import { failed, failureOf, succeeded, type Outcome } from '../../contracts/failure';
import { batchId, migrationId, runIdOf, type BatchId } from '../../contracts/ids';
import { runStates } from '../../contracts/migration';
import { checkRequest, record } from './accept';
import { json, problemOf } from './answers';
import { parseBody, parseParameter } from './body';
import type { Call, Route } from './context';
import { migrationOfInstance, statusOf } from './instances';

/** The instance of a batch's orchestration. */
export const batchInstanceOf = (id: BatchId): string => `batch-${id}`;

/** So many requests to agents and to storage at once, for one caller's request. */
const sideBySide = 16;

/** `POST /api/batches`: checks every migration, notes all under their ids, and leaves the start to the timer. */
async function submit({ app, client, request }: Call): Promise<HttpResponseInit> {
  const body = await parseBody(request, batchRequest);
  if (!body.ok) return body.answer;
  const id = body.value.id ?? batchId.parse(`b-${randomUUID()}`);
  const batch = documentOf(id, body.value, app.now());
  if (!batch.ok) return problemOf(batch.failure);
  const accepted = await accept(app, batch.value);
  if (!accepted.ok) return problemOf(accepted.failure);
  const status = await describe(app, client, accepted.value);
  return json(202, status, { location: status.links.self });
}

function documentOf(id: BatchId, asked: BatchRequest, now: Date): Outcome<BatchDocument> {
  const migrations = asked.migrations.map((one, index) => ({
    ...one,
    id: one.id ?? migrationId.parse(`${id.slice(0, 50)}-${index + 1}`),
  }));
  const seen = new Set<string>();
  for (const [index, one] of migrations.entries()) {
    const subject = { field: `migrations.${index}`, value: one.id };
    if (seen.has(one.id) || seen.has(one.vmId)) {
      return failed(
        failureOf('RequestInvalid', {
          message: `Migration ${one.id} (VM ${one.vmId}) is in the batch twice.`,
          subject,
        }),
      );
    }
    seen.add(one.id).add(one.vmId);
  }
  return succeeded({ ...asked, schema: 1, id, migrations, createdAt: now.toISOString() });
}

/** Notes the batch and its migrations. Done again with the same content it ends the same; nothing starts before it is scheduled. */
async function accept(app: App, batch: BatchDocument): Promise<Outcome<BatchDocument>> {
  const known = await readBatchDocument(app.documents, batch.id);
  if (!known.ok) return known;
  const checks = await inGroups(batch.migrations, (one, index) =>
    known.value === undefined ? checkRequest(app, one, `migrations.${index}.`) : Promise.resolve(succeeded(undefined)),
  );
  const impossible = checks.find((check) => !check.ok);
  if (impossible !== undefined) return impossible;
  const notes = await inGroups(batch.migrations, (one) => record(app, one, batch.id));
  for (const note of notes) {
    if (!note.ok) return note;
    if (note.value.batchId !== batch.id)
      return failed(conflict(batch.id, `migration ${note.value.id} was started without it`));
  }
  const created = await createBatch(app.documents, batch);
  if (!created.ok) return created;
  const stored = created.value === 'created' ? succeeded(batch) : await readBatchDocument(app.documents, batch.id);
  if (!stored.ok) return stored;
  if (stored.value === undefined || !sameBatch(stored.value, batch))
    return failed(conflict(batch.id, 'it has other content'));
  const scheduled = await schedule(app.documents, stored.value);
  return scheduled.ok ? succeeded(stored.value) : scheduled;
}

const sameBatch = (one: BatchDocument, other: BatchDocument): boolean =>
  one.startAt === other.startAt &&
  one.maxConcurrent === other.maxConcurrent &&
  one.migrations.map((migration) => migration.id).join() === other.migrations.map((migration) => migration.id).join();

const conflict = (id: BatchId, why: string) =>
  failureOf('IdConflict', {
    message: `There is a batch ${id} already, and ${why}.`,
    subject: { field: 'id', value: id },
  });

/** `GET /api/batches` */
async function list({ app, client }: Call): Promise<HttpResponseInit> {
  const ids = await listBatchIds(app.documents);
  if (!ids.ok) return problemOf(ids.failure);
  const items = await inGroups(ids.value, async (id) => {
    const batch = await readBatchDocument(app.documents, id);
    return batch.ok && batch.value !== undefined ? [await describe(app, client, batch.value)] : [];
  });
  return json(200, { items: items.flat(), next: null });
}

/** `GET /api/batches/{id}` */
async function show({ app, client, request }: Call): Promise<HttpResponseInit> {
  const id = parseParameter('id', request.params['id'], batchId);
  if (!id.ok) return id.answer;
  const batch = await readBatchDocument(app.documents, id.value);
  if (!batch.ok) return problemOf(batch.failure);
  if (batch.value !== undefined) return json(200, await describe(app, client, batch.value));
  return problemOf(
    failureOf('NotFound', { message: `There is no batch ${id.value}.`, subject: { field: 'id', value: id.value } }),
  );
}

async function describe(_app: App, client: DurableClient, batch: BatchDocument): Promise<BatchStatus> {
  const instance = await statusOf(client, batchInstanceOf(batch.id));
  const members = await inGroups(batch.migrations, async ({ id }) => {
    const run = instance === undefined ? undefined : await statusOf(client, runIdOf(id));
    const migration = run === undefined ? undefined : migrationOfInstance(run);
    return { id, state: migration?.state ?? ('queued' as const), failure: migration?.failure ?? null };
  });
  const counts = Object.fromEntries(
    runStates.map((state) => [state, members.filter((one) => one.state === state).length]),
  );
  return {
    id: batch.id,
    state: instance === undefined ? 'scheduled' : stateOf(instance.runtimeStatus),
    startAt: batch.startAt,
    maxConcurrent: batch.maxConcurrent,
    createdAt: batch.createdAt,
    counts: counts as BatchStatus['counts'],
    migrations: members,
    links: { self: `/api/batches/${batch.id}` },
  };
}

const stateOf = (runtimeStatus: string): BatchStatus['state'] =>
  ['Completed', 'Failed', 'Terminated', 'Canceled'].includes(runtimeStatus) ? 'ended' : 'running';

async function inGroups<T, R>(all: readonly T[], work: (one: T, index: number) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  for (let start = 0; start < all.length; start += sideBySide) {
    results.push(
      ...(await Promise.all(all.slice(start, start + sideBySide).map((one, offset) => work(one, start + offset)))),
    );
  }
  return results;
}

export const batchRoutes: readonly Route[] = [
  { name: 'submit-batch', method: 'POST', route: 'batches', handle: submit },
  { name: 'list-batches', method: 'GET', route: 'batches', handle: list },
  { name: 'show-batch', method: 'GET', route: 'batches/{id}', handle: show },
];
