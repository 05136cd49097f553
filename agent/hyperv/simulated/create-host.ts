import { join } from 'node:path';
import { makeFolder, writeJsonAtomic } from './files';
import { layoutOf, mapHostPaths, storedPath } from './layout';
import type { HostRecord } from './records';

export type HostSpec = {
  readonly memoryBytes?: number;
  readonly processorCount?: number;
  readonly switches?: readonly string[];
  /** By default it has change tracking. */
  readonly changeTracking?: boolean;
  /** Volumes below the host's folder, by name, each an allowed root. */
  readonly volumes?: readonly { readonly name: string; readonly sizeBytes: number }[];
};

const gib = 1024 ** 3;

/** Makes an empty simulated host in a folder: 64 GiB of memory, one switch `LAN` and one volume `vms` of 1 TiB unless told otherwise. */
export async function createHost(folder: string, spec: HostSpec = {}): Promise<void> {
  const layout = layoutOf(folder);
  const volumes = spec.volumes ?? [{ name: 'vms', sizeBytes: 1024 * gib }];
  const record: HostRecord = {
    schema: 1,
    memoryBytes: spec.memoryBytes ?? 64 * gib,
    processorCount: spec.processorCount ?? 16,
    switches: [...(spec.switches ?? ['LAN'])],
    changeTracking: spec.changeTracking ?? true,
    volumes: volumes.map(({ name, sizeBytes }) => ({ root: join(layout.folder, 'volumes', name), sizeBytes })),
  };
  for (const { root } of record.volumes) await makeFolder(root);
  await writeJsonAtomic(layout.hostFile, mapHostPaths(record, storedPath(layout)));
}
