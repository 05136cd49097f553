import { randomUUID } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { createVm } from '../../agent/hyperv/simulated';
import { makeDifferencingOn } from '../../agent/hyperv/simulated/images';
import { vmRecord } from '../../agent/hyperv/simulated/records';
import { runId } from '../../contracts/ids';
import { Move, perform, valueOf } from '../conformance/hyperv-move';
import { smallVm, TestHosts } from './test-hosts';

const hosts = new TestHosts();
const run = runId.parse('in-use-r1');
beforeAll(() => hosts.make({ ...smallVm, vmCheckpoints: ['golden image'] }));
afterEach(() => hosts.close());
afterAll(() => hosts.remove());

test('a source that is deleted leaves the image that another VM of the host stands on', async () => {
  const folder = await hosts.hostFolder('source');
  const [base = ''] = (await hosts.diskFiles('source')).filter((path) => path.endsWith('.vhdx'));
  const linked = join(dirname(base), 'linked.avhdx');
  valueOf(await makeDifferencingOn(base, linked, { newGuid: randomUUID, nowMs: Date.now }));
  const other = valueOf(await createVm(folder, { name: 'linked', seed: 2, state: 'off', disks: [] }));
  const file = join(folder, 'vms', other, 'vm.json');
  const record = vmRecord.parse(JSON.parse(await readFile(file, 'utf8')));
  const disks = [{ diskId: 'scsi-0-0', path: relative(folder, linked) }];
  await writeFile(file, JSON.stringify({ ...record, disks }));

  const [source, destination] = [await hosts.open('source'), await hosts.open('destination')];
  await hosts.whenAwake(source);
  const move = new Move(
    { source, destination, vmId: hosts.vmId, folder: hosts.pathOn('destination', 'x') },
    run,
    'delete',
  );
  await move.walk('await-heartbeat');
  const retired = valueOf(await move.onSource('retire-vm', { ...move.ofVm, retire: 'delete' }));
  expect(retired.kept).toEqual([base]);
  expect(await move.take('retire-vm')).toEqual(retired);
  expect((await hosts.diskFiles('source')).sort()).toEqual([base, linked].sort());
  const checked = valueOf(await perform(source, run, 'check-disks', { vmId: other }));
  expect(checked.disks.map((disk) => disk.images.map((image) => image.path))).toEqual([[base, linked]]);
});
