import { codeOf, valueOf } from '../conformance/hyperv-move';
import { QuickMove } from '../conformance/hyperv-roles';
import { FabricSite, hostA, hostB } from '../simulated/fabric-site';
import { describeWithEngine } from './engine';
import { standInOver, type StandInHost } from './stand-in/host';
import type { StandInCommand } from './stand-in/service';

// Every kill is the start of a PowerShell, on a machine that may be busy with others.
jest.setTimeout(600_000);

describeWithEngine('a role whose workers are killed', () => {
  const site = new FabricSite();
  let a: StandInHost;
  let b: StandInHost;
  let move: QuickMove;
  let gate: PromiseWithResolvers<undefined>;
  beforeEach(async () => {
    gate = Promise.withResolvers<undefined>();
    await site.make('shared');
    a = await standInOver(site.a, site.hostFolder('a'));
    b = await standInOver(site.b, site.hostFolder('b'));
    a.hyperV.moves.peers = new Map([[hostB, b.hyperV]]);
    b.hyperV.moves.peers = new Map([[hostA, a.hyperV]]);
    const folders = { elsewhereOnA: site.pathOn('a', 'elsewhere'), folderOnB: site.pathOn('b', 'elsewhere') };
    move = new QuickMove({ a: a.driver, b: b.driver, hostB, vmId: site.vmId, ...folders });
    await move.admit();
    await move.save();
  });
  afterEach(async () => {
    // Nobody waits for a role that a failed test holds up.
    gate.resolve(undefined);
    for (const host of [a, b]) await host.close();
    await site.close();
  });

  const kill = async (
    { service }: StandInHost,
    attempt: () => Promise<Parameters<typeof codeOf>[0]>,
    command: StandInCommand,
    when: 'before' | 'after',
  ): Promise<void> => {
    service.killWorkerAt(command, when);
    expect(codeOf(await attempt())).toBe('HyperVSilent');
    expect(service.faultCount).toBe(0);
  };
  const movesOf = ({ service }: StandInHost): number =>
    service.changes.filter((change) => change === 'move-group').length;

  test('is moved once and started once, wherever the reply was lost', async () => {
    await kill(a, () => move.failover(), 'move-group', 'before');
    await kill(a, () => move.failover(), 'move-group', 'after');
    await a.hyperV.idle();
    valueOf(await move.failover());
    // The whole operation is asked once more: its reply was lost as well.
    valueOf(await move.failover());
    expect(movesOf(a)).toBe(1);
    await kill(b, () => move.start(), 'start', 'before');
    await kill(b, () => move.start(), 'start', 'after');
    const started = valueOf(await move.start());
    expect(valueOf(await move.start())).toEqual(started);
    await move.beats(b.driver);
    await move.release();
    expect(await site.a.vms()).toEqual([]);
    expect(await move.leftovers()).toEqual([]);
  });

  test('that is on its way is not believed to have come, and is brought back once it has', async () => {
    a.hyperV.roles.gate = gate.promise;
    await kill(a, () => move.failover(), 'move-group', 'after');
    expect(codeOf(await move.handBack())).toBe('VmBusy');
    expect(codeOf(await move.start())).toBe('VmNotFound');
    gate.resolve(undefined);
    await a.hyperV.idle();
    await kill(b, () => move.handBack(), 'move-group', 'after');
    await b.hyperV.idle();
    valueOf(await move.handBack());
    await move.undo();
    await move.beats(a.driver);
    expect(movesOf(b)).toBe(1);
    expect(await site.b.vms()).toEqual([]);
    expect(await move.leftovers()).toEqual([]);
  });

  test('that the cluster was asked to move and did not is still where it was', async () => {
    a.hyperV.roles.failsToMove = true;
    const stopped = new AbortController();
    const context = { runId: (await a.driver.vm(site.vmId))?.reservedBy, signal: stopped.signal };
    const input = { vmId: site.vmId, peerHost: hostB };
    const report = ({ waitingFor }: { readonly waitingFor: string | null }): void => {
      if (waitingFor?.includes('Offline') === true) stopped.abort();
    };
    if (!context.runId) throw new Error('the run has reserved the VM');
    const moved = await a.driver.perform('move-role', { ...context, runId: context.runId, report }, input);
    expect(moved).toMatchObject({ failure: { code: 'CanceledByOperator', effect: 'unknown' } });
    a.hyperV.roles.failsToMove = false;
    await move.undo();
    await move.beats(a.driver);
    expect(await move.leftovers()).toEqual([]);
  });
});
