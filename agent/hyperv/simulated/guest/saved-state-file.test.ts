import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { diskId, vmId } from '../../../../contracts/ids';
import { createRandom } from '../seeded';
import type { GuestMemory } from './memory';
import { readSavedState, writeSavedState } from './saved-state-file';

const vm = vmId.parse('11111111-2222-4333-8444-555555555555');
const other = vmId.parse('11111111-2222-4333-8444-666666666666');
const memory: GuestMemory = {
  sequence: 90,
  lastWriteAtMs: 1234,
  flushedSequence: 80,
  disks: [{ diskId: diskId.parse('scsi-0-0'), table: [0, 90, 7], outskirts: new Map([[5, 80]]) }],
};

let folder = '';
let path = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hyperferry-saved-'));
  path = join(folder, 'vm.vmrs');
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test('a saved state has the size of the memory, is not sparse, and reads back', async () => {
  const sizeBytes = 6 * 1024 * 1024 + 20;
  expect(await writeSavedState(path, vm, memory, sizeBytes)).toBeLessThanOrEqual(sizeBytes);
  const facts = await stat(path);
  expect(facts.size).toBeGreaterThan(sizeBytes - 8);
  expect(facts.blocks * 512).toBeGreaterThanOrEqual(facts.size);
  expect(await readSavedState(path, vm)).toEqual({ ok: true, memory });
});

test('a saved state of no size still holds what the guest knows', async () => {
  await writeSavedState(path, vm, memory, 0);
  expect(await readSavedState(path, vm)).toEqual({ ok: true, memory });
});

test('the noise of two saves differs, as memory does', async () => {
  await writeSavedState(path, vm, memory, 8192);
  const one = await readFile(path);
  await writeSavedState(path, vm, { ...memory, sequence: 91 }, 8192);
  const two = await readFile(path);
  expect(one.subarray(4096, 8000).equals(two.subarray(4096, 8000))).toBe(false);
});

test('a saved state with any bit changed, or of any other length, is refused', async () => {
  await writeSavedState(path, vm, memory, 2048);
  const good = await readFile(path);
  const random = createRandom(3);
  const places = [0, 8, 16, 33, good.length - 1, ...Array.from({ length: 40 }, () => random.below(good.length))];
  for (const place of places) {
    const bad = Buffer.from(good);
    bad[place]! ^= 1 << random.below(8);
    await writeFile(path, bad);
    expect((await readSavedState(path, vm)).ok).toBe(false);
  }
  for (const length of [0, 7, 31, 63, good.length - 1]) {
    await writeFile(path, good.subarray(0, length));
    expect((await readSavedState(path, vm)).ok).toBe(false);
  }
});

test('the saved state of another VM, or none, is refused in words', async () => {
  await writeSavedState(path, other, memory, 0);
  expect(await readSavedState(path, vm)).toEqual({ ok: false, reason: `it belongs to VM ${other}` });
  expect(await readSavedState(join(folder, 'none'), vm)).toEqual({ ok: false, reason: 'the file is not there' });
});
