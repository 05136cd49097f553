import { existsSync } from 'node:fs';
import { createFabric, createHost, joinFabric } from '../../agent/hyperv/simulated';
import { fabricLayout } from '../../agent/hyperv/simulated/fabric/fabric';
import { layoutOf as hostLayoutOf } from '../../agent/hyperv/simulated/layout';
import { hostId, type HostId } from '../../contracts/ids';
import type { Layout } from '../stack/layout';

const gib = 1024 ** 3;

/** The Hyper-V hosts of the local stack. */
export const localHosts: readonly [HostId, HostId] = [hostId.parse('host-a'), hostId.parse('host-b')];

/** What they share: a cluster of both with one shared volume, and a SAN that shows both of them its LUNs. */
export const localFabric = {
  cluster: 'cluster-1',
  sharedVolume: 'shared-1',
  luns: ['lun-1', 'lun-2'],
} as const;

/** How fast their hypervisors send the memory of a VM: slow enough that the move of a small one can be seen. */
const memoryBytesPerSecond = 32 * 1024 ** 2;

async function ensureFabric(layout: Layout): Promise<void> {
  if (existsSync(fabricLayout(layout.fabricFolder).file)) return;
  await createFabric(layout.fabricFolder, {
    cluster: {
      name: localFabric.cluster,
      nodes: localHosts,
      sharedVolumes: [{ name: localFabric.sharedVolume, sizeBytes: 64 * gib }],
    },
    luns: localFabric.luns.map((name) => ({
      name,
      sizeBytes: 16 * gib,
      visibleTo: localHosts,
      attachedTo: localHosts[0],
    })),
  });
}

/**
 * Makes the simulated hosts that are not there yet: 16 GiB of memory, a switch `LAN` and a volume of 256 GiB each, nodes of one cluster
 * with a shared volume, and on one SAN.
 */
export async function ensureHosts(layout: Layout): Promise<void> {
  await ensureFabric(layout);
  for (const host of localHosts) {
    const folder = layout.hostFolder(host);
    const fabric = { folder: layout.fabricFolder, name: host };
    if (existsSync(hostLayoutOf(folder).hostFile)) {
      await joinFabric(folder, fabric);
      continue;
    }
    await createHost(folder, {
      memoryBytes: 16 * gib,
      switches: ['LAN'],
      fabric,
      liveMigration: { bytesPerSecond: memoryBytesPerSecond },
      volumes: [{ name: 'vms', sizeBytes: 256 * gib }],
    });
  }
}
