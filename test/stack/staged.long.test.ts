import { BlobServiceClient, StorageSharedKeyCredential } from '@azure/storage-blob';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { exitCodes } from '../../cli/exit';
import { batchStatus } from '../../contracts/batch';
import { vmFacts } from '../../contracts/facts';
import { preflightAnswer } from '../../contracts/preflight';
import { receipt, type Receipt } from '../../contracts/receipt';
import { CommandLine } from './command-line';

// The staged route between real processes, from the command line: app, relay emulator, Azurite and two agents of the local stack.

const line = new CommandLine();
const done = (...args: string[]): Promise<string> => line.done(...args);

beforeAll(async () => {
  line.open('staged');
  for (const name of ['one', 'two', 'three']) await done('demo-vm', name, '--data', '16MiB');
  await line.up();
}, 600_000);

afterAll(() => line.close(), 60_000);

/** Staging containers in the blob service of the stack. */
async function containers(): Promise<string[]> {
  const read = (file: string): unknown => JSON.parse(readFileSync(join(line.home, file), 'utf8'));
  const { blobs } = z.object({ blobs: z.int() }).parse(read('ports.json'));
  const { blobAccountKey } = z.object({ blobAccountKey: z.string() }).parse(read('secrets.json'));
  const credential = new StorageSharedKeyCredential('hyperferry', blobAccountKey);
  const service = new BlobServiceClient(`http://127.0.0.1:${blobs}/hyperferry`, credential);
  const names: string[] = [];
  for await (const { name } of service.listContainers({ prefix: 'hyperferry-staged-' })) names.push(name);
  return names;
}

const proofOf = async (id: string): Promise<Receipt> => receipt.parse(JSON.parse(await done('receipt', id, '--json')));

/** Ids of VMs by name, and where they run. */
async function vms(): Promise<Map<string, { readonly vmId: string; readonly runsOn: string | undefined }>> {
  const listed = z.object({ items: z.array(vmFacts.extend({ hostId: z.string() })) });
  const { items } = listed.parse(JSON.parse(await done('vms', '--json')));
  const names = [...new Set(items.map(({ name }) => name))];
  return new Map(
    names.map((name) => {
      const own = items.filter((vm) => vm.name === name);
      const runsOn = own.find(({ state }) => state === 'running')?.hostId;
      return [name, { vmId: own[0]?.vmId ?? '', runsOn }];
    }),
  );
}

test('preflight asks both hosts whether they reach Blob Storage, and leaves nothing there', async () => {
  const asked = ['preflight', 'one', '--to', 'host-b', '--route', 'staged', '--json'];
  const { checks } = preflightAnswer.parse(JSON.parse(await done(...asked)));
  const outcomes = new Map(checks.map(({ checkId, outcome }) => [checkId, outcome]));
  for (const id of ['storage-access', 'source-reaches-storage', 'destination-reaches-storage'])
    expect([id, outcomes.get(id)]).toEqual([id, 'passed']);
  expect(await containers()).toEqual([]);
});

test('a VM is moved through Blob Storage, verified, and nothing of it is left there', async () => {
  await done('migrate', 'one', '--to', 'host-b', '--route', 'staged', '--verify', 'all', '--id', 'one', '--watch');
  const proof = await proofOf('one');
  expect(proof).toMatchObject({ state: 'completed', request: { kind: 'quick-storage', route: 'staged' } });
  expect(proof.verified).toHaveLength(1);
  expect(proof.files.map(({ name }) => name)).toContain('scsi-0-0_0');
  expect((await vms()).get('one')?.runsOn).toBe('host-b');
  expect(await containers()).toEqual([]);
}, 600_000);

test('a kind that copies nothing over the byte route refuses it, and says why', async () => {
  const { status, said } = await line.run('migrate', 'two', '--kind', 'live', '--to', 'host-b', '--route', 'staged');
  expect(status).toBe(exitCodes.badInput.code);
  expect(said).toContain('"live" takes no route (no byte route is used)');
});

test('the runs of a batch share one container, which goes with the last of them', async () => {
  const known = await vms();
  const migrations = ['two', 'three'].map((name) => ({
    id: name,
    kind: 'lan',
    vmId: known.get(name)?.vmId,
    sourceHost: 'host-a',
    destinationHost: 'host-b',
    destinationFolder: line.folderOn('host-b', 'batch'),
    route: 'staged',
  }));
  const file = join(line.home, 'batch.json');
  writeFileSync(file, JSON.stringify({ id: 'weekend', startAt: '2026-01-01T00:00:00Z', maxConcurrent: 1, migrations }));
  await done('batch', 'submit', file);
  const seen = new Set<string>();
  for (;;) {
    for (const name of await containers()) seen.add(name);
    const { state } = batchStatus.parse(JSON.parse(await done('batch', 'show', 'weekend', '--json')));
    if (state === 'ended') break;
    await delay(100);
  }
  for (const id of ['two', 'three']) expect(await proofOf(id)).toMatchObject({ state: 'completed' });
  expect([...(await vms())].map(([name, { runsOn }]) => [name, runsOn])).toEqual(
    expect.arrayContaining([
      ['two', 'host-b'],
      ['three', 'host-b'],
    ]),
  );
  expect(seen.size).toBe(1);
  expect(await containers()).toEqual([]);
}, 600_000);
