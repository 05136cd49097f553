import { copyFile, open, readFile, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { runId } from '../../contracts/ids';
import type { OperationOutput } from '../../contracts/operations';
import { codeOf, Move, perform, valueOf } from '../conformance/hyperv-move';
import { smallVm, TestHosts } from './test-hosts';

const hosts = new TestHosts();
const run = runId.parse('disks-r1');
beforeAll(() => hosts.make({ ...smallVm, state: 'off', vmCheckpoints: ['before the update', 'after it'] }));
afterEach(() => hosts.close());
afterAll(() => hosts.remove());

type Checked = OperationOutput<'check-disks'>;

/** The images of the VM's disk, base first. */
async function imagePaths(): Promise<string[]> {
  const source = await hosts.open('source');
  const checked: Checked = valueOf(await perform(source, run, 'check-disks', { vmId: hosts.vmId }));
  return checked.disks.flatMap((disk) => disk.images.map((image) => image.path));
}

async function overwrite(path: string, offsetBytes: number, bytes: Uint8Array): Promise<void> {
  const file = await open(path, 'r+');
  await file.write(bytes, 0, bytes.length, offsetBytes);
  await file.close();
}

const headers = [0x10000, 0x20000];

test.each([
  ['an image that is no VHDX', 'DiskNotVhdx', 0, (path: string) => overwrite(path, 0, Buffer.from('MZ not a disk'))],
  ['an empty image', 'DiskNotVhdx', 1, (path: string) => truncate(path, 0)],
  ['an image that ends inside its tables', 'DiskTruncated', 0, (path: string) => truncate(path, 0x200000)],
  [
    'an image that ends inside its data',
    'DiskTruncated',
    0,
    async (path: string) => truncate(path, (await readFile(path)).length - 0x180000),
  ],
  [
    'an image with both headers damaged',
    'DiskDamaged',
    2,
    async (path: string) => {
      for (const header of headers) await overwrite(path, header + 100, Buffer.from('damage'));
    },
  ],
  ['an image whose parent is gone', 'DiskChainBroken', 0, (path: string) => rm(path)],
  ['an image that is another disk than its child knew', 'DiskChainBroken', 0, (path: string) => replaceByOther(path)],
] as const)('check-disks says of %s that it is %s, and names the file', async (_what, code, index, damage) => {
  const path = (await imagePaths())[index] ?? '';
  await damage(path);
  const outcome = await perform(await hosts.open('source'), run, 'check-disks', { vmId: hosts.vmId });
  expect(outcome).toMatchObject({ ok: false, failure: { code, effect: 'none', subject: { diskId: 'scsi-0-0' } } });
  expect(outcome.ok ? '' : outcome.failure.message).toContain(path);
});

/** Puts a disk of another content identity in the place of one. */
async function replaceByOther(path: string): Promise<void> {
  const stranger = new TestHosts();
  await stranger.make({ ...smallVm, seed: 8, state: 'off' });
  const source = await stranger.open('source');
  await copyFile((await source.vm(stranger.vmId))?.disks[0]?.path ?? '', path);
  await stranger.close();
  await stranger.remove();
}

test('a disk that is broken under a VM does not hide the VM, and other operations refuse it', async () => {
  const source = await hosts.open('source');
  const [base = ''] = await imagePaths();
  await rename(base, join(dirname(base), 'elsewhere.vhdx'));
  expect(await source.vm(hosts.vmId)).toMatchObject({ name: 'web01', state: 'off', disks: [{ images: [] }] });
  valueOf(await perform(source, run, 'reserve-vm', { vmId: hosts.vmId }));
  const taken = await perform(source, run, 'take-vm-checkpoint', { vmId: hosts.vmId });
  expect(codeOf(taken)).toBe('DiskChainBroken');
});

test('check-disks of a running VM reads what its guest wrote, and the guest goes on', async () => {
  const running = new TestHosts();
  await running.make();
  const source = await running.open('source');
  for (let look = 0; look < 3; look++) valueOf(await perform(source, run, 'check-disks', { vmId: running.vmId }));
  expect(codeOf(await perform(source, run, 'await-heartbeat', { vmId: running.vmId, waitMsMax: 10_000 }))).toBe(
    'succeeded',
  );
  await running.close();
  await running.remove();
});

test('a state file that is damaged takes its VM out of use and leaves the others alone', async () => {
  const folder = await hosts.hostFolder('source');
  const file = join(folder, 'vms', hosts.vmId, 'vm.json');
  const good = await readFile(file, 'utf8');
  for (const bad of ['{', good.replace('volumes/vms', '../../outside'), good.replace(hosts.vmId, '1'.repeat(36))]) {
    await writeFile(file, bad);
    const source = await hosts.open('source');
    const outcome = await perform(source, run, 'reserve-vm', { vmId: hosts.vmId });
    expect(outcome).toMatchObject({ failure: { code: 'IoFailed', effect: 'none' } });
    expect(await source.vms()).toEqual([]);
    await hosts.shut('source');
  }
});

test('an imported configuration that asks for what it may not is refused before anything is changed', async () => {
  const running = new TestHosts();
  await running.make();
  const [source, destination] = [await running.open('source'), await running.open('destination')];
  const move = new Move({ source, destination, vmId: running.vmId, folder: running.pathOn('destination', 'x') }, run);
  await move.walk('copy-rest');
  const file = valueOf(await source.locateForReading(run, running.vmId, { type: 'file', file: 'configuration' })).path;
  const target = join(
    running.pathOn('destination', 'x', running.vmId),
    'Virtual Machines',
    'pulled-configuration.json',
  );
  const good = await readFile(file, 'utf8');
  const askWith = async (text: string) => {
    await writeFile(target, text);
    return codeOf(await move.onDestination('import-configuration', { ...move.inPlace, switchName: null }));
  };
  expect(await askWith('no JSON')).toBe('RequestInvalid');
  expect(await askWith(good.replaceAll(running.vmId, '00000000-0000-4000-8000-000000000001'))).toBe('RequestInvalid');
  expect(await askWith(good.replace('"disks-r1"', '"another-r1"'))).toBe('RequestInvalid');
  expect(await askWith(good.replace('"scsi-0-0"', '"scsi-0-1"'))).toBe('VmStateWrong');
  expect(await askWith(good.replace('"web01.vhdx"', '"../../../../escaped.vhdx"'))).toBe('succeeded');
  const names = (await running.diskFiles('destination')).map((path) => path.split('/').at(-1));
  expect(names).toContain('escaped.vhdx');
  for (const path of await running.diskFiles('destination'))
    expect(path).toContain(`${running.vmId}/Virtual Hard Disks/`);
  await running.close();
  await running.remove();
});
