import { rename, symlink } from 'node:fs/promises';
import { codeOf, valueOf } from '../conformance/hyperv-move';
import { SanMove, type SanStep } from '../conformance/hyperv-luns';
import { FabricSite, hostA, hostB } from '../simulated/fabric-site';
import { describeWithEngine } from './engine';
import { sidOf } from './stand-in/commands';
import { standInOver, type StandInHost } from './stand-in/host';
import type { StandInCommand } from './stand-in/service';

// A PowerShell is started anew after each kill, on a machine that may be busy with others.
jest.setTimeout(900_000);

const lun = 'lun1';
type Attempt = () => Promise<Parameters<typeof codeOf>[0]>;

describeWithEngine('a LUN whose workers are killed', () => {
  const site = new FabricSite();
  let a: StandInHost;
  let b: StandInHost;
  let move: SanMove;
  let paths: string[];
  beforeEach(async () => {
    await site.make('lun');
    a = await standInOver(site.a, site.hostFolder('a'));
    b = await standInOver(site.b, site.hostFolder('b'));
    a.hyperV.moves.peers = new Map([[hostB, b.hyperV]]);
    b.hyperV.moves.peers = new Map([[hostA, a.hyperV]]);
    const folders = { elsewhereOnA: site.pathOn('a', 'elsewhere'), folderOnB: site.pathOn('b', 'elsewhere') };
    move = new SanMove({ a: a.driver, b: b.driver, hostB, vmId: site.vmId, ...folders });
    paths = await move.paths();
  });
  afterEach(async () => {
    const torn = [a, b].flatMap(({ hyperV }) => hyperV.luns.torn);
    for (const host of [a, b]) await host.close();
    await site.close();
    expect(torn).toEqual([]);
  });

  /** Kills the worker before and after each of these, and then lets the operation come to its end. */
  const killAtEach = async ({ service }: StandInHost, attempt: Attempt, commands: readonly StandInCommand[]) => {
    for (const command of commands)
      for (const when of ['before', 'after'] as const) {
        service.killWorkerAt(command, when);
        expect([command, when, codeOf(await attempt())]).toEqual([command, when, 'HyperVSilent']);
        expect(service.faultCount).toBe(0);
      }
    valueOf(await attempt());
  };
  const diskAt = async ({ hyperV }: StandInHost) => (await hyperV.luns.list())[0];

  test('goes over all the same, wherever a reply was lost, and is started once', async () => {
    await move.upTo('write-configuration');
    const step =
      (name: SanStep): Attempt =>
      () =>
        move.attempt(name);
    await killAtEach(a, step('detach'), ['set-lun-offline', 'set-lun-read-only']);
    await killAtEach(b, step('attach'), ['set-lun-offline', 'add-lun-path', 'set-lun-read-only']);
    await killAtEach(b, step('register'), ['plan']);
    await killAtEach(b, step('start'), ['realize', 'set-denial', 'start']);
    await move.beats(b.driver);
    await killAtEach(a, () => move.on(a.driver, 'forget-source', {}), ['remove']);
    await move.finish();
    await move.expectOn('b', paths);
    for (const path of paths) expect(await b.hyperV.denials(path)).toEqual([]);
  });

  test('comes back all the same from a VM that was registered, with its fence, its memory and its files', async () => {
    await move.upTo('register');
    b.service.killWorkerAt('set-denial', 'after');
    expect(codeOf(await move.attempt('start'))).toBe('HyperVSilent');
    expect(await b.driver.vm(site.vmId)).toMatchObject({ state: 'saved' });
    a.hyperV.luns.slowLooks = 8;
    const [unregister, surrender, reattach, ...rest] = move.undos();
    if (unregister === undefined || surrender === undefined || reattach === undefined) throw new Error('no undos');
    await killAtEach(b, unregister, ['remove', 'set-denial']);
    for (const path of paths) expect(await b.hyperV.denials(path)).toEqual([sidOf(site.vmId)]);
    await killAtEach(b, surrender, ['remove-lun-path', 'set-lun-offline']);
    expect(await diskAt(b)).toMatchObject({ isOffline: true, isReadOnly: true, paths: [] });
    await killAtEach(a, reattach, ['set-lun-offline', 'set-lun-read-only']);
    for (const attempt of rest) valueOf(await attempt());
    await move.undo();
    await move.expectOn('a', paths);
    for (const path of paths) expect(await a.hyperV.denials(path)).toEqual([]);
  });

  test('is looked at for reading alone where nobody gave it up, and is left as it was', async () => {
    await move.upTo('write-configuration');
    const before = await diskAt(b);
    expect(await move.attempt('attach')).toMatchObject({ failure: { code: 'LunBusy', effect: 'none' } });
    expect(await diskAt(b)).toEqual(before);
    expect(b.service.changes.filter((change) => change === 'set-lun-offline').length).toBe(2);
    valueOf(await move.attempt('detach'));
    b.hyperV.luns.onlineFault = 'fails';
    expect(await move.attempt('attach')).toMatchObject({ ok: false, failure: { effect: 'none' } });
    expect(await diskAt(b)).toEqual(before);
    valueOf(await move.attempt('attach'));
    await move.undo();
    await move.expectOn('a', paths);
  });

  test('that the destination loses with the SAN counts as its own until it was seen there again, so that the source leaves it alone', async () => {
    await move.upTo('detach');
    b.hyperV.luns.onlineFault = 'vanishes';
    expect(await move.attempt('attach')).toMatchObject({ ok: false, failure: { effect: 'unknown' } });
    const surrender = () => move.on(b.driver, 'surrender-lun', {});
    for (const again of [surrender, () => move.attempt('attach')])
      expect(await again()).toMatchObject({ failure: { code: 'LunMissing', retry: 'transient', effect: 'unknown' } });
    b.hyperV.luns.isUnseen = false;
    expect(await diskAt(b)).toMatchObject({ isOffline: false, isReadOnly: false });
    valueOf(await surrender());
    expect(await diskAt(b)).toMatchObject({ isOffline: true, isReadOnly: true });
    await move.undo();
    await move.expectOn('a', paths);
  });

  test('whose disk leads off it by a link is not registered, and nothing beside it is touched', async () => {
    await move.upTo('attach');
    const [path = ''] = paths;
    const beside = site.pathOn('b', 'beside.vhdx');
    await rename(path, beside);
    await symlink(beside, path);
    expect(await move.attempt('register')).toMatchObject({ failure: { code: 'RequestInvalid', effect: 'none' } });
    expect(await b.hyperV.denials(beside)).toEqual([]);
    await rename(beside, path);
    await move.undo();
    await move.expectOn('a', paths);
  });

  test('is not taken offline under a VM that runs on it when it is attached once more, though its path went', async () => {
    await move.upTo('start');
    const { paths: mounted = [] } = (await diskAt(b)) ?? {};
    for (const path of mounted) await b.hyperV.luns.removePath(lun, path);
    expect(await move.attempt('attach')).toMatchObject({ failure: { code: 'LunBusy', effect: 'none' } });
    for (const path of mounted) await b.hyperV.luns.addPath(lun, path);
    valueOf(await move.attempt('attach'));
    await move.finish();
    await move.expectOn('b', paths);
  });

  test('that somebody puts online at the source to be written, while the destination has it, is taken offline there by the undo', async () => {
    await move.upTo('attach');
    await a.hyperV.luns.setReadOnly(lun, false);
    await a.hyperV.luns.setOffline(lun, false);
    expect(a.hyperV.luns.torn.splice(0)).toHaveLength(1);
    expect(await move.on(a.driver, 'reattach-lun', {})).toMatchObject({ failure: { code: 'LunBusy', effect: 'none' } });
    expect(await diskAt(a)).toMatchObject({ isOffline: true, isReadOnly: true });
    await move.undo();
    await move.expectOn('a', paths);
  });

  test('that somebody puts online at the source is not written there, and the source forgets the VM without its files', async () => {
    await move.upTo('start');
    await a.hyperV.luns.setOffline(lun, false);
    expect(await move.on(a.driver, 'forget-source', {})).toMatchObject({
      failure: { code: 'VmStateWrong', effect: 'none' },
    });
    await a.hyperV.luns.setOffline(lun, true);
    await move.finish();
    await move.expectOn('b', paths);
  });
});
