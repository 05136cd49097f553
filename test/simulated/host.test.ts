import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { crashPoints, failNthCall, openSimulatedDriver, type CrashPoint } from '../../agent/hyperv/simulated';
import type { HyperVDriver } from '../../agent/hyperv/driver';
import { openVhdx } from '../../agent/disks/vhdx';
import { blockOffsetBytes } from '../../agent/hyperv/simulated/guest/geometry';
import { readSavedState } from '../../agent/hyperv/simulated/guest/saved-state-file';
import { stampBlock, stampBlockBytes } from '../../agent/hyperv/simulated/guest/stamp';
import { vmRecord } from '../../agent/hyperv/simulated/records';
import { failureOf } from '../../contracts/failure';
import { runId } from '../../contracts/ids';
import { codeOf, Move, moveSteps, perform, valueOf, type ConformanceHosts } from '../conformance/hyperv-move';
import { smallVm, TestHosts } from './test-hosts';

const mib = 1024 ** 2;
const hosts = new TestHosts();
const run = runId.parse('host-r1');
const sameGuid = '6f9619ff-8b86-d011-b42d-00c04fc964ff';
const volumeBytes = 64 * mib;
const memoryBytes = 8 * mib;
beforeAll(() => hosts.make(smallVm, { memoryBytes, volumes: [{ name: 'vms', sizeBytes: volumeBytes }] }));
afterEach(() => hosts.close());
afterAll(() => hosts.remove());

async function openHosts(): Promise<ConformanceHosts> {
  const [source, destination] = [await hosts.open('source'), await hosts.open('destination')];
  await hosts.whenAwake(source);
  return { source, destination, vmId: hosts.vmId, folder: hosts.pathOn('destination', 'elsewhere') };
}

/** Fills a host's volume up to `leftBytes`. */
async function fillVolume(name: 'source' | 'destination', leftBytes: number): Promise<void> {
  const driver = await hosts.open(name);
  const freeBytes = (await driver.host()).volumes[0]?.freeBytes ?? 0;
  await writeFile(hosts.pathOn(name, 'ballast'), Buffer.alloc(freeBytes - leftBytes, 1));
}

describe('a volume smaller than the real disk', () => {
  test('counts what is on it', async () => {
    const { source } = await openHosts();
    const [volume] = (await source.host()).volumes;
    expect(volume?.sizeBytes).toBe(volumeBytes);
    expect(volume?.freeBytes).toBeLessThan(volumeBytes - 4 * mib);
    expect(volume?.freeBytes).toBeGreaterThan(volumeBytes / 2);
  });

  test('refuses a reservation, a VM checkpoint and a saved memory that do not fit, with no effect', async () => {
    const { source, destination, vmId, folder } = await openHosts();
    await fillVolume('destination', 10 * mib);
    const room = { vmId, folder, roomBytes: 11 * mib, memoryBytes: mib };
    expect(await perform(destination, run, 'reserve-room', room)).toMatchObject({
      failure: { code: 'NotEnoughRoom', effect: 'none' },
    });
    valueOf(await perform(source, run, 'reserve-vm', { vmId }));
    await fillVolume('source', mib / 2);
    for (const kind of ['take-vm-checkpoint', 'save-vm'] as const)
      expect(await perform(source, run, kind, { vmId })).toMatchObject({
        failure: { code: 'NotEnoughRoom', effect: 'none' },
      });
    expect(await source.vm(vmId)).toMatchObject({ state: 'running', heartbeat: 'ok', vmCheckpointCount: 0 });
  });

  test('that is full stops the byte route before it writes', async () => {
    const both = await openHosts();
    await new Move(both, run).walk('take-vm-checkpoint');
    await fillVolume('destination', 0);
    const [disk] = (await both.source.vm(hosts.vmId))?.disks ?? [];
    if (disk === undefined) throw new Error('the VM has a disk');
    const place = await both.destination.locateForWriting(run, hosts.vmId, both.folder, {
      type: 'image',
      diskId: disk.diskId,
      index: 0,
    });
    expect(place).toMatchObject({ failure: { code: 'DiskFull', retry: 'transient' } });
  });
});

test('a destination whose memory went to somebody else refuses the start before anything is changed', async () => {
  const both = await openHosts();
  const move = new Move(both, run);
  await move.walk('digest-disks');
  await hosts.shut('destination');
  const file = join(await hosts.hostFolder('destination'), 'host.json');
  await writeFile(file, (await readFile(file, 'utf8')).replace(String(memoryBytes), String(mib / 2)));
  const smaller = new Move({ ...both, destination: await hosts.open('destination') }, run);
  expect(await smaller.onDestination('start-vm', smaller.inPlace)).toMatchObject({
    failure: { code: 'NotEnoughMemory', effect: 'none' },
  });
  expect((await smaller.hosts.destination.vms()).map((vm) => vm.state)).toEqual(['planned']);
  await smaller.undo();
});

test('every step shows up among the leftovers of its run, and of no other', async () => {
  const both = await openHosts();
  const move = new Move(both, run);
  const seen = async () => {
    const left = [...(await both.source.leftovers(run)), ...(await both.destination.leftovers(run))];
    return [...new Set(left.map((leftover) => leftover.what))].sort();
  };
  expect(await seen()).toEqual([]);
  await move.take('reserve-vm');
  expect(await seen()).toEqual(['reservation']);
  await move.walk('place-vm', 'check-disks');
  expect(await seen()).toEqual(['planned-vm', 'reservation', 'run-folder']);
  await move.walk('copy-base', 'take-vm-checkpoint');
  expect(await seen()).toEqual(['partial-disk', 'planned-vm', 'reservation', 'run-folder', 'vm-checkpoint']);
  await move.walk('fence-vm', 'save-vm');
  expect(await seen()).toContain('fence');
  expect(await both.source.leftovers(runId.parse('host-r2'))).toEqual([]);
  await move.walk('retire-vm', 'export-configuration');
  expect(await seen()).toEqual(['reservation', 'retired-vm', 'run-folder']);
  await move.take('release');
  expect(await seen()).toEqual(['retired-vm']);
});

describe('a host that is stopped and opened again', () => {
  /** Puts an older write of the guest back on its disk: the disk alone cannot tell. */
  async function turnBackOneBlock(): Promise<void> {
    const folder = await hosts.hostFolder('source');
    const known = await readSavedState(join(folder, 'vms', hosts.vmId, 'standby.memory'), hosts.vmId);
    if (!known.ok) throw new Error(known.reason);
    const table = known.memory.disks[0]?.table ?? [];
    const block = table.findIndex((sequence, index) => index > 0 && sequence > 1);
    const record = await readFile(join(folder, 'vms', hosts.vmId, 'vm.json'), 'utf8');
    const older = Buffer.alloc(stampBlockBytes);
    stampBlock(older, { seed: vmRecord.parse(JSON.parse(record)).guest.seed, disk: 0, block }, 1);
    const [path = ''] = await hosts.diskFiles('source');
    const options = { access: 'write', tables: 'ordered', dataWriteId: 'kept', newGuid: () => sameGuid } as const;
    const image = valueOf(await openVhdx(path, options));
    await image.write(older, blockOffsetBytes(block));
    await image.close();
  }

  test('on purpose has lost nothing of what its guests knew', async () => {
    const { source, vmId } = await openHosts();
    valueOf(await perform(source, run, 'reserve-vm', { vmId }));
    for (let stop = 0; stop < 3; stop++) {
      await hosts.shut('source');
      await hosts.whenAwake(await hosts.open('source'));
    }
    expect(await (await hosts.open('source')).vm(vmId)).toMatchObject({ heartbeat: 'ok', reservedBy: run });
    await hosts.shut('source');
    await turnBackOneBlock();
    const changed = await hosts.open('source');
    const awaited = await perform(changed, run, 'await-heartbeat', { vmId, waitMsMax: 500 });
    expect(codeOf(awaited)).toBe('HeartbeatMissing');
  });

  test('after a crash boots its VMs cold, from what is on their disks', async () => {
    await openHosts();
    await hosts.shut('source');
    await turnBackOneBlock();
    await rm(join(await hosts.hostFolder('source'), 'vms', hosts.vmId, 'standby.memory'));
    await hosts.whenAwake(await hosts.open('source'));
  });

  test('in the middle of writing a state file or a saved state leaves nothing of that', async () => {
    const folder = await hosts.hostFolder('source');
    const unfinished = [
      join(folder, 'vms', hosts.vmId, 'vm.json.new'),
      join(folder, 'retired', run, 'vm.json.new'),
      hosts.pathOn('source', hosts.vmId, 'Virtual Machines', `${hosts.vmId}.vmrs.new`),
    ];
    for (const path of unfinished) {
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, '{"schema"');
    }
    const source = await hosts.open('source');
    expect(await source.vms()).toHaveLength(1);
    expect((await hosts.files('source')).filter((path) => path.endsWith('.new'))).toEqual([]);
  });
});

test('a second process is kept from a host that is open', async () => {
  const source = await hosts.open('source');
  const second = await openSimulatedDriver({ folder: await hosts.hostFolder('source') });
  expect(second).toMatchObject({ ok: false, failure: { code: 'IoFailed', retry: 'permanent', effect: 'none' } });
  expect(await source.vms()).toHaveLength(1);
});

test.each([
  ['none', undefined],
  ['one that is not JSON', '{'],
  ['one of another schema', '{"schema":1}'],
])('a folder with %s for a host.json is no host', async (_what, text) => {
  const folder = await hosts.hostFolder('source');
  if (text !== undefined) await writeFile(join(folder, 'host.json'), text);
  const opened = await openSimulatedDriver({ folder: text === undefined ? join(folder, 'vms') : folder });
  expect(opened).toMatchObject({ ok: false, failure: { code: 'RequestInvalid' } });
});

test('looking at VMs and the host does not wait for an operation, and operations of one VM wait for each other', async () => {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  const reached: CrashPoint[] = [];
  const hold = async (point: CrashPoint) => {
    reached.push(point);
    if (point === 'vm-checkpoint-merge-began') await promise;
  };
  const source = await hosts.open('source', { reached: hold });
  await hosts.whenAwake(source);
  const ofVm = { vmId: hosts.vmId };
  valueOf(await perform(source, run, 'reserve-vm', ofVm));
  valueOf(await perform(source, run, 'take-vm-checkpoint', ofVm));
  const removing = perform(source, run, 'remove-vm-checkpoint', ofVm);
  while (!reached.includes('vm-checkpoint-merge-began')) await source.host();
  expect(await source.vm(hosts.vmId)).toMatchObject({ state: 'running', vmCheckpointCount: 1 });
  const [disk] = (await source.vm(hosts.vmId))?.disks ?? [];
  expect(disk?.images).toHaveLength(3);
  if (disk === undefined) return;
  const subject = { type: 'image', diskId: disk.diskId, index: 0 } as const;
  expect(codeOf(await source.locateForReading(run, hosts.vmId, subject))).toBe('VmStateWrong');
  let isSaved = false;
  const saving = perform(source, run, 'save-vm', ofVm).then((outcome) => {
    isSaved = true;
    return outcome;
  });
  await source.vms();
  expect(isSaved).toBe(false);
  resolve(undefined);
  expect(codeOf(await removing)).toBe('succeeded');
  expect(codeOf(await saving)).toBe('succeeded');
});

/** Until the guest has written to the differencing disk of the VM checkpoint. */
async function untilWritten(source: HyperVDriver): Promise<void> {
  for (let looks = 0; looks < 2000; looks++) {
    const [disk] = (await source.vm(hosts.vmId))?.disks ?? [];
    if ((disk?.images[1]?.allocatedBytes ?? 0) > 0) return;
    await delay(25);
  }
  throw new Error('the guest does not write');
}

test('what a guest writes on a VM checkpoint, and while that is merged back, is in its disk afterwards', async () => {
  const hooks = { reached: (point: CrashPoint) => (point === 'vm-checkpoint-merge-began' ? delay(400) : undefined) };
  const source = await hosts.open('source', hooks);
  await hosts.whenAwake(source);
  const ofVm = { vmId: hosts.vmId };
  valueOf(await perform(source, run, 'reserve-vm', ofVm));
  valueOf(await perform(source, run, 'take-vm-checkpoint', ofVm));
  await untilWritten(source);
  valueOf(await perform(source, run, 'remove-vm-checkpoint', ofVm));
  expect(await source.vm(hosts.vmId)).toMatchObject({ heartbeat: 'ok' });
  valueOf(await perform(source, run, 'release', ofVm));
  await hosts.shut('source');
  await hosts.whenAwake(await hosts.open('source'));
});

test('a merge that is canceled stops, and the guest goes on until it is asked for again', async () => {
  const stop = new AbortController();
  const hooks = { reached: (point: CrashPoint) => (point === 'vm-checkpoint-merge-began' ? stop.abort() : undefined) };
  const source = await hosts.open('source', hooks);
  await hosts.whenAwake(source);
  const ofVm = { vmId: hosts.vmId };
  valueOf(await perform(source, run, 'reserve-vm', ofVm));
  valueOf(await perform(source, run, 'take-vm-checkpoint', ofVm));
  const context = { runId: run, signal: stop.signal, report: () => undefined };
  expect(await source.perform('remove-vm-checkpoint', context, ofVm)).toMatchObject({
    failure: { code: 'CanceledByOperator', effect: 'applied' },
  });
  expect(await source.vm(hosts.vmId)).toMatchObject({ state: 'running', heartbeat: 'ok' });
  valueOf(await perform(source, run, 'remove-vm-checkpoint', ofVm));
  expect((await source.vm(hosts.vmId))?.disks[0]?.images).toHaveLength(1);
});

test('a hook fails the call that it is told to fail, and no other', async () => {
  const failure = failureOf('IoFailed', { message: 'the disk of the test is gone' });
  const source = await hosts.open('source', failNthCall('reserve-vm', 2, failure));
  const outcomes = [];
  for (let call = 0; call < 3; call++)
    outcomes.push(codeOf(await perform(source, run, 'reserve-vm', { vmId: hosts.vmId })));
  expect(outcomes).toEqual(['succeeded', 'IoFailed', 'succeeded']);
});

test('a quick storage migration passes every point at which a host can be made to crash, but for those of undo, one host and other kinds', async () => {
  const passed = new Set<CrashPoint>();
  const hooks = { reached: (point: CrashPoint) => void passed.add(point) };
  await hosts.open('source', hooks);
  await hosts.open('destination', hooks);
  await new Move(await openHosts(), run, 'delete').walk(moveSteps.at(-1) ?? 'release');
  const others = crashPoints.filter((point) => !passed.has(point));
  expect(others).toEqual([
    'vm-checkpoint-merge-began',
    'vm-checkpoint-merged',
    'vm-checkpoint-merge-final',
    'vm-checkpoint-detached',
    'tracking-advanced',
    'round-begun',
    'round-merged',
    'export-written',
    'vm-shut-down',
    'vm-resuming',
    'switch-noted',
    'switch-made',
    'switch-removed',
    'switch-kept',
    'start-set-aside',
    'move-offered',
    'move-blackout',
    'move-committed',
    'move-arriving',
    'files-mirrored',
    'files-switched',
    'lun-detached',
    'lun-attached',
    'role-noted',
    'role-removed',
    'role-restored',
    'role-made',
  ]);
});

test('a VM can be looked at in every moment of its operations', async () => {
  const source = await hosts.open('source');
  await hosts.whenAwake(source);
  const ofVm = { vmId: hosts.vmId };
  valueOf(await perform(source, run, 'reserve-vm', ofVm));
  const kinds = ['take-vm-checkpoint', 'save-vm', 'resume-vm', 'remove-vm-checkpoint'] as const;
  const over = new AbortController();
  const working = (async () => {
    for (const kind of kinds) valueOf(await perform(source, run, kind, ofVm));
  })().finally(() => over.abort());
  let looks = 0;
  while (!over.signal.aborted) {
    const [vm] = await source.vms();
    expect(vm?.disks[0]?.diskId).toBe('scsi-0-0');
    looks++;
  }
  await working;
  expect(looks).toBeGreaterThan(kinds.length);
});
