import { randomUUID } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { createVm } from '../../agent/hyperv/simulated';
import { openImageAs } from '../../agent/disks/open-image';
import { valueOf } from '../../agent/disks/failures';
import { vmFacts } from '../../contracts/facts';
import type { Kind } from '../../contracts/migration';
import { receipt, type Receipt } from '../../contracts/receipt';
import { CommandLine } from './command-line';

// A VM whose disks are none of the usual, between real processes: blocks that are all zeros, sizes that are no whole number of blocks or
// chunks, sectors of 4096 bytes, nothing at all, and VM checkpoints.

jest.setTimeout(900_000);

const [kib, mib] = [1024, 1024 ** 2];
const line = new CommandLine();
const done = (...args: string[]): Promise<string> => line.done(...args);

const spec = {
  name: 'odd',
  seed: 3,
  memoryBytes: mib,
  disks: [
    { virtualSizeBytes: 70 * mib + 512, dataBytes: 12 * mib, blockSizeBytes: 2 * mib },
    { virtualSizeBytes: 33 * mib + 512, dataBytes: 4 * mib, kind: 'fixed' },
    { virtualSizeBytes: 40 * mib + 4 * kib, dataBytes: 6 * mib, sectorSizeBytes: 4096, blockSizeBytes: mib },
    { virtualSizeBytes: 8 * mib },
    { virtualSizeBytes: 300 * mib, dataBytes: 5 * mib, blockSizeBytes: 32 * mib },
  ],
  guest: { workAreaBytes: mib, outskirtsBytes: 2 * mib, flushEveryMs: 100 },
  state: 'running',
} as const;

/** Zeros that the image holds as data. */
async function zerosIn(path: string, offsetBytes: number, lengthBytes: number): Promise<void> {
  const image = valueOf(
    await openImageAs('vhdx', path, { access: 'write', tables: 'ordered', dataWriteId: 'kept', newGuid: randomUUID }),
  );
  await image.write(Buffer.alloc(lengthBytes), offsetBytes);
  await image.close();
}

beforeAll(async () => {
  line.open('odd');
  await done('demo-vm', 'first', '--data', '16MiB');
  for (const [name, vmCheckpoints] of [
    ['odd', []],
    ['layered', ['before update', 'after update']],
  ] as const) {
    const made = await createVm(line.hostFolder('host-a'), { ...spec, name, vmCheckpoints: [...vmCheckpoints] });
    if (!made.ok) throw new Error(made.failure.message);
    const folder = line.folderOn('host-a', made.value, 'Virtual Hard Disks');
    await zerosIn(join(folder, `${name}-0.vhdx`), 60 * mib, 4 * mib);
    await zerosIn(join(folder, `${name}-3.vhdx`), 0, 2 * mib);
  }
  await line.up();
});
afterAll(() => line.close());

async function migrate(vm: string, id: string, kind: Kind, host: string, ...options: string[]): Promise<Receipt> {
  const folder = line.folderOn(host, id);
  const to = ['--to', host, '--folder', folder, '--retire', 'delete'];
  await done('migrate', vm, '--kind', kind, '--id', id, ...to, '--watch', ...options);
  const file = join(line.home, `${id}.json`);
  writeFileSync(file, await done('receipt', id, '--json'));
  await done('receipt', 'verify', file);
  const proof = receipt.parse(JSON.parse(readFileSync(file, 'utf8')));
  expect(proof).toMatchObject({ state: 'completed' });
  const listed = z.object({ items: z.array(vmFacts.extend({ hostId: z.string() })) });
  const { items } = listed.parse(JSON.parse(await done('vms', '--json')));
  const running = items.filter((one) => one.name === vm && one.state === 'running');
  expect(running.map(({ hostId }) => hostId)).toEqual([host]);
  return proof;
}

const everyDisk = { verified: spec.disks.map(() => expect.anything() as unknown) };

test('lan: over the direct route, and with VM checkpoints over the staged one', async () => {
  expect(await migrate('odd', 'lan', 'lan', 'host-b')).toMatchObject(everyDisk);
  expect(await migrate('layered', 'staged', 'lan', 'host-b', '--route', 'staged')).toMatchObject(everyDisk);
});

test('quick-storage: what the guest wrote meanwhile is merged into disks of any size', async () => {
  expect(await migrate('odd', 'quick', 'quick-storage', 'host-a')).toMatchObject(everyDisk);
});

test('warm: rounds of disks of any size, and both ends read the same', async () => {
  const options = ['--outage', '1s', '--if-not-shrinking', 'cut-over', '--verify', 'all'];
  expect(await migrate('odd', 'warm', 'warm', 'host-b', ...options)).toMatchObject(everyDisk);
});
