import { existsSync } from 'node:fs';
import { createHost } from '../../agent/hyperv/simulated';
import { layoutOf as hostLayoutOf } from '../../agent/hyperv/simulated/layout';
import { hostId, type HostId } from '../../contracts/ids';
import type { Layout } from '../stack/layout';

const gib = 1024 ** 3;

/** The Hyper-V hosts of the local stack. */
export const localHosts: readonly [HostId, HostId] = [hostId.parse('host-a'), hostId.parse('host-b')];

/** Makes the simulated hosts that are not there yet: 16 GiB of memory, a switch `LAN` and a volume of 256 GiB each. */
export async function ensureHosts(layout: Layout): Promise<void> {
  for (const host of localHosts) {
    const folder = layout.hostFolder(host);
    if (existsSync(hostLayoutOf(folder).hostFile)) continue;
    await createHost(folder, {
      memoryBytes: 16 * gib,
      switches: ['LAN'],
      volumes: [{ name: 'vms', sizeBytes: 256 * gib }],
    });
  }
}
