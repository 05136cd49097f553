import { readFile } from 'node:fs/promises';
import { createVm } from '../../agent/hyperv/simulated';
import { openDisk } from '../../agent/disks/chain';
import { sha256Hex } from '../../relay/signing';
import { codeOf, valueOf } from '../conformance/hyperv-move';
import { smallVm, TestHosts } from './test-hosts';

const mib = 1024 ** 2;
const hosts = new TestHosts();
beforeAll(() => hosts.make({ ...smallVm, state: 'off' }));
afterEach(() => hosts.close());
afterAll(() => hosts.remove());

test('the same spec makes the same bytes, another seed others', async () => {
  const [one, two] = [await hosts.hostFolder('source'), await hosts.hostFolder('destination')];
  const digestIn = async (folder: string, seed: number) => {
    const vmId = valueOf(await createVm(folder, { ...smallVm, name: 'made', seed, state: 'off' }));
    return sha256Hex(await readFile(`${folder}/volumes/vms/${vmId}/Virtual Hard Disks/made.vhdx`));
  };
  const first = await digestIn(one, 3);
  expect(await digestIn(two, 3)).toBe(first);
  expect(await digestIn(two, 4)).not.toBe(first);
});

test('a VM is made with as much data as was asked for, and tells how far it is', async () => {
  const folder = await hosts.hostFolder('source');
  const seen: number[] = [];
  const vmId = valueOf(
    await createVm(folder, {
      name: 'told',
      seed: 1,
      state: 'off',
      disks: [
        { virtualSizeBytes: 512 * mib, dataBytes: 80 * mib, blockSizeBytes: mib },
        { virtualSizeBytes: 32 * mib, dataBytes: 8 * mib, blockSizeBytes: mib },
      ],
      onProgress: ({ bytesDone, bytesTotal }) => {
        expect(bytesTotal).toBe(88 * mib);
        seen.push(bytesDone);
      },
    }),
  );
  expect(seen.at(-1)).toBe(88 * mib);
  expect(seen).toEqual([...seen].sort((a, b) => a - b));
  const source = await hosts.open('source');
  const made = await source.vm(vmId);
  expect(made?.disks.map((disk) => disk.images[0]?.allocatedBytes)).toEqual([80 * mib, 8 * mib]);
  const disk = valueOf(await openDisk(made?.disks[0]?.path ?? '', { access: 'read', roots: [hosts.pathOn('source')] }));
  const chunk = Buffer.alloc(mib);
  const isZero = async (at: number) => {
    await disk.read(chunk, at);
    return chunk.every((byte) => byte === 0);
  };
  // Two runs of 64 MiB at most, evenly over the disk: from 0 on and from the middle on.
  expect([await isZero(0), await isZero(63 * mib), await isZero(65 * mib), await isZero(256 * mib)]).toEqual([
    false,
    false,
    true,
    false,
  ]);
  await disk.close();
});

test('a VM that is there already, or a folder that is no host, is refused', async () => {
  const folder = await hosts.hostFolder('source');
  expect(codeOf(await createVm(folder, { ...smallVm, state: 'off' }))).toBe('DestinationOccupied');
  expect(codeOf(await createVm(`${folder}/vms`, smallVm))).toBe('RequestInvalid');
});
