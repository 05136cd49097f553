import './simulated-files';
import { advanceTracking, ChangeTracker, type TrackedDisk } from '../../agent/hyperv/simulated/tracking/tracker';
import { Draw } from '../simulation/platform/chance';
import { done } from '../simulation/platform/file-fates';
import { Loop } from '../simulation/platform/loop';
import { MachineFiles } from '../simulation/platform/machine-files';
import { folderOf, usePlatform, type Platform } from '../simulation/platform/modules';

const files = new MachineFiles({
  loop: new Loop(0),
  draw: new Draw(0, 'tracking'),
  syncMsMax: 0,
  fateOf: () => done,
  namesChanged: () => undefined,
  written: () => undefined,
});
beforeAll(() => usePlatform({ filesOf: () => files } as Partial<Platform> as Platform));

const mib = 1024 ** 2;
const guid = '6f9619ff-8b86-d011-b42d-00c04fc964ff';
const disk: TrackedDisk = { virtualDiskId: guid, virtualSizeBytes: 16 * mib, dataWriteId: guid };

test('what was written before a loss of power is among the changes after it, whether it is on the disk or not', async () => {
  const path = folderOf('machine', 'tracking', 'disk.rct');
  const { trackingId } = await advanceTracking(path, disk, null, () => guid);
  expect(files.tree.find('tracking/disk.rct')).toBeDefined();
  const tracker = await ChangeTracker.open(path);
  await tracker?.note(3 * mib, 4096);
  files.tree.losePower(
    () => false,
    () => 0,
  );
  const { changed } = await advanceTracking(path, disk, trackingId, () => guid);
  expect(changed).toEqual([[3 * mib, 64 * 1024]]);
});
