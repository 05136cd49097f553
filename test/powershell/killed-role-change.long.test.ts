import { perform, codeOf, valueOf } from '../conformance/hyperv-move';
import { ClusterMove } from '../conformance/hyperv-hypervisor-moves';
import type { Outcome } from '../../contracts/failure';
import { sampleRole } from '../samples/operation-outputs';
import { FabricSite, hostA, hostB, siteRun } from '../simulated/fabric-site';
import { describeWithEngine } from './engine';
import { standInOver, type StandInHost } from './stand-in/host';
import type { StandInCommand } from './stand-in/service';

// Every kill is the start of a PowerShell, on a machine that may be busy with others.
jest.setTimeout(600_000);

describeWithEngine('a role that is removed and made', () => {
  const site = new FabricSite();
  let a: StandInHost;
  let b: StandInHost;
  beforeEach(async () => {
    await site.make('shared');
    await site.setRole({ settings: sampleRole });
    a = await standInOver(site.a, site.hostFolder('a'));
    b = await standInOver(site.b, site.hostFolder('b'));
    a.hyperV.moves.peers = new Map([[hostB, b.hyperV]]);
    b.hyperV.moves.peers = new Map([[hostA, a.hyperV]]);
    valueOf(await on('reserve-vm'));
  });
  afterEach(async () => {
    for (const host of [a, b]) await host.close();
    await site.close();
  });

  const on = (kind: 'reserve-vm' | 'remove-role' | 'restore-role' | 'release') =>
    perform(a.driver, siteRun, kind, { vmId: site.vmId });
  const make = () => perform(b.driver, siteRun, 'make-role', { vmId: site.vmId, settings: sampleRole });
  const countOf = ({ service }: StandInHost, command: StandInCommand): number =>
    service.changes.filter((change) => change === command).length;

  const kill = async (
    { service }: StandInHost,
    attempt: () => Promise<Outcome<unknown>>,
    command: StandInCommand,
    when: 'before' | 'after',
  ): Promise<void> => {
    service.killWorkerAt(command, when);
    expect(await attempt()).toMatchObject({ failure: { code: 'HyperVSilent', effect: 'unknown' } });
    expect(service.faultCount).toBe(0);
  };

  test('is removed once, and known as it was, wherever the reply was lost', async () => {
    await kill(a, () => on('remove-role'), 'remove-group', 'before');
    await kill(a, () => on('remove-role'), 'remove-group', 'after');
    expect(await site.role()).toBeNull();
    expect(valueOf(await on('remove-role'))).toEqual({ removed: { clusterName: 'c1', settings: sampleRole } });
    expect(countOf(a, 'remove-group')).toBe(1);
    expect((await a.driver.vm(site.vmId))?.state).toBe('running');
  });

  test('is restored with every setting, though workers die between two of them', async () => {
    valueOf(await on('remove-role'));
    await kill(a, () => on('restore-role'), 'add-group', 'before');
    await kill(a, () => on('restore-role'), 'add-group', 'after');
    await kill(a, () => on('restore-role'), 'set-group', 'before');
    await kill(a, () => on('restore-role'), 'set-group', 'after');
    valueOf(await on('restore-role'));
    expect(countOf(a, 'add-group')).toBe(1);
    expect((await site.role())?.settings).toEqual(sampleRole);
    valueOf(await on('release'));
    expect(await a.driver.leftovers()).toEqual([]);
  });

  test('is made once at the destination, with every setting', async () => {
    valueOf(await on('remove-role'));
    const hosts = { a: a.driver, b: b.driver, hostB, vmId: site.vmId, elsewhereOnA: '' };
    const move = new ClusterMove({ ...hosts, folderOnB: site.sharedPath('elsewhere') }, 'whole', siteRun);
    valueOf(await move.prepare());
    valueOf(await move.move());
    await kill(b, make, 'add-group', 'before');
    await kill(b, make, 'add-group', 'after');
    await kill(b, make, 'set-group', 'after');
    expect(valueOf(await make())).toEqual({ clusterName: 'c1', name: sampleRole.name, without: [] });
    expect(countOf(b, 'add-group')).toBe(1);
    expect(await site.role()).toMatchObject({ owner: hostB, settings: sampleRole });
    await move.release();
    expect(await move.leftovers()).toEqual([]);
  });

  test('is not removed while it is on its way, and is waited for when it was made', async () => {
    const gate = Promise.withResolvers<undefined>();
    a.hyperV.roles.gate = gate.promise;
    await a.hyperV.roles.move(site.vmId, hostB);
    expect(await on('remove-role')).toMatchObject({ failure: { code: 'VmBusy', effect: 'none' } });
    a.hyperV.roles.failsToMove = true;
    gate.resolve(undefined);
    await a.hyperV.idle();
    valueOf(await on('remove-role'));
    a.hyperV.roles.pendingLooks = 6;
    valueOf(await on('restore-role'));
    expect((await site.role())?.settings).toEqual(sampleRole);
  });

  test('and that does not keep what it is set to is no success, until a person has set it', async () => {
    valueOf(await on('remove-role'));
    a.hyperV.roles.forgets = ['priority', 'antiAffinityClassNames'];
    const restored = await on('restore-role');
    expect(restored).toMatchObject({ failure: { code: 'RoleNotKept', effect: 'applied' } });
    expect(restored.ok ? '' : restored.failure.message).toContain('priority 3000, antiAffinityClassNames ["web"]');
    await site.setRole({ settings: sampleRole });
    valueOf(await on('restore-role'));
  });

  test('whose VM stops with it is no success, nor is its restore until the VM runs', async () => {
    a.hyperV.roles.stopsVms = true;
    for (let times = 0; times < 2; times++)
      expect(await on('remove-role')).toMatchObject({ failure: { code: 'VmStateWrong', effect: 'applied' } });
    expect(codeOf(await on('restore-role'))).toBe('VmStateWrong');
    expect((await site.role())?.settings).toEqual(sampleRole);
    await a.hyperV.start(site.vmId);
    valueOf(await on('restore-role'));
    valueOf(await on('release'));
    expect(await a.driver.leftovers()).toEqual([]);
  });
});
