import { createHash } from 'node:crypto';
import { cp, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { DriverOperationKind, HyperVDriver } from '../../agent/hyperv/driver';
import { filesBelow } from '../../agent/hyperv/files';
import { diskId, runId, vmId as vmIdOf, type RunId, type VmId } from '../../contracts/ids';
import type { OperationInput, OperationOutput } from '../../contracts/operations';
import type { FixUp } from '../../contracts/operations/exports';
import { codeOf, perform, roomBytes, valueOf } from './hyperv-move';

/** A host with a VM that runs and has a VM checkpoint that a person made, and another host, which lacks the switch of the VM. */
export type ExportHosts = {
  readonly host: HyperVDriver;
  readonly other: HyperVDriver;
  readonly vmId: VmId;
  readonly vmCheckpointId: string;
  /** Folders below which VMs may be placed. */
  readonly root: string;
  readonly otherRoot: string;
  readonly switchName: string;
  readonly otherSwitchName: string;
};

type Part = OperationInput<'export-vm'>['part'];
type Asked = OperationInput<'compare-import'>;

const run = runId.parse('export-r1');
const importing = runId.parse('import-r1');
const disk = diskId.parse('scsi-0-0');
const newId = vmIdOf.parse('99999999-2222-4333-8444-555555555555');
const thirdId = vmIdOf.parse('99999999-2222-4333-8444-666666666666');

export type Export = { readonly folder: string; readonly id: VmId };

/** Carries an export out as its itinerary does, each operation twice over. */
export async function exported(
  { host, vmId, vmCheckpointId, root }: ExportHosts,
  part: Part,
  by: RunId = run,
  into = 'exports',
): Promise<Export> {
  const ofVm = { vmId };
  const place = { vmId, folder: join(root, into) };
  const twice = <K extends DriverOperationKind>(kind: K, input: OperationInput<K>) => twiceOn(host, by, kind, input);
  await twice('reserve-vm', ofVm);
  const { state, exportsRunning = false } = await twice('check-disks', { ...ofVm, carriedBy: 'host' });
  if (state === 'running' && part === 'whole' && !exportsRunning) await twice('take-vm-checkpoint', ofVm);
  const asked = { ...place, part, vmCheckpointId: part === 'vm-checkpoint' ? vmCheckpointId : null };
  const written = await twice('export-vm', asked);
  expect(written.files).toBeGreaterThan(0);
  const unpublished = await readdir(place.folder);
  expect(unpublished).toEqual([expect.stringContaining(`.${by}.exporting`)]);
  const { folder, exportedVmId = vmId } = await twice('publish-export', place);
  await twice('remove-vm-checkpoint', ofVm);
  await twice('release', ofVm);
  return { folder, id: exportedVmId };
}

export async function twiceOn<K extends DriverOperationKind>(
  driver: HyperVDriver,
  by: RunId,
  kind: K,
  input: OperationInput<K>,
): Promise<OperationOutput<K>> {
  const first = valueOf(await perform(driver, by, kind, input));
  const second = valueOf(await perform(driver, by, kind, input));
  // A copy that was made is not made again, sizes and room change by themselves.
  const lasting = (value: unknown) =>
    JSON.stringify(value, (key, inner: unknown) => (/Bytes$/.test(key) ? undefined : inner));
  expect([kind, lasting(second)]).toEqual([kind, lasting(first)]);
  return first;
}

export const asked = (root: string, { folder, id }: Export, more: Partial<Asked> = {}): Asked => ({
  vmId: newId,
  folder: join(root, 'imported'),
  sourceFolder: folder,
  exportedVmId: id,
  name: null,
  switchName: null,
  diskPaths: [],
  ...more,
});

/** As the itinerary does it; answers the id that the VM has, and what was told before. */
async function importCopy(
  host: HyperVDriver,
  input: Asked,
  power: 'start' | 'leave' = 'start',
): Promise<{ id: VmId; fixUps: FixUp[] }> {
  const { vmId, folder } = input;
  const place = { vmId, folder };
  const twice = <K extends DriverOperationKind>(kind: K, given: OperationInput<K>) =>
    twiceOn(host, importing, kind, given);
  const compared = await twice('compare-import', input);
  await twice('reserve-room', { ...place, roomBytes, memoryBytes: 0 });
  await twice('place-vm', { ...place, vmName: compared.vmName });
  await twice('copy-import', input);
  await twice('import-configuration', { ...place, switchName: input.switchName });
  const { registeredAs: id = vmId } = await twice('start-vm', { ...place, power });
  if (power === 'start') valueOf(await perform(host, importing, 'await-heartbeat', { vmId: id, waitMsMax: 60_000 }));
  await twice('release', { vmId });
  return { id, fixUps: compared.fixUps };
}

/** Every file of a folder with what is in it. */
export async function contentOf(folder: string): Promise<Record<string, string>> {
  const files = await filesBelow(folder);
  const digests = files.map(async ({ path }) => {
    const digest = createHash('sha256').update(await readFile(path));
    return [path.slice(folder.length), digest.digest('hex')] as const;
  });
  return Object.fromEntries(await Promise.all(digests));
}

const whats = (fixUps: readonly FixUp[]): string[] => fixUps.map(({ what }) => what).sort();

const awake = async (host: HyperVDriver, vmId: VmId): Promise<unknown> =>
  valueOf(await perform(host, run, 'await-heartbeat', { vmId, waitMsMax: 60_000 }));

/** A copy of an export on the other host, as an administrator carries it over. */
export async function carried(hosts: ExportHosts, { folder, id }: Export): Promise<Export> {
  const there = join(hosts.otherRoot, 'plain copy');
  await cp(folder, there, { recursive: true });
  return { folder: there, id };
}

/** Export and import, as every driver must offer them. */
export function describeExports(name: string, hostsFor: () => Promise<ExportHosts>): void {
  describe(`${name}: exports`, () => {
    test('a VM that runs is exported and goes on, and copies of the folder are imported under new ids and names', async () => {
      const hosts = await hostsFor();
      const { host, vmId, root } = hosts;
      await awake(host, vmId);
      const written = await exported(hosts, 'whole');
      expect(await host.vm(vmId)).toMatchObject({ state: 'running', heartbeat: 'ok', vmCheckpointCount: 1 });
      expect(await host.leftovers()).toEqual([]);
      const before = await contentOf(written.folder);
      const first = await importCopy(host, asked(root, written, { name: 'clone' }));
      expect(whats(first.fixUps)).toEqual(['id', 'name']);
      expect(await host.vm(first.id)).toMatchObject({
        name: 'clone',
        state: 'running',
        heartbeat: 'ok',
        vmCheckpointCount: 1,
        reservedBy: null,
      });
      const second = await importCopy(host, asked(root, written, { vmId: thirdId }));
      expect(second.id).not.toBe(first.id);
      expect(await host.vm(second.id)).toMatchObject({ state: 'running', heartbeat: 'ok' });
      expect(await host.vm(vmId)).toMatchObject({ state: 'running', heartbeat: 'ok' });
      expect(await contentOf(written.folder)).toEqual(before);
      expect(await host.leftovers()).toEqual([]);
    });

    test('of one VM checkpoint the export is a complete VM whose chain is merged', async () => {
      const hosts = await hostsFor();
      const { host, vmId, root } = hosts;
      const before = (await host.vm(vmId))?.disks[0]?.images.length;
      const { id } = await importCopy(host, asked(root, await exported(hosts, 'vm-checkpoint')));
      const copy = await host.vm(id);
      expect(before).toBe(2);
      expect(copy?.disks[0]?.images).toHaveLength(1);
      expect(copy).toMatchObject({ state: 'running', heartbeat: 'ok', vmCheckpointCount: 0 });
    });

    test('a VM checkpoint that it does not have is refused with no effect', async () => {
      const { host, vmId, root } = await hostsFor();
      valueOf(await perform(host, run, 'reserve-vm', { vmId }));
      const place = { vmId, folder: join(root, 'exports') };
      const none = await perform(host, run, 'export-vm', { ...place, part: 'vm-checkpoint', vmCheckpointId: newId });
      expect(none).toMatchObject({ failure: { code: 'NotFound', effect: 'none' } });
      expect(await readdir(root)).not.toContain('exports');
    });

    test('the configuration alone is imported with a path for each disk, and what changes is told before', async () => {
      const hosts = await hostsFor();
      const { host, vmId, root } = hosts;
      const written = await exported(hosts, 'configuration');
      expect(await readdir(join(written.folder, 'Virtual Hard Disks'))).toEqual([]);
      const base = (await host.vm(vmId))?.disks[0]?.images[0]?.path ?? '';
      const elsewhere = join(root, 'elsewhere.vhdx');
      await cp(base, elsewhere);
      const input = asked(root, written, { diskPaths: [{ diskId: disk, path: elsewhere }] });
      const missing = { ...input, diskPaths: [{ diskId: disk, path: `${elsewhere}.gone` }] };
      expect(await perform(host, importing, 'compare-import', missing)).toMatchObject({
        failure: { code: 'NotFound', effect: 'none' },
      });
      const compared = valueOf(await perform(host, importing, 'compare-import', input));
      expect(whats(compared.fixUps)).toEqual(['disk', 'id']);
      expect(compared.fixUps.find(({ what }) => what === 'disk')?.to).toBe(elsewhere);
    });

    test('a host without the switch leaves the VM unconnected, and says so before; one that is named must be there', async () => {
      const hosts = await hostsFor();
      const { other, vmId, otherRoot, switchName, otherSwitchName } = hosts;
      const there = await carried(hosts, await exported(hosts, 'whole'));
      const input = asked(otherRoot, there, { vmId });
      const fixUpsWith = async (wanted: string | null) =>
        valueOf(await perform(other, importing, 'compare-import', { ...input, switchName: wanted })).fixUps;
      expect(await fixUpsWith(null)).toEqual([{ what: 'switch', from: switchName, to: 'not connected' }]);
      expect(await fixUpsWith(otherSwitchName)).toEqual([{ what: 'switch', from: switchName, to: otherSwitchName }]);
      const named = await perform(other, importing, 'compare-import', { ...input, switchName: 'none' });
      expect(codeOf(named)).toBe('SwitchMissing');
      await importCopy(other, input);
      expect(await other.vm(vmId)).toMatchObject({ switchName: null, state: 'running' });
    });

    test('a VM is connected to the switch that is named for it', async () => {
      const hosts = await hostsFor();
      const { other, vmId, otherRoot, otherSwitchName } = hosts;
      const there = await carried(hosts, await exported(hosts, 'whole'));
      await importCopy(other, asked(otherRoot, there, { vmId, switchName: otherSwitchName }), 'leave');
      expect(await other.vm(vmId)).toMatchObject({ switchName: otherSwitchName, state: 'off', reservedBy: null });
    });

    test('a file that is missing is named before anything is changed', async () => {
      const hosts = await hostsFor();
      const { other, vmId } = hosts;
      const there = await carried(hosts, await exported(hosts, 'whole'));
      await rm(join(there.folder, 'Virtual Hard Disks'), { recursive: true });
      const input = { ...asked('', there), vmId, folder: there.folder };
      for (const kind of ['compare-import', 'adopt-import'] as const)
        expect(await perform(other, importing, kind, input)).toMatchObject({ ok: false, failure: { effect: 'none' } });
      const nobody = { ...input, exportedVmId: thirdId };
      expect(codeOf(await perform(other, importing, 'compare-import', nobody))).toBe('NotFound');
      expect(await other.leftovers()).toEqual([]);
    });

    test('a plain copy is imported in place, and what is undone leaves the folder as it was', async () => {
      const hosts = await hostsFor();
      const { other, vmId } = hosts;
      const there = await carried(hosts, await exported(hosts, 'whole'));
      const before = await contentOf(there.folder);
      const input = { ...asked('', there), vmId, folder: there.folder };
      const place = { vmId, folder: there.folder };
      await twiceOn(other, importing, 'adopt-import', input);
      expect((await other.leftovers()).map(({ what }) => what)).toContain('planned-vm');
      await twiceOn(other, importing, 'remove-placeholder', place);
      await twiceOn(other, importing, 'release', { vmId });
      expect(await other.leftovers()).toEqual([]);
      expect(await contentOf(there.folder)).toEqual(before);
      await twiceOn(other, importing, 'adopt-import', input);
      await twiceOn(other, importing, 'start-vm', place);
      expect(codeOf(await perform(other, importing, 'remove-placeholder', place))).toBe('RefusedAfterStart');
      valueOf(await perform(other, importing, 'await-heartbeat', { vmId, waitMsMax: 60_000 }));
      await twiceOn(other, importing, 'release', { vmId });
      const vm = await other.vm(vmId);
      expect(vm?.disks[0]?.path.startsWith(there.folder)).toBe(true);
      expect(vm).toMatchObject({ vmCheckpointCount: 1, reservedBy: null });
      expect(await other.leftovers()).toEqual([]);
      const again = await perform(other, importing, 'adopt-import', { ...input, vmId: newId });
      expect(codeOf(again)).toBe('DestinationOccupied');
    });

    test('a VM that is registered here is not imported under its own id', async () => {
      const hosts = await hostsFor();
      const { host, vmId, root } = hosts;
      const written = await exported(hosts, 'configuration');
      const compared = await perform(host, importing, 'compare-import', asked(root, written, { vmId }));
      expect(compared).toMatchObject({ failure: { code: 'DestinationOccupied', effect: 'none' } });
    });

    test('an import as a copy that is undone, twice over, leaves nothing but the folder that it came from', async () => {
      const hosts = await hostsFor();
      const { host, root } = hosts;
      const written = await exported(hosts, 'whole');
      const before = await contentOf(root);
      const input = asked(root, written);
      const place = { vmId: newId, folder: input.folder };
      valueOf(await perform(host, importing, 'reserve-room', { ...place, roomBytes, memoryBytes: 0 }));
      valueOf(await perform(host, importing, 'place-vm', { ...place, vmName: 'copy' }));
      valueOf(await perform(host, importing, 'copy-import', input));
      valueOf(await perform(host, importing, 'import-configuration', { ...place, switchName: null }));
      await perform(host, importing, 'remove-placeholder', place);
      expect(codeOf(await perform(host, importing, 'remove-placeholder', place))).toBe('succeeded');
      await twiceOn(host, importing, 'release', { vmId: newId });
      expect(await host.leftovers()).toEqual([]);
      expect(Object.keys(await contentOf(root))).toEqual(Object.keys(before));
    });

    test('saved memory is exported, goes along under the same id, and is said to be lost under another', async () => {
      const hosts = await hostsFor();
      const { host, other, vmId, otherRoot } = hosts;
      await awake(host, vmId);
      valueOf(await perform(host, run, 'reserve-vm', { vmId }));
      valueOf(await perform(host, run, 'save-vm', { vmId }));
      const there = await carried(hosts, await exported(hosts, 'whole'));
      const under = async (id: VmId) =>
        whats(valueOf(await perform(other, importing, 'compare-import', asked(otherRoot, there, { vmId: id }))).fixUps);
      expect(await under(newId)).toEqual(['id', 'saved-state', 'switch']);
      expect(await under(vmId)).toEqual(['switch']);
      await importCopy(other, asked(otherRoot, there, { vmId }), 'leave');
      expect(await other.vm(vmId)).toMatchObject({ state: 'saved' });
      const cold = await importCopy(
        other,
        asked(otherRoot, there, { vmId: newId, folder: join(otherRoot, 'cold') }),
        'leave',
      );
      expect(await other.vm(cold.id)).toMatchObject({ state: 'off' });
      expect(await other.leftovers()).toEqual([]);
    });

    test('what exists is not written over, and what was not published is removed', async () => {
      const hosts = await hostsFor();
      const { host, vmId, root } = hosts;
      const { folder } = await exported(hosts, 'configuration');
      valueOf(await perform(host, run, 'reserve-vm', { vmId }));
      const place = { vmId, folder: join(root, 'exports') };
      const input = { ...place, part: 'configuration', vmCheckpointId: null } as const;
      expect(codeOf(await perform(host, run, 'export-vm', input))).toBe('DestinationOccupied');
      await rm(folder, { recursive: true });
      valueOf(await perform(host, run, 'export-vm', input));
      await twiceOn(host, run, 'remove-unpublished', place);
      expect(await readdir(place.folder)).toEqual([]);
      expect(codeOf(await perform(host, run, 'publish-export', place))).toBe('NotFound');
      await twiceOn(host, run, 'release', { vmId });
      expect(await host.leftovers()).toEqual([]);
    });

    test('nothing is exported of a VM that another run holds', async () => {
      const { host, vmId, root } = await hostsFor();
      valueOf(await perform(host, runId.parse('another-r1'), 'reserve-vm', { vmId }));
      const input = { vmId, folder: join(root, 'exports'), part: 'whole', vmCheckpointId: null } as const;
      expect(await perform(host, run, 'export-vm', input)).toMatchObject({
        failure: { code: 'VmBusy', effect: 'none' },
      });
    });

    test('a folder outside of the allowed roots is neither written nor read', async () => {
      const { host, vmId, root } = await hostsFor();
      valueOf(await perform(host, run, 'reserve-vm', { vmId }));
      const input = { vmId, folder: '/elsewhere', part: 'configuration', vmCheckpointId: null } as const;
      expect(codeOf(await perform(host, run, 'export-vm', input))).toBe('PathOutsideRoots');
      const outside = asked(root, { folder: '/elsewhere', id: vmId });
      expect(codeOf(await perform(host, importing, 'compare-import', outside))).toBe('PathOutsideRoots');
    });
  });
}
