import { rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CrashPoint } from '../../agent/hyperv/simulated/hooks';
import { hostBehind } from '../../agent/hyperv/simulated/driver';
import type { HostSpec } from '../../agent/hyperv/simulated';
import type { Outcome } from '../../contracts/failure';
import { valueOf } from '../conformance/hyperv-move';
import { FabricSite, hostA, hostB, siteRun } from './fabric-site';
import { smallVm } from './test-hosts';

const mib = 1024 ** 2;

let site: FabricSite;
beforeEach(() => {
  site = new FabricSite();
});
afterEach(() => site.close());

const codeOf = (outcome: Outcome<unknown>): string => (outcome.ok ? 'ok' : outcome.failure.code);
const nativeOf = (outcome: Outcome<unknown>): string | undefined => (outcome.ok ? undefined : outcome.failure.native);

test('a live migration takes the running VM over, and its guest finds what it wrote', async () => {
  await site.make('shared');
  valueOf(await site.prepared('memory'));
  const moved = await site.do(site.a, 'move-live', { peerHost: hostB });
  await site.awake(site.b);
  expect(await site.a.vm(site.vmId)).toBeUndefined();
  const beat = await site.do(site.b, 'await-heartbeat', { waitMsMax: 5000 });
  expect(beat.guestOutageMs).toBeGreaterThanOrEqual(0);
  expect(moved.memorySentBytes).toBeGreaterThanOrEqual(smallVm.memoryBytes ?? 0);
  for (const driver of [site.a, site.b]) await site.do(driver, 'release', {});
  expect([...(await site.a.leftovers()), ...(await site.b.leftovers())]).toEqual([]);
});

test('a live migration that is asked for again after it was done answers the same', async () => {
  await site.make('shared');
  valueOf(await site.prepared('memory'));
  const first = await site.do(site.a, 'move-live', { peerHost: hostB });
  expect(await site.do(site.a, 'move-live', { peerHost: hostB })).toEqual(first);
});

test('a live migration that is asked for again when the hosts have forgotten the handover answers the same', async () => {
  await site.make('shared');
  valueOf(await site.prepared('memory'));
  const first = await site.do(site.a, 'move-live', { peerHost: hostB });
  await site.forgotten();
  expect(await site.do(site.a, 'move-live', { peerHost: hostB })).toEqual(first);
});

test('a shared-nothing migration brings every file along and leaves none behind', async () => {
  await site.make('own');
  valueOf(await site.prepared('files'));
  const folder = join(site.folder, 'b', 'volumes', 'vms');
  const moved = await site.do(site.a, 'move-whole', { peerHost: hostB, folder, switchName: null });
  await site.awake(site.b);
  expect(moved.copiedBytes).toBeGreaterThanOrEqual(2 * mib);
  for (const driver of [site.a, site.b]) await site.do(driver, 'release', {});
  expect([...(await site.a.leftovers()), ...(await site.b.leftovers())]).toEqual([]);
  expect((await site.b.vm(site.vmId))?.disks[0]?.path.startsWith(folder)).toBe(true);
});

test('a storage migration moves the files of the running VM, and the guest goes on', async () => {
  await site.make('own');
  await site.do(site.a, 'reserve-vm', {});
  const folder = join(site.folder, 'a', 'volumes', 'vms', 'elsewhere');
  await site.do(site.a, 'reserve-room', { folder, roomBytes: 16 * mib, memoryBytes: 0 });
  const before = (await site.a.vm(site.vmId))?.disks[0]?.path ?? '';
  const moved = await site.do(site.a, 'move-storage', { folder });
  expect(await site.do(site.a, 'move-storage', { folder })).toEqual(moved);
  await site.do(site.a, 'release', {});
  await site.awake(site.a);
  const after = (await site.a.vm(site.vmId))?.disks[0]?.path ?? '';
  expect(after.startsWith(folder)).toBe(true);
  expect(before).not.toBe(after);
  expect(await site.a.leftovers()).toEqual([]);
});

test('a storage migration whose VM cannot open its files once it has switched to them leaves them where they are', async () => {
  await site.make('own');
  await site.do(site.a, 'reserve-vm', {});
  const folder = join(site.folder, 'a', 'volumes', 'vms', 'elsewhere');
  await site.do(site.a, 'reserve-room', { folder, roomBytes: 16 * mib, memoryBytes: 0 });
  const { state } = hostBehind(site.a);
  const saveVm = state.saveVm.bind(state);
  let away = '';
  jest.spyOn(state, 'saveVm').mockImplementation(async (vm) => {
    const saved = await saveVm(vm);
    const path = saved.disks[0]?.path ?? '';
    if (away === '' && path.includes('elsewhere')) await rename((away = path), `${path}.away`);
    return saved;
  });
  expect(await site.try(site.a, 'move-storage', { folder })).toMatchObject({ failure: { effect: 'applied' } });
  await rename(`${away}.away`, away);
  await site.do(site.a, 'move-storage', { folder });
  await site.do(site.a, 'release', {});
  await site.awake(site.a);
  expect((await site.a.vm(site.vmId))?.disks[0]?.path).toBe(away);
  expect(await site.a.leftovers()).toEqual([]);
});

test('a role goes over and comes back, and a saved VM starts where its role is', async () => {
  await site.make('shared');
  valueOf(await site.prepared('memory'));
  await site.do(site.a, 'save-vm', {});
  await site.do(site.a, 'move-role', { peerHost: hostB });
  expect((await site.b.vm(site.vmId))?.state).toBe('saved');
  await site.do(site.b, 'return-role', { peerHost: hostA });
  expect((await site.a.vm(site.vmId))?.state).toBe('saved');
  await site.do(site.a, 'move-role', { peerHost: hostB });
  await site.do(site.b, 'start-role', {});
  await site.awake(site.b);
});

test('a role whose host cannot note the handover stays there, and nothing of the offer is left', async () => {
  await site.make('shared');
  valueOf(await site.prepared('memory'));
  await site.do(site.a, 'save-vm', {});
  // A file where the folder of runs would be: the host cannot write what it has to know after the handover.
  const noted = join(site.folder, 'a', 'runs');
  await writeFile(noted, '');
  expect(codeOf(await site.try(site.a, 'move-role', { peerHost: hostB }))).toBe('IoFailed');
  await site.forgotten();
  await rm(noted);
  await site.do(site.a, 'move-role', { peerHost: hostB });
  await site.do(site.b, 'start-role', {});
  await site.awake(site.b);
  await site.forgotten();
});

test('a LUN goes over with the VM on it, and comes back while the VM has not started there', async () => {
  await site.make('lun');
  valueOf(await site.prepared('lun'));
  const { storage } = await site.do(site.a, 'describe-vm', {});
  for (const kind of ['save-vm', 'fence-vm', 'write-configuration'] as const) await site.do(site.a, kind, {});
  expect(codeOf(await site.try(site.b, 'attach-lun', { lun: 'lun1' }))).toBe('LunBusy');
  await site.do(site.a, 'detach-lun', { lun: 'lun1' });
  await site.do(site.b, 'attach-lun', { lun: 'lun1' });
  expect(codeOf(await site.try(site.a, 'reattach-lun', {}))).toBe('LunBusy');
  await site.do(site.b, 'surrender-lun', {});
  await site.do(site.a, 'reattach-lun', {});
  await site.do(site.a, 'detach-lun', { lun: 'lun1' });
  await site.do(site.b, 'attach-lun', { lun: 'lun1' });
  const folder = storage?.folder ?? '';
  await site.do(site.b, 'register-vm', { folder, switchName: null });
  await site.do(site.b, 'start-vm', { folder });
  await site.awake(site.b);
  await site.do(site.a, 'forget-source', {});
  for (const driver of [site.a, site.b]) await site.do(driver, 'release', {});
  expect([...(await site.a.leftovers()), ...(await site.b.leftovers())]).toEqual([]);
});

test('a move that is canceled is taken back: the VM runs where it ran, and nothing is left', async () => {
  await site.make('own');
  valueOf(await site.prepared('files'));
  const folder = join(site.folder, 'b', 'volumes', 'vms');
  const stop = new AbortController();
  // In the middle of the copy of its disk.
  const context = { runId: siteRun, signal: stop.signal, report: () => stop.abort() };
  const moving = site.a.perform('move-whole', context, { vmId: site.vmId, peerHost: hostB, folder, switchName: null });
  expect(codeOf(await moving)).toBe('CanceledByOperator');
  expect(await site.do(site.a, 'locate-vm', { folder: null })).toMatchObject({
    registered: true,
    state: 'running',
    moving: false,
  });
  await site.do(site.b, 'withdraw-vm', {});
  await site.do(site.a, 'release', {});
  await site.awake(site.a);
  expect([...(await site.a.leftovers()), ...(await site.b.leftovers())]).toEqual([]);
});

const refusals: [string, HostSpec, 'memory' | 'files', string, string | undefined][] = [
  [
    'processor of another maker',
    { processor: { maker: 'AuthenticAMD', features: [] } },
    'files',
    'ProcessorIncompatible',
    'event 21502',
  ],
  [
    'processor without a feature',
    { processor: { maker: 'GenuineIntel', features: ['sse4.2'] } },
    'memory',
    'ProcessorIncompatible',
    'event 21502',
  ],
  ['switch of another name', { switches: ['DMZ'] }, 'memory', 'SwitchMissing', '33012'],
  ['host without the memory', { memoryBytes: 1 }, 'files', 'NotEnoughMemory', '0x800705AA'],
  ['host of another age', { configurationVersions: ['5.0'] }, 'memory', 'ConfigurationVersionUnsupported', '32784'],
];
test.each(refusals)('a %s is refused with the code of Hyper-V', async (_name, spec, brings, code, native) => {
  await site.make('shared', spec);
  const refused = await site.prepared(brings);
  expect([codeOf(refused), nativeOf(refused)]).toEqual([code, native]);
});

test('a host that makes as many moves as it may refuses one more for the time being', async () => {
  await site.make('shared', { liveMigration: { slotsMax: 0 } });
  valueOf(await site.prepared('memory'));
  const refused = await site.try(site.a, 'move-live', { peerHost: hostB });
  expect(refused).toMatchObject({
    ok: false,
    failure: { code: 'MigrationLimitReached', retry: 'transient', native: 'event 21501' },
  });
  expect(await site.do(site.a, 'locate-vm', { folder: null })).toMatchObject({ registered: true, moving: false });
});

/** A hook at which a disk refuses once, as Node throws it. */
const refusingOnce = (at: CrashPoint) => {
  let refused = false;
  return {
    reached: (point: CrashPoint) => {
      if (point !== at || refused) return;
      refused = true;
      throw Object.assign(new Error('EIO: i/o error, write'), { code: 'EIO', syscall: 'write' });
    },
  };
};

test.each(['move-offered', 'move-blackout'] as const)(
  'a disk that refuses at %s ends the move, the guest goes on where it ran, and the next attempt succeeds',
  async (point) => {
    await site.make('shared');
    await site.a.close();
    site.a = await site.open('a', refusingOnce(point));
    await site.awake(site.a);
    valueOf(await site.prepared('memory'));
    expect(codeOf(await site.try(site.a, 'move-live', { peerHost: hostB }))).toBe('IoFailed');
    await site.awake(site.a);
    expect(await site.do(site.a, 'locate-vm', { folder: null })).toMatchObject({ state: 'running', moving: false });
    await site.do(site.a, 'move-live', { peerHost: hostB });
    await site.awake(site.b);
  },
);

test('a disk that refuses behind the handover changes nothing: the VM is the other host’s', async () => {
  await site.make('shared');
  await site.a.close();
  site.a = await site.open('a', refusingOnce('move-committed'));
  await site.awake(site.a);
  valueOf(await site.prepared('memory'));
  await site.do(site.a, 'move-live', { peerHost: hostB });
  await site.awake(site.b);
  expect(await site.a.vm(site.vmId)).toBeUndefined();
});

test('a VM that could not boot when its host came up boots when it can', async () => {
  await site.make('own');
  const disk = (await site.a.vm(site.vmId))?.disks[0]?.path ?? '';
  await site.a.close();
  await rename(disk, `${disk}.away`);
  site.a = await site.open('a');
  expect((await site.a.vm(site.vmId))?.heartbeat).not.toBe('ok');
  await rename(`${disk}.away`, disk);
  await site.awake(site.a);
}, 60_000);
