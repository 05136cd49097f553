import { migrationId, vmId as vmIdOf, type HostId, type VmId } from '../../contracts/ids';
import type { Receipt } from '../../contracts/receipt';
import { destination, source } from '../agent/small-site';
import { describeWithEngine } from './engine';
import { PowerShellSite } from './powershell-site';

// Real processes, each call one of a PowerShell, on a machine that may be busy with others.
jest.setTimeout(900_000);

describeWithEngine('a kind with agents that use the PowerShell driver', () => {
  let site: PowerShellSite;
  beforeAll(async () => void (site = await PowerShellSite.make()));
  afterAll(() => site.close());

  /** Runs a migration to its end and answers its receipt. */
  const migrate = (kind: string, from: HostId, to: HostId, more: object = {}): Promise<Receipt> =>
    site.migrate(migrationId.parse(`ps-${kind}`), {
      kind,
      sourceHost: from,
      ...(to !== from && { destinationHost: to }),
      ...more,
    });

  /** The VM that is no role of the cluster, with its files. */
  const withFiles = (kind: string, to: HostId) => ({ vmId: site.vms.web, destinationFolder: site.folderOn(to, kind) });

  const vmOn = (id: HostId, vm: VmId) => site.host(id).simulated.vm(vm);
  const runsOn = async (id: HostId, vm: VmId): Promise<boolean> => (await vmOn(id, vm))?.state === 'running';

  test('quick-storage: the VM is there and runs, its disks compared, and the source is kept', async () => {
    const receipt = await migrate('quick-storage', source, destination, {
      ...withFiles('quick-storage', destination),
      policy: { retire: 'keep' },
    });
    expect(receipt).toMatchObject({ state: 'completed', failure: null });
    expect(receipt.leftovers.map(({ what }) => what)).toEqual(['retired-vm']);
    expect(receipt.verified.length).toBe(1);
    expect(await runsOn(destination, site.vms.web)).toBe(true);
    expect(await runsOn(source, site.vms.web)).toBe(false);
  });

  test('lan: back to where it came from, in another folder, and nothing is left there but what was kept', async () => {
    const receipt = await migrate('lan', destination, source, {
      ...withFiles('lan', source),
      policy: { retire: 'delete' },
    });
    expect(receipt).toMatchObject({ state: 'completed', failure: null });
    expect(await runsOn(source, site.vms.web)).toBe(true);
    expect(await vmOn(destination, site.vms.web)).toBeUndefined();
  });

  test('warm: rounds by reference points while the guest writes, then the rest, and no point is left', async () => {
    const receipt = await migrate('warm', source, destination, {
      ...withFiles('warm', destination),
      policy: { retire: 'keep', outageMsMax: 1_000, roundsMax: 2, ifNotShrinking: 'cut-over' },
    });
    expect(receipt).toMatchObject({ state: 'completed', failure: null });
    expect(receipt.rounds.length).toBeGreaterThan(1);
    expect(receipt.rounds.slice(1).some(({ whole }) => whole)).toBe(false);
    expect(receipt.verified.length).toBe(1);
    expect(await runsOn(destination, site.vms.web)).toBe(true);
    expect(await site.host(source).hyperV.checkpoints.points()).toEqual([]);
  });

  test('quick: the role goes to the other node, with its VM as it was saved, and nothing is left', async () => {
    const receipt = await migrate('quick', source, destination, { vmId: site.vms.role });
    expect(receipt).toMatchObject({ state: 'completed', failure: null, leftovers: [] });
    expect(receipt.outage.type).toBe('measured');
    expect(await runsOn(destination, site.vms.role)).toBe(true);
    expect(await vmOn(source, site.vms.role)).toBeUndefined();
  });

  test('san: the LUN goes to the other host with the VM on it, as it was saved, and is written from one end alone', async () => {
    const { onLun } = site.vms;
    const before = await vmOn(source, onLun);
    const receipt = await migrate('san', source, destination, { vmId: onLun });
    expect(receipt).toMatchObject({ state: 'completed', failure: null, leftovers: [] });
    expect(receipt.outage.type).toBe('measured');
    expect(await runsOn(destination, onLun)).toBe(true);
    const after = await vmOn(destination, onLun);
    expect(after?.disks.map(({ path }) => path)).toEqual(before?.disks.map(({ path }) => path));
    expect(await vmOn(source, onLun)).toBeUndefined();
    expect(await site.host(source).hyperV.luns.list()).toMatchObject([{ isOffline: true, isReadOnly: true }]);
    for (const id of [source, destination]) expect(site.host(id).hyperV.luns.torn).toEqual([]);
  });

  const isNotTold = { type: 'not-measured', because: expect.stringContaining('Hyper-V') as string };
  const isDone = { state: 'completed', failure: null, leftovers: [], outage: isNotTold };

  test('storage: the files of a VM that runs go to another folder of its host, and none is left where they were', async () => {
    const destinationFolder = site.folderOn(source, 'storage');
    const receipt = await migrate('storage', source, source, { vmId: site.vms.moving, destinationFolder });
    expect(receipt).toMatchObject(isDone);
    const vm = await vmOn(source, site.vms.moving);
    expect(vm).toMatchObject({ state: 'running' });
    for (const { path } of vm?.disks ?? []) expect(path.startsWith(destinationFolder)).toBe(true);
    expect(receipt.configurationChanges.length).toBeGreaterThan(0);
  });

  test('shared-nothing: a VM that runs goes to the other host with its files, and the source has nothing of it', async () => {
    const destinationFolder = site.folderOn(destination, 'shared-nothing');
    const receipt = await migrate('shared-nothing', source, destination, { vmId: site.vms.moving, destinationFolder });
    expect(receipt).toMatchObject(isDone);
    expect(await runsOn(destination, site.vms.moving)).toBe(true);
    expect(await vmOn(source, site.vms.moving)).toBeUndefined();
    expect(await site.host(destination).hyperV.notesOf(site.vms.moving)).toBe('');
  });

  test('live: the role of a VM that runs goes back to the first node, and its files stay', async () => {
    const before = await vmOn(destination, site.vms.role);
    const receipt = await migrate('live', destination, source, { vmId: site.vms.role });
    expect(receipt).toMatchObject(isDone);
    const after = await vmOn(source, site.vms.role);
    expect(after).toMatchObject({ state: 'running', disks: before?.disks.map(({ path }) => ({ path })) });
    expect(await vmOn(destination, site.vms.role)).toBeUndefined();
  });

  test('lan and shared-nothing: a role leaves its cluster, is made one again at the other node, and leaves it for good', async () => {
    const vmId = site.vms.role;
    const settings = { priority: 3000, antiAffinityClassNames: ['web'] };
    await site.host(source).hyperV.roles.set(vmId, settings);
    const first = await site.migrate(migrationId.parse('ps-lan-role'), {
      ...{ kind: 'lan', sourceHost: source, destinationHost: destination, vmId },
      ...{ destinationFolder: site.sharedFolder('lan'), role: 'make', policy: { retire: 'delete' } },
    });
    expect(first).toMatchObject({ state: 'completed', failure: null, leftovers: [] });
    expect(first.role).toMatchObject({ removed: { settings }, restored: false, made: { without: [] } });
    expect(await runsOn(destination, vmId)).toBe(true);
    const roles = site.host(destination).hyperV.roles;
    expect(await roles.of(vmId)).toMatchObject({ owner: destination, state: 'Online', settings });
    const second = await site.migrate(migrationId.parse('ps-shared-nothing-role'), {
      ...{ kind: 'shared-nothing', sourceHost: destination, destinationHost: source, vmId },
      ...{ destinationFolder: site.folderOn(source, 'left'), role: 'leave' },
    });
    expect(second).toMatchObject({ state: 'completed', failure: null, leftovers: [] });
    expect(second.role).toMatchObject({ removed: { settings }, made: null });
    expect(await runsOn(source, vmId)).toBe(true);
    expect(await roles.of(vmId)).toBeNull();
  });

  test('export and import: a VM that runs is exported and goes on, and runs once more under an id that Hyper-V draws', async () => {
    const host = (await runsOn(source, site.vms.web)) ? source : destination;
    const written = await migrate('export', host, host, {
      vmId: site.vms.web,
      destinationFolder: site.folderOn(host, 'exports'),
    });
    expect(written).toMatchObject({ state: 'completed', failure: null, leftovers: [] });
    const folder = site.folderOn(host, 'exports', 'web');
    expect(written.configurationChanges).toEqual([`The export is ${folder}.`]);
    expect(await runsOn(host, site.vms.web)).toBe(true);

    const newVmId = '99999999-2222-4333-8444-555555555555';
    const imported = await migrate('import', host, host, {
      vmId: site.vms.web,
      sourceFolder: folder,
      destinationFolder: site.folderOn(host, 'copies'),
      newVmId,
      name: 'web-copy',
      destinationSwitch: 'lab',
      makeSwitch: 'internal',
      policy: { fixUps: 'apply', start: true },
    });
    expect(imported).toMatchObject({ state: 'completed', failure: null, leftovers: [] });
    expect(imported.configurationChanges).toContain('The virtual switch "lab" (internal) was made.');
    const made = (await site.host(host).hyperV.switches.list()).filter(({ name }) => name === 'lab');
    expect(made).toMatchObject([{ type: 'Internal', notes: '' }]);
    const told = imported.configurationChanges.join(' ');
    const [, id = ''] = /The id was \S+ and is now (\S+)\./.exec(told) ?? [];
    expect(told).toContain('The name was web and is now web-copy.');
    expect(id).not.toBe(newVmId);
    expect(await vmOn(host, vmIdOf.parse(id))).toMatchObject({ name: 'web-copy', state: 'running' });
    expect(await runsOn(host, site.vms.web)).toBe(true);
  });
});
