import { BlobServiceClient, StorageSharedKeyCredential, type UserDelegationKey } from '@azure/storage-blob';
import { randomUUID } from 'node:crypto';
import { batchKeyOf, containerNameOf } from '../../activities/staging/batch-key';
import { BlobStagingContainers, type StagingContainers } from '../../activities/staging/containers';
import { collect, holdStaging, leaveStaging } from '../../activities/staging/hold';
import { listScopes } from '../../activities/staging/scope-documents';
import { createBatch } from '../../activities/storage/batches';
import { Documents } from '../../activities/storage/documents';
import { createRecord } from '../../activities/storage/records';
import { batchDocument } from '../../contracts/batch';
import { failed, failureOf, succeeded, type Outcome } from '../../contracts/failure';
import { batchId, migrationId, runIdOf, type RunId } from '../../contracts/ids';
import { acceptedRequest } from '../../contracts/requests';
import { collectStaging } from '../../functions/triggers/staging-timer';
import { generateSigningKey, signingKeyFrom } from '../../relay/signing';
import { startAzurite, type Azurite } from '../azurite';
import { StandInClient } from '../http/stand-in-client';

const signingKey = signingKeyFrom(generateSigningKey().privateKeyBase64);
let azurite: Azurite;
let service: BlobServiceClient;
beforeAll(async () => {
  azurite = await startAzurite();
  service = BlobServiceClient.fromConnectionString(azurite.connectionString);
});
afterAll(() => azurite.stop());

/** Containers that are there, and what happens when one is to be removed. */
class Containers implements StagingContainers {
  readonly names = new Set<string>();
  removals: 'happen' | 'fail' = 'happen';
  beforeCreation = (): Promise<void> => Promise.resolve();

  async create(name: string): Promise<Outcome<'created' | 'there'>> {
    await this.beforeCreation();
    if (this.names.has(name)) return succeeded('there');
    this.names.add(name);
    return succeeded('created');
  }

  async remove(name: string): Promise<Outcome<void>> {
    if (this.removals === 'fail') return failed(failureOf('StorageUnavailable', { message: 'away' }));
    this.names.delete(name);
    return succeeded(undefined);
  }

  async accessTo(): Promise<never> {
    throw new Error('nobody asks for it here');
  }
}

let containers: Containers;
let app: { documents: Documents; staging: Containers; signingKey: typeof signingKey };
const client = new StandInClient();
beforeEach(() => {
  containers = new Containers();
  app = { documents: new Documents(service, `staging-${randomUUID()}`), staging: containers, signingKey };
  client.instances.clear();
});

const requestOf = (id: string, route: 'direct' | 'staged' = 'staged') =>
  acceptedRequest.parse({
    id,
    kind: 'lan',
    vmId: randomUUID(),
    sourceHost: 'hv-a',
    destinationHost: 'hv-b',
    destinationFolder: '/vms',
    route,
  });

/** A batch as it was submitted. Answers its runs. */
async function batchOf(id: string, routes: readonly ('direct' | 'staged')[]): Promise<RunId[]> {
  const batch = batchId.parse(id);
  const migrations = routes.map((route, index) => requestOf(`${id}-${index + 1}`, route));
  for (const request of migrations)
    await createRecord(app.documents, {
      schema: 1,
      id: request.id,
      request,
      batchId: batch,
      createdAt: '2027-01-01T00:00:00.000Z',
    });
  const document = { schema: 1, id: batch, startAt: '2027-01-01T00:00:00Z', maxConcurrent: 2, migrations };
  await createBatch(app.documents, batchDocument.parse({ ...document, createdAt: '2027-01-01T00:00:00.000Z' }));
  return migrations.map((one) => runIdOf(one.id));
}

const valueOf = <T>(outcome: Outcome<T>): T => {
  if (outcome.ok) return outcome.value;
  throw new Error(outcome.failure.message);
};
const holds = async (run: RunId | undefined): Promise<string> =>
  valueOf(await holdStaging(app, run ?? runIdOf(migrationId.parse('none')))).container;
const leaves = async (run: RunId | undefined): Promise<void> =>
  valueOf(await leaveStaging(app, run ?? runIdOf(migrationId.parse('none'))));
const scopes = async (): Promise<string[]> => valueOf(await listScopes(app.documents));
const alone = runIdOf(migrationId.parse('m-1'));

test('the runs of a batch share one container and one key; a run without a batch has its own', async () => {
  const [one, two] = await batchOf('b1', ['staged', 'staged']);
  expect(await holds(one)).toBe(await holds(two));
  expect(await holds(alone)).not.toBe(await holds(one));
  expect(containers.names.size).toBe(2);
});

test('a container stays while any run of its batch may need it, one that has not begun included', async () => {
  const [one, two, three] = await batchOf('b2', ['staged', 'staged', 'staged']);
  await holds(one);
  await holds(two);
  await leaves(one);
  await leaves(two);
  expect(containers.names.size).toBe(1);
  await holds(three);
  await leaves(three);
  expect(containers.names.size).toBe(0);
  expect(await scopes()).toEqual([]);
});

test('a run of the batch that takes the direct route keeps nothing', async () => {
  const [one] = await batchOf('b3', ['staged', 'direct']);
  await holds(one);
  await leaves(one);
  expect(containers.names.size).toBe(0);
});

test('a run that has ended gets no container any more, and leaving twice is leaving once', async () => {
  const [one] = await batchOf('b4', ['staged', 'staged']);
  await holds(one);
  await leaves(one);
  await leaves(one);
  expect(await holdStaging(app, one!)).toMatchObject({
    ok: false,
    failure: { code: 'StagingAccessEnded', retry: 'permanent' },
  });
  expect(containers.names.size).toBe(1);
});

test('a removal that failed is done by the timer, and by nobody else while a run needs the container', async () => {
  await holds(alone);
  containers.removals = 'fail';
  expect(await leaveStaging(app, alone)).toMatchObject({ ok: false, failure: { code: 'StorageUnavailable' } });
  expect(containers.names.size).toBe(1);
  await theTimerRemovesAll();
});

async function sweep(): Promise<void> {
  const said: string[] = [];
  await collectStaging(app as never, client.asClient, (text) => void said.push(text));
  expect(said).toEqual([]);
}

async function theTimerRemovesAll(): Promise<void> {
  containers.removals = 'happen';
  await sweep();
  expect(containers.names.size).toBe(0);
  expect(await scopes()).toEqual([]);
}

const began = (instanceId: string) => client.startNew('migrate-lan', { instanceId, input: {} });
const ended = (instanceId: string): void => {
  const instance = client.instances.get(instanceId);
  if (instance !== undefined) instance.runtimeStatus = 'Completed';
};

test('what runs left that ended without a word is removed by the timer, once the last of the batch has ended', async () => {
  const [one, two] = await batchOf('b5', ['staged', 'staged']);
  await holds(one);
  await began('batch-b5');
  await began(one!);
  await sweep();
  expect(containers.names.size).toBe(1);
  ended(one!);
  await sweep();
  // The second one has not begun.
  expect(containers.names.size).toBe(1);
  await began(two!);
  await holds(two);
  await sweep();
  expect(containers.names.size).toBe(1);
  ended(two!);
  await sweep();
  expect(containers.names.size).toBe(0);
});

test('a run that its ended batch never began keeps nothing', async () => {
  const [one] = await batchOf('b6', ['staged', 'staged']);
  await holds(one);
  await began('batch-b6');
  ended('batch-b6');
  await leaves(one);
  expect(containers.names.size).toBe(1);
  await sweep();
  expect(containers.names.size).toBe(0);
});

test('a run that comes while the container of before is removed gets another one, which stays', async () => {
  const [one, two] = await batchOf('b7', ['staged', 'staged']);
  const before = await holds(one);
  containers.removals = 'fail';
  // As by a timer that knew only of the first run.
  await collect(app, 'batch-b7', [one!], [one!]);
  const after = await holds(two);
  expect(after).not.toBe(before);
  containers.removals = 'happen';
  await collect(app, 'batch-b7', [one!, two!], []);
  expect([...containers.names]).toEqual([after]);
});

test('a container that comes late, when its run has ended and left, does not stay', async () => {
  // An activity that was held up between its note and the container, and that was delivered once more meanwhile.
  containers.beforeCreation = () => leaves(alone);
  expect(await holdStaging(app, alone)).toMatchObject({ ok: false, failure: { code: 'StagingAccessEnded' } });
  expect(containers.names.size).toBe(0);
  expect(await scopes()).toEqual([]);
});

test('a container that comes late and cannot be removed is left to the timer', async () => {
  containers.beforeCreation = async () => {
    await leaves(alone);
    containers.removals = 'fail';
  };
  expect(await holdStaging(app, alone)).toMatchObject({ ok: false, failure: { code: 'StorageUnavailable' } });
  expect(containers.names.size).toBe(1);
  await theTimerRemovesAll();
});

test('many that hold and leave at once leave nothing', async () => {
  const runs = await batchOf(
    'b8',
    Array.from({ length: 4 }, () => 'staged' as const),
  );
  await Promise.all(runs.map((run) => holds(run)));
  expect(containers.names.size).toBe(1);
  await Promise.all(runs.map((run) => leaves(run)));
  await theTimerRemovesAll();
});

test('the key of a batch follows from the signing key, and is another for another batch, generation or signing key', () => {
  const key = batchKeyOf(signingKey, 'batch-b1', 1);
  expect(batchKeyOf(signingKey, 'batch-b1', 1)).toEqual(key);
  const otherApp = signingKeyFrom(generateSigningKey().privateKeyBase64);
  const others = [
    batchKeyOf(signingKey, 'batch-b2', 1),
    batchKeyOf(signingKey, 'batch-b1', 2),
    batchKeyOf(otherApp, 'batch-b1', 1),
  ];
  expect(new Set([key, ...others].map((one) => containerNameOf(one))).size).toBe(4);
  expect(containerNameOf(key)).toMatch(/^[a-z0-9-]{3,63}$/);
});

test('with an identity, access is signed by a user delegation key, for one container, over TLS alone, and the key is asked for once', async () => {
  const delegating = new BlobServiceClient('https://account.blob.core.windows.net');
  let asked = 0;
  const key: UserDelegationKey = {
    signedObjectId: randomUUID(),
    signedTenantId: randomUUID(),
    signedStartsOn: new Date('2027-01-01T00:00:00Z'),
    signedExpiresOn: new Date('2027-01-02T00:00:00Z'),
    signedService: 'b',
    signedVersion: '2024-11-04',
    value: Buffer.alloc(32, 1).toString('base64'),
  };
  delegating.getUserDelegationKey = async () => {
    asked += 1;
    return { ...key, _response: {} as never };
  };
  const of = new BlobStagingContainers(delegating);
  const now = new Date('2027-01-01T12:00:00Z');
  const source = valueOf(await of.accessTo('hyperferry-staged-1', 'source', now));
  const destination = valueOf(await of.accessTo('hyperferry-staged-1', 'destination', now));
  expect(asked).toBe(1);
  expect(source.containerUrl).toBe('https://account.blob.core.windows.net/hyperferry-staged-1');
  const query = new URLSearchParams(source.sas);
  expect(Object.fromEntries(query)).toMatchObject({
    skoid: key.signedObjectId,
    sr: 'c',
    sp: 'rc',
    spr: 'https',
    se: '2027-01-01T13:00:00Z',
  });
  expect(new URLSearchParams(destination.sas).get('sp')).toBe('r');
});

test('with an account key, as an emulator has it, access is signed with that', async () => {
  expect(service.credential).toBeInstanceOf(StorageSharedKeyCredential);
  const of = new BlobStagingContainers(service);
  valueOf(await of.create('hyperferry-staged-2'));
  const access = valueOf(await of.accessTo('hyperferry-staged-2', 'source', new Date()));
  const answer = await fetch(`${access.containerUrl}/blocks/a?${access.sas}`, {
    method: 'PUT',
    headers: { 'x-ms-blob-type': 'BlockBlob', 'x-ms-version': '2024-11-04' },
    body: 'content',
  });
  expect(answer.status).toBe(201);
  const listed = await fetch(`${access.containerUrl}?restype=container&comp=list&${access.sas}`);
  expect(listed.status).toBe(403);
  valueOf(await of.remove('hyperferry-staged-2'));
  valueOf(await of.remove('hyperferry-staged-2'));
});
