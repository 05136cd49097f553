import { cp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { HyperVDriver } from '../../agent/hyperv/driver';
import { diskId, runId, vmId } from '../../contracts/ids';
import type { OperationInput } from '../../contracts/operations';
import { codeOf, perform, roomBytes, valueOf } from '../conformance/hyperv-move';
import { smallVm, TestHosts } from './test-hosts';

const hosts = new TestHosts();
const run = runId.parse('export-r1');
const importing = runId.parse('import-r1');
const other = vmId.parse('99999999-2222-4333-8444-555555555555');
beforeAll(() => hosts.make({ ...smallVm, vmCheckpoints: ['before the update'] }));
afterEach(() => hosts.close());
afterAll(() => hosts.remove());

const ofVm = () => ({ vmId: hosts.vmId });
const exportsFolder = (): string => hosts.pathOn('source', 'exports');
const nameOfVm = 'web01';

async function openSource(): Promise<HyperVDriver> {
  const source = await hosts.open('source');
  await hosts.whenAwake(source);
  valueOf(await perform(source, run, 'reserve-vm', ofVm()));
  return source;
}

type Part = OperationInput<'export-vm'>['part'];

/** Exports the running VM; answers the folder. */
async function exported(source: HyperVDriver, part: Part, vmCheckpointId: string | null = null): Promise<string> {
  if (part === 'whole') valueOf(await perform(source, run, 'take-vm-checkpoint', ofVm()));
  const place = { ...ofVm(), folder: exportsFolder() };
  valueOf(await perform(source, run, 'export-vm', { ...place, part, vmCheckpointId }));
  expect(await readdir(exportsFolder())).toEqual([`${nameOfVm}.${run}.exporting`]);
  const { folder } = valueOf(await perform(source, run, 'publish-export', place));
  expect(valueOf(await perform(source, run, 'publish-export', place)).folder).toBe(folder);
  valueOf(await perform(source, run, 'remove-vm-checkpoint', ofVm()));
  valueOf(await perform(source, run, 'release', ofVm()));
  return folder;
}

const asked = (sourceFolder: string, more: Partial<OperationInput<'compare-import'>> = {}) => ({
  vmId: other,
  folder: hosts.pathOn('source', 'imported'),
  sourceFolder,
  exportedVmId: hosts.vmId,
  name: null,
  switchName: null,
  diskPaths: [],
  ...more,
});

async function importCopy(host: HyperVDriver, input: OperationInput<'compare-import'>): Promise<void> {
  const place = { vmId: input.vmId, folder: input.folder };
  valueOf(await perform(host, importing, 'reserve-room', { ...place, roomBytes, memoryBytes: 0 }));
  valueOf(await perform(host, importing, 'place-vm', { ...place, vmName: 'copy' }));
  valueOf(await perform(host, importing, 'copy-import', input));
  valueOf(await perform(host, importing, 'import-configuration', { ...place, switchName: null }));
  valueOf(await perform(host, importing, 'start-vm', place));
  valueOf(await perform(host, importing, 'await-heartbeat', { vmId: input.vmId, waitMsMax: 10_000 }));
  valueOf(await perform(host, importing, 'release', { vmId: input.vmId }));
}

test('a VM that runs is exported, goes on, and two copies of the folder are imported under new ids', async () => {
  const source = await openSource();
  const folder = await exported(source, 'whole');
  expect(await source.vm(hosts.vmId)).toMatchObject({ state: 'running', heartbeat: 'ok', vmCheckpointCount: 1 });
  expect(await source.leftovers()).toEqual([]);
  await importCopy(source, asked(folder, { name: 'clone' }));
  expect(await source.vm(other)).toMatchObject({
    name: 'clone',
    state: 'running',
    heartbeat: 'ok',
    vmCheckpointCount: 1,
  });
  const third = vmId.parse('99999999-2222-4333-8444-666666666666');
  await importCopy(source, asked(folder, { vmId: third }));
  expect(await source.vm(third)).toMatchObject({ state: 'running', heartbeat: 'ok' });
  expect(await source.leftovers()).toEqual([]);
});

test('of one VM checkpoint the export is a complete VM whose chain is merged', async () => {
  const source = await openSource();
  const before = (await source.vm(hosts.vmId))?.disks[0]?.images.length;
  const stored = await hosts.vmCheckpointIds();
  const folder = await exported(source, 'vm-checkpoint', stored[0] ?? null);
  await importCopy(source, asked(folder));
  const copy = await source.vm(other);
  expect(before).toBe(2);
  expect(copy?.disks[0]?.images).toHaveLength(1);
  expect(copy).toMatchObject({ state: 'running', heartbeat: 'ok', vmCheckpointCount: 0 });
});

test('the configuration alone is imported with a path for each disk, and what changes is told before', async () => {
  const source = await openSource();
  const folder = await exported(source, 'configuration');
  expect(await readdir(join(folder, 'Virtual Hard Disks'))).toEqual([]);
  const base = (await source.vm(hosts.vmId))?.disks[0]?.images[0]?.path ?? '';
  const elsewhere = hosts.pathOn('source', 'elsewhere.vhdx');
  await cp(base, elsewhere);
  const input = asked(folder, { diskPaths: [{ diskId: diskId.parse('scsi-0-0'), path: elsewhere }] });
  const compared = valueOf(await perform(source, importing, 'compare-import', input));
  expect(compared.fixUps.map(({ what }) => what).sort()).toEqual(['disk', 'id']);
  const missing = { ...input, diskPaths: [{ diskId: diskId.parse('scsi-0-0'), path: `${elsewhere}.gone` }] };
  expect(codeOf(await perform(source, importing, 'compare-import', missing))).toBe('NotFound');
});

test('a host without the switch leaves the VM unconnected, and says so before; one that is named must be there', async () => {
  const source = await openSource();
  const folder = await exported(source, 'whole');
  const hostFile = join(await hosts.hostFolder('destination'), 'host.json');
  await writeFile(hostFile, (await readFile(hostFile, 'utf8')).replace('"LAN"', '"WAN"'));
  const away = await hosts.open('destination');
  const there = hosts.pathOn('destination', 'plain copy');
  await cp(folder, there, { recursive: true });
  const input = { ...asked(there), vmId: hosts.vmId, folder: hosts.pathOn('destination', 'imported') };
  const { fixUps } = valueOf(await perform(away, importing, 'compare-import', input));
  expect(fixUps).toEqual([{ what: 'switch', from: 'LAN', to: 'not connected' }]);
  expect(valueOf(await perform(away, importing, 'compare-import', { ...input, switchName: 'WAN' })).fixUps).toEqual([
    { what: 'switch', from: 'LAN', to: 'WAN' },
  ]);
  const named = await perform(away, importing, 'compare-import', { ...input, switchName: 'none' });
  expect(codeOf(named)).toBe('SwitchMissing');
  await importCopy(away, input);
  expect(await away.vm(hosts.vmId)).toMatchObject({ switchName: null, state: 'running' });
});

test('a file that is missing is named before anything is changed', async () => {
  const source = await openSource();
  const folder = await exported(source, 'whole');
  const away = await hosts.open('destination');
  const there = hosts.pathOn('destination', 'plain copy');
  await cp(folder, there, { recursive: true });
  await rm(join(there, 'Virtual Hard Disks'), { recursive: true });
  const input = { ...asked(there), vmId: hosts.vmId, folder: there };
  for (const kind of ['compare-import', 'adopt-import'] as const)
    expect(await perform(away, importing, kind, input)).toMatchObject({ ok: false, failure: { effect: 'none' } });
  expect(await away.leftovers()).toEqual([]);
});

test('a plain copy is imported in place, and what is undone leaves the folder as it was', async () => {
  const source = await openSource();
  const folder = await exported(source, 'whole');
  const away = await hosts.open('destination');
  const there = hosts.pathOn('destination', 'plain copy');
  await cp(folder, there, { recursive: true });
  const files = await hosts.files('destination');
  const input = { ...asked(there), vmId: hosts.vmId, folder: there };
  const place = { vmId: hosts.vmId, folder: there };
  valueOf(await perform(away, importing, 'adopt-import', input));
  valueOf(await perform(away, importing, 'remove-placeholder', place));
  valueOf(await perform(away, importing, 'release', { vmId: hosts.vmId }));
  expect(await away.leftovers()).toEqual([]);
  expect(await hosts.files('destination')).toEqual(files);
  valueOf(await perform(away, importing, 'adopt-import', input));
  valueOf(await perform(away, importing, 'start-vm', place));
  valueOf(await perform(away, importing, 'await-heartbeat', { vmId: hosts.vmId, waitMsMax: 10_000 }));
  const vm = await away.vm(hosts.vmId);
  expect(vm?.disks[0]?.path.startsWith(there)).toBe(true);
});

test('what exists is not written over, and what was not published is removed', async () => {
  const source = await openSource();
  await exported(source, 'configuration');
  valueOf(await perform(source, run, 'reserve-vm', ofVm()));
  const place = { ...ofVm(), folder: exportsFolder() };
  const again = await perform(source, run, 'export-vm', { ...place, part: 'configuration', vmCheckpointId: null });
  expect(codeOf(again)).toBe('DestinationOccupied');
  await rm(join(exportsFolder(), nameOfVm), { recursive: true });
  valueOf(await perform(source, run, 'export-vm', { ...place, part: 'configuration', vmCheckpointId: null }));
  valueOf(await perform(source, run, 'remove-unpublished', place));
  expect(await readdir(exportsFolder())).toEqual([]);
  expect(codeOf(await perform(source, run, 'publish-export', place))).toBe('NotFound');
  const running = await perform(source, run, 'export-vm', { ...place, part: 'whole', vmCheckpointId: null });
  expect(codeOf(running)).toBe('VmStateWrong');
});
