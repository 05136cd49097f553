import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { hasQemu } from '../../agent/disks/testing/foreign-tools';
import { vmFacts } from '../../contracts/facts';
import type { Kind } from '../../contracts/migration';
import { receipt, type Receipt } from '../../contracts/receipt';
import { CommandLine } from './command-line';

// A VM with a VHD between real processes, from the command line: over the direct route and the staged one, and by kinds of the hypervisor.

jest.setTimeout(600_000);

const line = new CommandLine();
const done = (...args: string[]): Promise<string> => line.done(...args);

beforeAll(async () => {
  line.open('vhd');
  await done('demo-vm', 'old', '--data', '16MiB', '--disk-format', 'vhd');
  await line.up();
});

afterAll(() => line.close());

const byRoute: readonly Kind[] = ['lan', 'warm', 'quick-storage'];

const folderOn = (host: string, name: string): string => line.folderOn(host, name);

/** Runs a migration to its end and answers its receipt, once `hyperferry receipt verify` has taken it. */
async function migrate(id: string, kind: Kind, ...given: string[]): Promise<Receipt> {
  // A retired source would be in the way of a move back by the hypervisor.
  const options = byRoute.includes(kind) ? [...given, '--retire', 'delete'] : given;
  await done('migrate', 'old', '--kind', kind, '--id', id, '--watch', ...options);
  const file = join(line.home, `${id}.json`);
  writeFileSync(file, await done('receipt', id, '--json'));
  await done('receipt', 'verify', file);
  const proof = receipt.parse(JSON.parse(readFileSync(file, 'utf8')));
  expect(proof).toMatchObject({ state: 'completed', request: { kind } });
  return proof;
}

/** The disk files of a VM that runs with a heartbeat, and where. */
async function running(name: string): Promise<{ host: string; paths: string[] }[]> {
  const listed = z.object({ items: z.array(vmFacts.extend({ hostId: z.string() })) });
  const { items } = listed.parse(JSON.parse(await done('vms', '--json')));
  return items
    .filter((vm) => vm.name === name && vm.state === 'running')
    .map(({ hostId, disks }) => ({
      host: hostId,
      paths: disks.flatMap(({ images }) => images.map(({ path }) => path)),
    }));
}

const runsOn = async (host: string, folder: string): Promise<void> =>
  expect(await running('old')).toEqual([
    { host, paths: [expect.stringMatching(new RegExp(`/${folder}/.*/old\\.vhd$`))] },
  ]);

test('lan: over the direct route', async () => {
  const proof = await migrate('lan', 'lan', '--to', 'host-b', '--folder', folderOn('host-b', 'lan'), '--verify', 'all');
  expect(proof.verified).toHaveLength(1);
  await runsOn('host-b', 'lan');
});

test('lan: over the staged route, and both ends read the same', async () => {
  const to = ['--to', 'host-a', '--folder', folderOn('host-a', 'staged'), '--route', 'staged', '--verify', 'all'];
  const proof = await migrate('staged', 'lan', ...to);
  expect(proof.verified).toHaveLength(1);
  expect(proof.request).toMatchObject({ route: 'staged' });
  await runsOn('host-a', 'staged');
});

test('warm: in rounds, of which none copies everything again', async () => {
  const proof = await migrate('warm', 'warm', '--to', 'host-b', '--folder', folderOn('host-b', 'warm'));
  expect(proof.rounds.length).toBeGreaterThan(0);
  expect(proof.rounds.slice(1).some(({ whole }) => whole)).toBe(false);
  await runsOn('host-b', 'warm');
});

test('quick-storage: what arrives is a VHD of that size for qemu-img too', async () => {
  const proof = await migrate('quick', 'quick-storage', '--to', 'host-a', '--folder', folderOn('host-a', 'quick'));
  expect(proof.verified).toHaveLength(1);
  await runsOn('host-a', 'quick');
  if (!hasQemu) return;
  const [path = ''] = (await running('old'))[0]?.paths ?? [];
  const info = spawnSync('qemu-img', ['info', '-U', '--output', 'json', '-f', 'vpc', path], { encoding: 'utf8' });
  expect(JSON.parse(info.stdout)).toMatchObject({ format: 'vpc', 'virtual-size': 2 * 1024 ** 3 });
});

test('storage, shared-nothing, and an export that is imported as a copy keep the format too', async () => {
  await migrate('storage', 'storage', '--folder', folderOn('host-a', 'elsewhere'));
  await runsOn('host-a', 'elsewhere');
  await migrate('shared', 'shared-nothing', '--to', 'host-b', '--folder', folderOn('host-b', 'shared'));
  await runsOn('host-b', 'shared');
  const exported = await migrate('export', 'export', '--folder', folderOn('host-b', 'exports'));
  const { vmId } = exported.request;
  const from = ['--from', 'host-b', '--source-folder', join(folderOn('host-b', 'exports'), 'old')];
  const as = ['--new-id', '0f0f0f0f-1111-4222-8333-444455556666', '--name', 'copy', '--fix-ups', 'apply', '--power-on'];
  await done(
    'migrate',
    vmId,
    '--kind',
    'import',
    '--id',
    'import',
    '--watch',
    ...from,
    '--folder',
    folderOn('host-b', 'copies'),
    ...as,
  );
  expect(await running('copy')).toMatchObject([{ host: 'host-b', paths: [expect.stringMatching(/\.vhd$/)] }]);
});
