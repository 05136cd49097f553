import { join } from 'node:path';
import type { DriverOperationKind, HyperVDriver } from '../../agent/hyperv/driver';
import { runId, vmId as vmIdOf, type RunId } from '../../contracts/ids';
import type { OperationInput } from '../../contracts/operations';
import { asked, carried, exported, twiceOn, type ExportHosts } from './hyperv-exports';
import { codeOf, perform, roomBytes, valueOf } from './hyperv-move';

const run = runId.parse('switch-r1');
const second = runId.parse('switch-r2');
const newId = vmIdOf.parse('99999999-2222-4333-8444-777777777777');
const lab = { name: 'lab', type: 'private' } as const;

type Asked = OperationInput<'compare-import'>;

const switchesOf = async (driver: HyperVDriver): Promise<string[]> => (await driver.host()).switches;
const whatIsLeft = async (driver: HyperVDriver): Promise<unknown[]> =>
  (await driver.leftovers()).flatMap(({ what, runId: by, detail }) =>
    what === 'virtual-switch' ? [[by, detail]] : [],
  );

/** Up to where the VM is a placeholder that is connected to the switch. */
export async function placed(driver: HyperVDriver, by: RunId, input: Asked): Promise<void> {
  const twice = <K extends DriverOperationKind>(kind: K, given: OperationInput<K>) => twiceOn(driver, by, kind, given);
  const { vmId, folder } = input;
  await twice('reserve-room', { vmId, folder, roomBytes, memoryBytes: 0 });
  if (input.makesSwitch !== undefined) await twice('make-switch', { vmId, ...lab });
  await twice('place-vm', { vmId, folder, vmName: 'copy' });
  const { makesSwitch: _, ...files } = input;
  await twice('copy-import', files);
  await twice('import-configuration', { vmId, folder, switchName: input.switchName });
}

/** To its end; answers the id that the VM has. */
async function imported(driver: HyperVDriver, by: RunId, input: Asked) {
  await placed(driver, by, input);
  const { vmId, folder } = input;
  const { registeredAs = vmId } = await twiceOn(driver, by, 'start-vm', { vmId, folder, power: 'leave' });
  await twiceOn(driver, by, 'release', { vmId });
  return registeredAs;
}

/** Virtual switches that an import makes, as every driver must offer them. */
export function describeSwitches(name: string, hostsFor: () => Promise<ExportHosts>): void {
  const onHost = async () => {
    const { host, vmId } = await hostsFor();
    const of = { vmId };
    return { host, of };
  };

  describe(`${name}: switches`, () => {
    test('a switch is made, is the run’s, and is removed; each twice over', async () => {
      const { host, of } = await onHost();
      const before = await switchesOf(host);
      for (const type of ['private', 'internal'] as const) {
        expect(await twiceOn(host, run, 'make-switch', { ...of, ...lab, type })).toEqual({ made: true });
        expect(await switchesOf(host)).toEqual([...before, 'lab']);
        expect(await whatIsLeft(host)).toEqual([[run, `"lab" (${type})`]]);
        expect(await twiceOn(host, run, 'remove-switch', of)).toEqual({ usedBy: null });
        expect(await switchesOf(host)).toEqual(before);
        await twiceOn(host, run, 'release', of);
        expect(await host.leftovers()).toEqual([]);
      }
    });

    test('a removal of what was never made changes nothing', async () => {
      const { host, of } = await onHost();
      const before = await switchesOf(host);
      expect(await twiceOn(host, run, 'remove-switch', of)).toEqual({ usedBy: null });
      expect(await switchesOf(host)).toEqual(before);
      expect(await host.leftovers()).toEqual([]);
    });

    test('one of another type, or whose name is written otherwise, is refused with no effect', async () => {
      const { host, of } = await onHost();
      const before = await switchesOf(host);
      const refused = { failure: { code: 'SwitchUnfit', effect: 'none' } };
      for (const wanted of [{ name: 'LAN' }, { name: 'lan' }])
        expect(await perform(host, run, 'make-switch', { ...of, ...lab, ...wanted })).toMatchObject(refused);
      valueOf(await perform(host, run, 'make-switch', { ...of, ...lab }));
      for (const wanted of [{ type: 'internal' as const }, { name: 'Lab' }])
        expect(await perform(host, second, 'make-switch', { ...of, ...lab, ...wanted })).toMatchObject(refused);
      await twiceOn(host, run, 'remove-switch', of);
      for (const by of [run, second]) await twiceOn(host, by, 'release', of);
      expect(await switchesOf(host)).toEqual(before);
      expect(await host.leftovers()).toEqual([]);
    });

    test('one that another run made is used as it is, and not removed while both use it', async () => {
      const { host, of } = await onHost();
      expect(await twiceOn(host, run, 'make-switch', { ...of, ...lab })).toEqual({ made: true });
      expect(await twiceOn(host, second, 'make-switch', { ...of, ...lab })).toEqual({ made: false });
      expect(await twiceOn(host, run, 'remove-switch', of)).toEqual({ usedBy: `run ${second}` });
      expect(await whatIsLeft(host)).toEqual([[run, '"lab" (private)']]);
      expect(await twiceOn(host, second, 'remove-switch', of)).toEqual({ usedBy: null });
      expect(await switchesOf(host)).toContain('lab');
      expect(await twiceOn(host, run, 'remove-switch', of)).toEqual({ usedBy: null });
      expect(await switchesOf(host)).not.toContain('lab');
      for (const by of [run, second]) await twiceOn(host, by, 'release', of);
      expect(await host.leftovers()).toEqual([]);
    });

    test('an import with a switch that is made is connected to it, and it stays as the administrator’s own', async () => {
      const hosts = await hostsFor();
      const { other, vmId, otherRoot, switchName } = hosts;
      const there = await carried(hosts, await exported(hosts, 'whole'));
      const input = asked(otherRoot, there, { vmId, switchName: 'lab', makesSwitch: 'private' });
      const compared = await twiceOn(other, run, 'compare-import', input);
      expect(compared.fixUps).toEqual([{ what: 'switch', from: switchName, to: 'lab (private switch, to be made)' }]);
      expect(await switchesOf(other)).not.toContain('lab');
      const id = await imported(other, run, input);
      expect(await other.vm(id)).toMatchObject({ switchName: 'lab', state: 'off', reservedBy: null });
      expect(await switchesOf(other)).toContain('lab');
      expect(await other.leftovers()).toEqual([]);
      const again = asked(otherRoot, there, {
        vmId: newId,
        switchName: 'lab',
        makesSwitch: 'private',
        folder: join(otherRoot, 'again'),
      });
      const secondId = await imported(other, second, again);
      expect(await other.vm(secondId)).toMatchObject({ switchName: 'lab' });
      for (const by of [run, second])
        expect(await twiceOn(other, by, 'remove-switch', { vmId: newId })).toEqual({ usedBy: null });
      expect(await switchesOf(other)).toContain('lab');
      expect(await other.leftovers()).toEqual([]);
    });

    test('in place as well, and the undo leaves neither switch nor placeholder', async () => {
      const hosts = await hostsFor();
      const { other, vmId } = hosts;
      const { folder, id } = await carried(hosts, await exported(hosts, 'whole'));
      const before = await switchesOf(other);
      const input = { ...asked('', { folder, id }), vmId, folder, switchName: 'lab' };
      const compared = await perform(other, run, 'compare-import', { ...input, makesSwitch: 'internal' });
      expect(valueOf(compared).fixUps).toHaveLength(1);
      await twiceOn(other, run, 'make-switch', { vmId, name: 'lab', type: 'internal' });
      await twiceOn(other, run, 'adopt-import', input);
      const kept = valueOf(await perform(other, run, 'remove-switch', { vmId }));
      expect(kept.usedBy === null).toBe(false);
      await twiceOn(other, run, 'remove-placeholder', { vmId, folder });
      expect(await twiceOn(other, run, 'remove-switch', { vmId })).toEqual({ usedBy: null });
      await twiceOn(other, run, 'release', { vmId });
      expect(await switchesOf(other)).toEqual(before);
      expect(await other.leftovers()).toEqual([]);
    });

    test('one that a VM or the placeholder of another run uses by now stays, and is told as a leftover', async () => {
      const hosts = await hostsFor();
      const { other, vmId, otherRoot } = hosts;
      const there = await carried(hosts, await exported(hosts, 'whole'));
      const of = { vmId: newId };
      await twiceOn(other, run, 'make-switch', { ...of, ...lab });
      const input = asked(otherRoot, there, { vmId, switchName: 'lab' });
      await placed(other, second, input);
      const byPlaceholder = valueOf(await perform(other, run, 'remove-switch', of));
      expect(byPlaceholder.usedBy).toContain(vmId);
      const { registeredAs = vmId } = await twiceOn(other, second, 'start-vm', {
        vmId,
        folder: input.folder,
        power: 'leave',
      });
      await twiceOn(other, second, 'release', { vmId });
      const byVm = await twiceOn(other, run, 'remove-switch', of);
      expect(byVm.usedBy).toContain('web01');
      await twiceOn(other, run, 'release', of);
      expect(await other.vm(registeredAs)).toMatchObject({ switchName: 'lab' });
      expect(await whatIsLeft(other)).toEqual([[run, expect.stringMatching(/^"lab" \(private\), which VM web01 /)]]);
    });

    test('without being asked to make it, a switch that is missing is refused as before', async () => {
      const hosts = await hostsFor();
      const { other, vmId, otherRoot } = hosts;
      const there = await carried(hosts, await exported(hosts, 'whole'));
      const input = asked(otherRoot, there, { vmId, switchName: 'lab' });
      expect(codeOf(await perform(other, run, 'compare-import', input))).toBe('SwitchMissing');
      expect(await switchesOf(other)).not.toContain('lab');
    });
  });
}
