import { truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { filesBelow } from '../../agent/hyperv/files';
import { runId } from '../../contracts/ids';
import { TestHosts } from '../simulated/test-hosts';
import { exportedVm, exportHosts } from './export-hosts';
import { describeExports } from './hyperv-exports';
import { describeSwitches } from './hyperv-switches';
import { perform, valueOf } from './hyperv-move';

const run = runId.parse('unread-r1');
jest.setTimeout(120_000);

const hosts = new TestHosts();
beforeAll(() => hosts.make(exportedVm));
afterEach(() => hosts.close());
afterAll(() => hosts.remove());

describeExports('the simulated driver', () => exportHosts(hosts, (name) => hosts.open(name)));
describeSwitches('the simulated driver', () => exportHosts(hosts, (name) => hosts.open(name)));

test('an export that cannot read what it is of says that it has begun, and is taken back', async () => {
  const { host, vmId, vmCheckpointId, root } = await exportHosts(hosts, (name) => hosts.open(name));
  const frozen = (await host.vm(vmId))?.disks[0]?.images[0]?.path ?? '';
  await truncate(frozen, 1024);
  valueOf(await perform(host, run, 'reserve-vm', { vmId }));
  const place = { vmId, folder: join(root, 'exports') };
  expect(await perform(host, run, 'export-vm', { ...place, part: 'vm-checkpoint', vmCheckpointId })).toMatchObject({
    failure: { code: 'DiskTruncated', effect: 'applied' },
  });
  valueOf(await perform(host, run, 'remove-unpublished', place));
  expect(await filesBelow(place.folder)).toEqual([]);
});
