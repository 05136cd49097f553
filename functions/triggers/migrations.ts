import type { HttpResponseInit } from '@azure/functions';
import type { DurableOrchestrationStatus } from 'durable-functions';
import { z } from 'zod';
import { readReceipt } from '../../activities/storage/receipts';
import { readRecord } from '../../activities/storage/records';
import { failureOf } from '../../contracts/failure';
import { migrationId, runIdOf, type MigrationId } from '../../contracts/ids';
import {
  answerRequest,
  cancelRequest,
  migrationRequest,
  runCommandEvent,
  runEnded,
  runStates,
  type MigrationStatus,
  type RunCommand,
} from '../../contracts/migration';
import { accept } from './accept';
import { json, problemOf } from './answers';
import { parseBody, parseParameter } from './body';
import type { Call, Route } from './context';
import { migrationOfInstance, migrationStatusOf, queued, statusOf } from './instances';

/** `POST /api/migrations`: 202 with the status; the same request again answers the same and starts nothing. */
async function start({ app, client, request }: Call): Promise<HttpResponseInit> {
  const body = await parseBody(request, migrationRequest);
  if (!body.ok) return body.answer;
  const accepted = await accept(app, client, body.value, request.headers.get('idempotency-key'));
  if (!accepted.ok) return problemOf(accepted.failure);
  const status = await find({ app, client }, accepted.value);
  if (status === undefined) throw new Error(`${accepted.value} was accepted and is not there`);
  return json(202, status, { location: status.links.self, 'retry-after': '2' });
}

const listQuery = z.object({
  state: z.enum(runStates).optional(),
  top: z.coerce.number().int().min(1).max(1000).default(100),
});

/** `GET /api/migrations?state=&top=`: the newest first. */
async function list({ client, request }: Call): Promise<HttpResponseInit> {
  const query = parseParameter(
    'query',
    null,
    z.preprocess(() => Object.fromEntries(request.query), listQuery),
  );
  if (!query.ok) return query.answer;
  const { state, top } = query.value;
  const instances: DurableOrchestrationStatus[] = await client.getStatusAll();
  const all = instances
    .flatMap((status) => migrationOfInstance(status) ?? [])
    .filter((status) => state === undefined || status.state === state)
    .sort((one, other) => (one.createdAt < other.createdAt ? 1 : -1));
  return json(200, { items: all.slice(0, top), next: null });
}

/** `GET /api/migrations/{id}` */
async function show(call: Call): Promise<HttpResponseInit> {
  return withMigration(call, async (status) => json(200, status));
}

/** `POST /api/migrations/{id}/cancel`: 202, also when it is being undone already; 409 when it is too late. */
async function cancel(call: Call): Promise<HttpResponseInit> {
  const body = await parseBody(call.request, cancelRequest);
  if (!body.ok) return body.answer;
  return withMigration(call, async (status) => {
    if (status.state === 'rolled-back' || status.unwinding) return json(202, status);
    if (runEnded(status.state)) return tooLate(`Migration ${status.id} has ended: ${status.state}.`);
    if (!status.cancelable)
      return tooLate(`Migration ${status.id} is at "${status.phase ?? ''}": the VM belongs to the destination.`);
    return command(call, status, { command: 'cancel', reason: body.value.reason });
  });
}

/** `POST /api/migrations/{id}/pause`, and `…/resume`: of the copying while the VM runs. */
const hold =
  (sent: 'pause' | 'resume') =>
  (call: Call): Promise<HttpResponseInit> =>
    withMigration(call, async (status) => {
      if (status.pausable) return command(call, status, { command: sent });
      return tooLate(
        `Migration ${status.id} is at "${status.phase ?? ''}": only the pre-copy of a running VM can be held.`,
      );
    });

/** `POST /api/migrations/{id}/answer`: answers the question that a parked run asks. */
async function answer(call: Call): Promise<HttpResponseInit> {
  const body = await parseBody(call.request, answerRequest);
  if (!body.ok) return body.answer;
  return withMigration(call, async (status) => {
    if (status.question === null) return tooLate(`Migration ${status.id} asks no question.`);
    const { questionId, answers } = status.question;
    if (questionId !== body.value.questionId)
      return tooLate(`The question is ${questionId} now, not ${body.value.questionId}.`);
    if (!answers.includes(body.value.answer)) {
      const message = `${body.value.answer} is no answer to this question; it takes ${answers.join(', ')}.`;
      return problemOf(
        failureOf('RequestInvalid', { message, subject: { field: 'answer', value: body.value.answer } }),
      );
    }
    return command(call, status, { command: 'answer', ...body.value });
  });
}

/** `GET /api/migrations/{id}/receipt` */
async function receipt(call: Call): Promise<HttpResponseInit> {
  return withMigration(call, async (status) => {
    const found = await readReceipt(call.app.documents, status.runId);
    if (!found.ok) return problemOf(found.failure);
    if (found.value !== undefined) return json(200, found.value);
    const message = `Migration ${status.id} has no receipt: it is ${status.state}.`;
    return problemOf(failureOf('NotFound', { message, remedy: 'Wait until the run has ended.' }));
  });
}

async function withMigration(
  call: Call,
  then: (status: MigrationStatus) => Promise<HttpResponseInit>,
): Promise<HttpResponseInit> {
  const id = parseParameter('id', call.request.params['id'], migrationId);
  if (!id.ok) return id.answer;
  const status = await find(call, id.value);
  if (status !== undefined) return then(status);
  return problemOf(
    failureOf('NotFound', { message: `There is no migration ${id.value}.`, subject: { field: 'id', value: id.value } }),
  );
}

/** A migration by its run; one that a batch has not started yet, by its record. */
async function find(
  { app, client }: Pick<Call, 'app' | 'client'>,
  id: MigrationId,
): Promise<MigrationStatus | undefined> {
  const stored = await readRecord(app.documents, id);
  const record = stored.ok ? stored.value : undefined;
  const instance = await statusOf(client, runIdOf(id));
  if (instance !== undefined) return migrationOfInstance(instance, record?.createdAt);
  if (record === undefined) return undefined;
  const facts = {
    input: { request: record.request, runId: runIdOf(id) },
    createdAt: record.createdAt,
    updatedAt: record.createdAt,
  };
  return migrationStatusOf(
    facts,
    queued(record.batchId === null ? 'its start' : `its turn in batch ${record.batchId}`),
  );
}

async function command({ client }: Call, status: MigrationStatus, sent: RunCommand): Promise<HttpResponseInit> {
  if (status.state === 'queued')
    return tooLate(`Migration ${status.id} has not begun: it waits for ${status.waitingFor ?? 'its start'}.`);
  await client.raiseEvent(status.runId, runCommandEvent, sent);
  return json(202, status, { location: status.links.self });
}

const tooLate = (message: string): HttpResponseInit => problemOf(failureOf('TooLate', { message }));

export const migrationRoutes: readonly Route[] = [
  { name: 'start-migration', method: 'POST', route: 'migrations', handle: start },
  { name: 'list-migrations', method: 'GET', route: 'migrations', handle: list },
  { name: 'show-migration', method: 'GET', route: 'migrations/{id}', handle: show },
  { name: 'cancel-migration', method: 'POST', route: 'migrations/{id}/cancel', handle: cancel },
  { name: 'pause-migration', method: 'POST', route: 'migrations/{id}/pause', handle: hold('pause') },
  { name: 'resume-migration', method: 'POST', route: 'migrations/{id}/resume', handle: hold('resume') },
  { name: 'answer-migration', method: 'POST', route: 'migrations/{id}/answer', handle: answer },
  { name: 'show-receipt', method: 'GET', route: 'migrations/{id}/receipt', handle: receipt },
];
