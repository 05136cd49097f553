import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { hostItem } from '../../cli/api/client';
import { vmFacts } from '../../contracts/facts';
import { kinds, type Kind } from '../../contracts/migration';
import { receipt, type Receipt } from '../../contracts/receipt';
import { CommandLine } from './command-line';

// Each kind between real processes, from the command line: app, relay emulator, Azurite and two agents of the local stack, small VMs on a
// volume of a host, on the shared volume of the cluster and on a LUN. The receipt of each run is verified as an administrator would.

const line = new CommandLine();
const tried = new Set<Kind>();
const done = (...args: string[]): Promise<string> => line.done(...args);

beforeAll(async () => {
  line.open('kinds');
  for (const place of ['local', 'cluster']) await done('demo-vm', place, '--on', place, '--data', '16MiB');
  await line.up();
  await done('demo-vm', 'lun', '--on', 'lun', '--data', '16MiB');
});

afterAll(() => line.close());

const idOf = (vm: string, kind: Kind): string => `${vm.slice(0, 8)}-${kind}`;

/** The virtual switches of a host. */
async function switchesOf(hostId: string): Promise<readonly string[]> {
  const { items } = z.object({ items: z.array(hostItem) }).parse(JSON.parse(await done('hosts', '--json')));
  return items.find((item) => item.hostId === hostId)?.facts?.switches ?? [];
}

/** Runs a migration to its end and answers its receipt, once `hyperferry receipt verify` has taken it. */
async function migrate(kind: Kind, vm: string, ...options: string[]): Promise<Receipt> {
  tried.add(kind);
  await done('migrate', vm, '--kind', kind, '--id', idOf(vm, kind), '--watch', ...options);
  const file = join(line.home, `${idOf(vm, kind)}.json`);
  writeFileSync(file, await done('receipt', idOf(vm, kind), '--json'));
  await done('receipt', 'verify', file);
  const proof = receipt.parse(JSON.parse(await done('receipt', idOf(vm, kind), '--json')));
  expect(proof).toMatchObject({ state: 'completed', request: { kind } });
  expect(proof.leftovers.filter(({ what }) => what !== 'retired-vm')).toEqual([]);
  return proof;
}

const volumeOf = (host: string): string => line.folderOn(host);

/** Where a VM runs with a heartbeat, by its name. */
async function runsOn(name: string): Promise<string[]> {
  const listed = z.object({ items: z.array(vmFacts.extend({ hostId: z.string() })) });
  const { items } = listed.parse(JSON.parse(await done('vms', '--json')));
  return items.filter((vm) => vm.name === name && vm.state === 'running').map(({ hostId }) => hostId);
}

test('live: the VM of the cluster runs on at the other node', async () => {
  const proof = await migrate('live', 'cluster', '--to', 'host-b');
  expect(proof.leftovers).toEqual([]);
  expect(await runsOn('cluster')).toEqual(['host-b']);
});

test('quick: its role comes back saved, and it starts there', async () => {
  const proof = await migrate('quick', 'cluster', '--to', 'host-a');
  expect(proof.outage).toMatchObject({ type: 'measured' });
  expect(await runsOn('cluster')).toEqual(['host-a']);
});

test('lan: the role is taken off its cluster, and made again at the other node with its files elsewhere on the shared volume', async () => {
  const { items } = z.object({ items: z.array(hostItem) }).parse(JSON.parse(await done('hosts', '--json')));
  const shared = items[0]?.facts?.volumes.map(({ root }) => root).find((root) => root.includes('shared-1')) ?? '';
  const to = ['--to', 'host-b', '--folder', join(shared, 'lan'), '--retire', 'delete'];
  const proof = await migrate('lan', 'cluster', ...to, '--role', 'make');
  expect(proof).toMatchObject({ leftovers: [], role: { restored: false, made: { without: [] } } });
  await done('migrate', 'cluster', '--kind', 'quick', '--id', 'cluster-back', '--watch', '--to', 'host-a');
  expect(await runsOn('cluster')).toEqual(['host-a']);
});

test('san: the LUN goes over with the VM on it, and is no place of the source any more', async () => {
  await migrate('san', 'lun', '--to', 'host-b');
  expect(await runsOn('lun')).toEqual(['host-b']);
  const { items } = z.object({ items: z.array(hostItem) }).parse(JSON.parse(await done('hosts', '--json')));
  const luns = items.map(({ facts }) => facts?.volumes.filter(({ root }) => root.includes('luns')).length);
  expect(luns).toEqual([1, 1]);
});

test('storage: the files move to another folder of the host', async () => {
  await migrate('storage', 'local', '--folder', join(volumeOf('host-a'), 'elsewhere'));
  expect(await runsOn('local')).toEqual(['host-a']);
});

test('shared-nothing: the VM goes over with its files', async () => {
  const proof = await migrate('shared-nothing', 'local', '--to', 'host-b');
  expect(proof.leftovers).toEqual([]);
  expect(await runsOn('local')).toEqual(['host-b']);
});

test('warm: it is copied while it runs, and stops for the last round alone', async () => {
  const proof = await migrate('warm', 'local', '--to', 'host-a', '--folder', join(volumeOf('host-a'), 'warm'));
  expect(proof.rounds.length).toBeGreaterThan(0);
  expect(await runsOn('local')).toEqual(['host-a']);
});

test('lan: it stands still for the copy, and what its retired source has already is not sent', async () => {
  const there = readdirSync(volumeOf('host-b'), { recursive: true, encoding: 'utf8' });
  const [retired = 'none'] = there.filter((name) => name.endsWith('.vhdx'));
  const seed = join(volumeOf('host-b'), retired);
  const to = ['--to', 'host-b', '--folder', join(volumeOf('host-b'), 'lan')];
  const proof = await migrate('lan', 'local', ...to, '--seed', `scsi-0-0=${seed}`);
  expect(proof.files.find(({ name }) => name === 'scsi-0-0_0')?.seedBytes).toBeGreaterThan(1024 ** 2);
  expect(proof.files.filter(({ seedProblem }) => seedProblem !== undefined)).toEqual([]);
  expect(await runsOn('local')).toEqual(['host-b']);
});

test('quick-storage: it is copied below a VM checkpoint', async () => {
  await migrate('quick-storage', 'local', '--to', 'host-a', '--folder', join(volumeOf('host-a'), 'quick'));
  expect(await runsOn('local')).toEqual(['host-a']);
});

test('export, then import as a copy under another id: both run on the same host', async () => {
  const exports = join(volumeOf('host-a'), 'exports');
  const exported = await migrate('export', 'local', '--folder', exports);
  expect(await runsOn('local')).toEqual(['host-a']);
  const newId = '0f0f0f0f-1111-4222-8333-444455556666';
  const imported = await migrate(
    'import',
    exported.request.vmId,
    ...['--from', 'host-a', '--source-folder', join(exports, 'local'), '--folder', join(volumeOf('host-a'), 'copies')],
    ...['--new-id', newId, '--name', 'copy', '--fix-ups', 'apply', '--power-on'],
  );
  expect(imported.configurationChanges.join()).toContain(newId);
  expect(await runsOn('local')).toEqual(['host-a']);
  expect(await runsOn('copy')).toEqual(['host-a']);
});

test('an import makes the switch that it is told to, private, and the VM is on it', async () => {
  const exports = join(volumeOf('host-a'), 'exports');
  const newId = '0f0f0f0f-1111-4222-8333-444455556677';
  const id = readdirSync(join(exports, 'local', 'Virtual Machines'))[0]?.slice(0, 36) ?? '';
  expect(await switchesOf('host-a')).not.toContain('lab');
  const args = ['--from', 'host-a', '--source-folder', join(exports, 'local'), '--new-id', newId, '--name', 'on-lab'];
  const to = ['--folder', join(volumeOf('host-a'), 'labs'), '--switch', 'lab', '--make-switch', 'private'];
  await done('migrate', id, '--kind', 'import', '--id', 'lab-1', '--watch', ...args, ...to, '--fix-ups', 'apply');
  const proof = receipt.parse(JSON.parse(await done('receipt', 'lab-1', '--json')));
  expect(proof).toMatchObject({ state: 'completed', leftovers: [], request: { makeSwitch: 'private' } });
  expect(proof.configurationChanges).toContain('The virtual switch "lab" (private) was made.');
  expect(await switchesOf('host-a')).toContain('lab');
  const listed = z.object({ items: z.array(vmFacts) }).parse(JSON.parse(await done('vms', '--json')));
  expect(listed.items.find(({ name }) => name === 'on-lab')).toMatchObject({ switchName: 'lab', state: 'off' });
  const refused = await line.run(
    'migrate',
    id,
    '--kind',
    'import',
    '--id',
    'lab-2',
    '--watch',
    ...args,
    ...to.slice(0, -1),
    'internal',
  );
  expect(refused.said).toContain('The host has a virtual switch "lab" that is private, not internal.');
});

test('no kind was left out', () => {
  expect(kinds.filter((kind) => !tried.has(kind))).toEqual([]);
});
