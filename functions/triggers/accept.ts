import { createHash, randomUUID } from 'node:crypto';
import type { DurableClient } from 'durable-functions';
import type { App } from '../../activities/app';
import { runInputFor } from '../../activities/read-batch';
import { createRecord, readRecord } from '../../activities/storage/records';
import { failed, failureOf, succeeded, type Outcome } from '../../contracts/failure';
import { migrationId, runIdOf, type BatchId, type MigrationId } from '../../contracts/ids';
import { destinationHostOf, type MigrationRequest, type RunInput } from '../../contracts/migration';
import type { MigrationRecord } from '../../contracts/records';
import { inputOf, statusOf } from './instances';

type Request = RunInput['request'];

/** The id of a migration: the client's, or one that its idempotency key always gives, or a new one. */
function idFor(request: MigrationRequest, idempotencyKey: string | null, random: () => string): MigrationId {
  if (request.id !== undefined) return request.id;
  if (idempotencyKey === null) return migrationId.parse(`m-${random()}`);
  return migrationId.parse(`k-${createHash('sha256').update(idempotencyKey).digest('hex').slice(0, 32)}`);
}

/** Whether the app knows the hosts of a request. */
export function checkHosts(app: App, request: MigrationRequest, field = ''): Outcome<void> {
  const hosts = { sourceHost: request.sourceHost, destinationHost: destinationHostOf(request) };
  for (const [name, host] of Object.entries(hosts)) {
    if (app.settings.HYPERFERRY_HOSTS.includes(host)) continue;
    const message = `There is no host ${host}; this app knows ${app.settings.HYPERFERRY_HOSTS.join(', ')}.`;
    return failed(failureOf('HostUnknown', { message, subject: { field: `${field}${name}`, value: host } }));
  }
  return succeeded(undefined);
}

/** Checks that need nobody's disk: that the hosts are known, and that the source host has the VM if it can be asked now. */
export async function checkRequest(app: App, request: MigrationRequest, field = ''): Promise<Outcome<void>> {
  const hosts = checkHosts(app, request, field);
  if (!hosts.ok) return hosts;
  // An import brings a VM that its host has not.
  if (request.kind === 'import') return succeeded(undefined);
  const vm = await app.agents.vm(request.sourceHost, request.vmId);
  // A host that is away now may be back when the run begins, which asks again.
  if (vm.ok || vm.failure.retry === 'transient') return succeeded(undefined);
  return failed({ ...vm.failure, subject: { ...vm.failure.subject, field: `${field}vmId`, value: request.vmId } });
}

/** Notes a migration under its id, once. The same request again finds its own record; another one under the id is a conflict. */
export async function record(app: App, request: Request, batch: BatchId | null): Promise<Outcome<MigrationRecord>> {
  const fresh: MigrationRecord = {
    schema: 1,
    id: request.id,
    request,
    batchId: batch,
    createdAt: app.now().toISOString(),
  };
  const created = await createRecord(app.documents, fresh);
  if (!created.ok) return created;
  if (created.value === 'created') return succeeded(fresh);
  const stored = await readRecord(app.documents, request.id);
  if (!stored.ok) return stored;
  return sameRequest(stored.value?.request, request) ? succeeded(stored.value ?? fresh) : failed(idConflict(request));
}

/** Starts the run of a record that no batch starts, unless it was started. A record that storage lost is told by the instance itself. */
async function startRun(
  app: App,
  client: DurableClient,
  { request, batchId }: MigrationRecord,
): Promise<Outcome<void>> {
  const instanceId = runIdOf(request.id);
  const status = await statusOf(client, instanceId);
  if (status !== undefined) {
    return sameRequest(inputOf(status)?.request, request) ? succeeded(undefined) : failed(idConflict(request));
  }
  if (batchId !== null) return succeeded(undefined);
  try {
    await client.startNew(`migrate-${request.kind}`, {
      instanceId,
      input: { input: runInputFor(request, app.settings), state: null },
    });
  } catch (thrown) {
    // Two equal requests at the same moment: one starts the instance, the other finds it.
    if ((await statusOf(client, instanceId)) === undefined) throw thrown;
  }
  return succeeded(undefined);
}

const sameRequest = (one: Request | undefined, other: Request): boolean =>
  one !== undefined && canonical(one) === canonical(other);

/** Text that is equal for equal documents, whatever the order of their fields. */
const canonical = (value: unknown): string =>
  JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );

const idConflict = (request: Request) =>
  failureOf('IdConflict', {
    message: `The id ${request.id} belongs to a migration with another request.`,
    subject: { field: 'id', value: request.id },
  });

/** Takes a request in: checks it, notes it under its id, starts its run. Answers the id. */
export async function accept(
  app: App,
  client: DurableClient,
  asked: MigrationRequest,
  idempotencyKey: string | null,
): Promise<Outcome<MigrationId>> {
  const request = { ...asked, id: idFor(asked, idempotencyKey, randomUUID) };
  const known = await readRecord(app.documents, request.id);
  if (!known.ok) return known;
  if (known.value === undefined) {
    // A request that was accepted once is not checked again: its VM may be on its way.
    const possible = await checkRequest(app, request);
    if (!possible.ok) return possible;
  }
  const noted = await record(app, request, null);
  if (!noted.ok) return noted;
  const started = await startRun(app, client, noted.value);
  return started.ok ? succeeded(request.id) : started;
}
