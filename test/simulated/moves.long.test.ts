import { runId } from '../../contracts/ids';
import { openDisk } from '../../agent/disks/chain';
import { openVhdx } from '../../agent/disks/vhdx';
import { blockOffsetBytes } from '../../agent/hyperv/simulated/guest/geometry';
import { readSavedState } from '../../agent/hyperv/simulated/guest/saved-state-file';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { codeOf, Move, perform, valueOf, type ConformanceHosts } from '../conformance/hyperv-move';
import { smallVm, TestHosts } from './test-hosts';

const hosts = new TestHosts();
const run = runId.parse('moves-r1');
const mib = 1024 ** 2;
beforeAll(() =>
  hosts.make({
    ...smallVm,
    disks: [
      { virtualSizeBytes: 32 * mib, dataBytes: 4 * mib, blockSizeBytes: mib },
      { virtualSizeBytes: 16 * mib, dataBytes: 2 * mib, blockSizeBytes: 2 * mib, kind: 'fixed', sectorSizeBytes: 4096 },
    ],
    vmCheckpoints: ['before the update', 'after it'],
  }),
);
afterEach(() => hosts.close());
afterAll(() => hosts.remove());

async function openHosts(): Promise<ConformanceHosts> {
  const [source, destination] = [await hosts.open('source'), await hosts.open('destination')];
  await hosts.whenAwake(source);
  return { source, destination, vmId: hosts.vmId, folder: hosts.pathOn('destination', 'elsewhere') };
}

test('a VM keeps the VM checkpoints that a person made, and only the differencing disk of the run is merged', async () => {
  const both = await openHosts();
  const before = await both.source.vm(hosts.vmId);
  const names = (vm: typeof before) =>
    vm?.disks.map((disk) => disk.images.map((image) => image.path.split('/').at(-1)));
  expect(before?.vmCheckpointCount).toBe(2);
  expect(before?.disks.map((disk) => disk.images.length)).toEqual([3, 3]);
  const move = new Move(both, run, 'delete');
  await move.walk('take-vm-checkpoint');
  expect((await both.source.vm(hosts.vmId))?.vmCheckpointCount).toBe(3);
  await move.walk('release', 'copy-base');
  const after = await both.destination.vm(hosts.vmId);
  expect(after).toMatchObject({ state: 'running', heartbeat: 'ok', vmCheckpointCount: 2 });
  expect(names(after)).toEqual(names(before));
  expect(await hosts.diskFiles('source')).toEqual([]);
  const images = after?.disks.flatMap((disk) => disk.images.map((image) => image.path)) ?? [];
  const arrived = (await hosts.files('destination')).filter((path) => path.startsWith(both.folder));
  expect(arrived.sort()).toEqual([...images].sort());
});

test('the chain that arrives opens by its own parent locators, in a host folder that was moved since', async () => {
  const both = await openHosts();
  const move = new Move(both, run);
  await move.walk('release');
  const formerRoot = hosts.pathOn('destination');
  const disks = (await both.destination.vm(hosts.vmId))?.disks ?? [];
  await hosts.shut('destination');
  expect(disks.map((disk) => disk.images.length)).toEqual([3, 3]);
  for (const disk of disks) {
    for (const image of disk.images.slice(1)) {
      const opened = valueOf(await openVhdx(image.path, { access: 'read' }));
      expect(opened.shape.parent?.absolutePath).toBeUndefined();
      expect(opened.shape.parent?.relativePath).toMatch(/^\.\\[^\\/]+$/);
      await opened.close();
    }
  }
  const moved = await hosts.moveHostFolder('destination');
  const again = await hosts.open('destination');
  expect(codeOf(await perform(again, run, 'await-heartbeat', { vmId: hosts.vmId, waitMsMax: 10_000 }))).toBe(
    'succeeded',
  );
  expect((await again.vm(hosts.vmId))?.disks[0]?.path.startsWith(moved)).toBe(true);
  expect(formerRoot.startsWith(moved)).toBe(false);
});

/** Where a VM is before its start: everything of it is at the destination. */
async function readyToStart(): Promise<{ move: Move; disks: string[]; memory: string }> {
  const both = await openHosts();
  const move = new Move(both, run);
  await move.walk('digest-disks');
  const planned = (await both.destination.vms()).find((vm) => vm.state === 'planned');
  const memory = join(both.folder, hosts.vmId, 'Virtual Machines', `${hosts.vmId}.vmrs`);
  return { move, disks: planned?.disks.map((disk) => disk.path) ?? [], memory };
}

test('with one sector of the disk in the place of another, the VM starts and its guest has no heartbeat', async () => {
  const { move, disks, memory } = await readyToStart();
  const saved = await readSavedState(memory, hosts.vmId);
  if (!saved.ok) throw new Error(saved.reason);
  const table = saved.memory.disks[0]?.table ?? [];
  const block = table.findIndex((sequence) => sequence > 0);
  const image = valueOf(
    await openDisk(disks[0] ?? '', {
      access: 'write',
      tables: 'ordered',
      dataWriteId: 'kept',
      newGuid: () => '6f9619ff-8b86-d011-b42d-00c04fc964ff',
      roots: [hosts.pathOn('destination')],
    }),
  );
  const sectors = Buffer.alloc(1024);
  await image.read(sectors, blockOffsetBytes(block));
  await image.write(Buffer.concat([sectors.subarray(512), sectors.subarray(0, 512)]), blockOffsetBytes(block));
  await image.flush();
  await image.close();
  await move.take('start-vm');
  const outcome = await move.onDestination('await-heartbeat', { ...move.ofVm, waitMsMax: 1500 });
  expect(outcome).toMatchObject({ ok: false, failure: { code: 'HeartbeatMissing' } });
  expect(await move.hosts.destination.vm(hosts.vmId)).toMatchObject({ state: 'running', heartbeat: 'lost' });
});

test('a saved memory that is damaged refuses the start before anything is changed, and the run can be undone', async () => {
  const { move, memory } = await readyToStart();
  const file = await open(memory, 'r+');
  await file.write(Buffer.from('damage'), 0, 6, 5000);
  await file.close();
  const outcome = await move.onDestination('start-vm', move.inPlace);
  expect(outcome).toMatchObject({ ok: false, failure: { code: 'StartFailed', effect: 'none' } });
  expect((await move.hosts.destination.vms()).map((vm) => vm.state)).toEqual(['planned']);
  await move.undo();
  valueOf(await move.onSource('await-heartbeat', { ...move.ofVm, waitMsMax: 10_000 }));
});

test('the guest tells its own outage, and it is kept', async () => {
  const { move } = await readyToStart();
  await move.take('start-vm');
  const seen = valueOf(await move.onDestination('await-heartbeat', { ...move.ofVm, waitMsMax: 10_000 }));
  expect(seen.guestOutageMs).toBeGreaterThan(0);
  await hosts.shut('destination');
  const again = await hosts.open('destination');
  const later = valueOf(await perform(again, run, 'await-heartbeat', { ...move.ofVm, waitMsMax: 10_000 }));
  expect(later.guestOutageMs).toBe(seen.guestOutageMs);
});
