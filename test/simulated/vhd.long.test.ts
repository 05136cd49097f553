import { setTimeout as delay } from 'node:timers/promises';
import { basename } from 'node:path';
import { openVhd } from '../../agent/disks/vhd';
import { runId } from '../../contracts/ids';
import { Move, valueOf, type ConformanceHosts } from '../conformance/hyperv-move';
import { WarmMove } from '../conformance/hyperv-warm';
import { smallVhdVm, TestHosts } from './test-hosts';

const run = runId.parse('vhd-r1');
const hosts = new TestHosts();
beforeAll(() => hosts.make({ ...smallVhdVm, vmCheckpoints: ['before the update', 'after it'] }));
afterEach(() => hosts.close());
afterAll(() => hosts.remove());

async function openHosts(): Promise<ConformanceHosts> {
  const [source, destination] = [await hosts.open('source'), await hosts.open('destination')];
  await hosts.whenAwake(source);
  return { source, destination, vmId: hosts.vmId, folder: hosts.pathOn('destination', 'elsewhere') };
}

/** Names of the images of each disk, base first. */
const namesOf = (vm: Awaited<ReturnType<ConformanceHosts['source']['vm']>>) =>
  vm?.disks.map((disk) => disk.images.map((image) => basename(image.path)));

test('a VM with VHDs keeps them, their names and its VM checkpoints, each child finds its parent beside it, and the source is gone', async () => {
  const both = await openHosts();
  const before = namesOf(await both.source.vm(hosts.vmId));
  expect(before?.map((names) => names.map((name) => name.split('.').at(-1)))).toEqual([
    ['vhd', 'avhd', 'avhd'],
    ['vhd', 'avhd', 'avhd'],
  ]);
  const move = new Move(both, run, 'delete');
  await move.walk('release');
  const after = await both.destination.vm(hosts.vmId);
  expect(after).toMatchObject({ state: 'running', heartbeat: 'ok', generation: 1, vmCheckpointCount: 2 });
  expect(namesOf(after)).toEqual(before);
  expect(await hosts.diskFiles('source')).toEqual([]);
  await hosts.shut('destination');
  for (const { images } of after?.disks ?? [])
    for (const [index, { path }] of images.entries()) {
      const opened = valueOf(await openVhd(path, { access: 'read' }));
      const below = images[index - 1]?.path;
      expect(opened.shape.parent?.absolutePath).toBeUndefined();
      expect(opened.shape.parent?.relativePath).toBe(below === undefined ? undefined : `.\\${basename(below)}`);
      await opened.close();
    }
});

test('rounds that are undone merge layers over layers back into the VHD below them, and the guest finds what it wrote', async () => {
  const both = await openHosts();
  const before = namesOf(await both.source.vm(hosts.vmId));
  const files = await hosts.files('source');
  const move = new WarmMove(both, run);
  await move.prepare();
  await move.first();
  for (let rounds = 0; rounds < 3; rounds++) {
    await delay(120);
    await move.next();
  }
  expect(namesOf(await both.source.vm(hosts.vmId))?.map((names) => names.length)).toEqual([7, 7]);
  await move.undo();
  expect(namesOf(await both.source.vm(hosts.vmId))).toEqual(before);
  expect(await hosts.files('source')).toEqual(files);
  // A cold boot reads everything that the guest has made durable.
  await hosts.shut('source');
  await hosts.whenAwake(await hosts.open('source'));
});
