import { existsSync, rmSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import { createVm } from '../../agent/hyperv/simulated';
import { layoutOf as hostLayoutOf } from '../../agent/hyperv/simulated/layout';
import { vmId } from '../../contracts/ids';
import { bad, good, type Result } from '../context';
import { formatBytes, formatPercent } from '../output/format';
import type { Layout } from '../stack/layout';
import { localHosts } from './hosts';

const mib = 1024 ** 2;

/** The VM of the demonstration. Its id is fixed, so that a start finds the one that an earlier start made. */
export const demoVm = {
  vmId: vmId.parse('de300000-0000-4000-8000-000000000001'),
  name: 'demo',
  memoryBytes: 64 * mib,
  virtualSizeBytes: 2048 * mib,
} as const;

export const demoDataBytesDefault = 600 * mib;
export const demoDataBytesMax = 1536 * mib;

/** Two copies of the disk, the saved memory twice, and what the guest adds. */
const roomBytesMin = (dataBytes: number): number => 2 * dataBytes + 512 * mib;

/** Calls `say` at each tenth of the way. */
function tenths(say: (line: string) => void): (progress: { bytesDone: number; bytesTotal: number }) => void {
  let saidTenth = -1;
  return ({ bytesDone, bytesTotal }) => {
    const tenth = Math.floor((bytesDone / bytesTotal) * 10);
    if (tenth === saidTenth) return;
    saidTenth = tenth;
    say(`  ${formatPercent(bytesDone, bytesTotal)} of its ${formatBytes(bytesTotal)} of data written`);
  };
}

/** Makes the VM on the first host unless one of the hosts has it. What an interrupted making left is removed first. */
export async function ensureDemoVm(
  layout: Layout,
  dataBytes: number,
  say: (line: string) => void,
): Promise<Result<void>> {
  const registered = localHosts.some((host) => existsSync(hostLayoutOf(layout.hostFolder(host)).vmFile(demoVm.vmId)));
  if (registered) return good(undefined);
  const [first] = localHosts;
  const folder = layout.hostFolder(first);
  const room = statfsSync(folder);
  const freeBytes = room.bavail * room.bsize;
  if (freeBytes < roomBytesMin(dataBytes))
    return bad({
      exit: 'localStack',
      title: 'not enough room for the demonstration VM',
      detail: `${folder} has ${formatBytes(freeBytes)} free; ${formatBytes(roomBytesMin(dataBytes))} are needed`,
      remedy: 'Free some room, or set HYPERFERRY_HOME to a folder on another disk.',
    });
  rmSync(join(folder, 'volumes', 'vms', demoVm.vmId), { recursive: true, force: true });
  say(
    `making the demonstration VM "${demoVm.name}" on ${first}: a dynamic VHDX of ${formatBytes(demoVm.virtualSizeBytes)} ` +
      `with ${formatBytes(dataBytes)} of data, and a guest that keeps writing to it`,
  );
  const made = await createVm(folder, {
    name: demoVm.name,
    seed: 1,
    vmId: demoVm.vmId,
    memoryBytes: demoVm.memoryBytes,
    disks: [{ virtualSizeBytes: demoVm.virtualSizeBytes, dataBytes }],
    state: 'running',
    onProgress: tenths(say),
  });
  if (made.ok) return good(undefined);
  return bad({
    exit: 'localStack',
    title: 'the demonstration VM could not be made',
    detail: `${made.failure.message} (${made.failure.code})`,
    remedy: made.failure.remedy,
  });
}
