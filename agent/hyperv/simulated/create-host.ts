import { join } from 'node:path';
import { makeFolder, readJson, writeJsonAtomic } from '../files';
import { layoutOf, mapHostPaths, storedPath } from './layout';
import { hostRecord, type HostRecord } from './records';

export type HostSpec = {
  readonly memoryBytes?: number;
  readonly processorCount?: number;
  readonly switches?: readonly string[];
  /** By default it has change tracking. */
  readonly changeTracking?: boolean;
  /** How the other hosts of its fabric call it, and the folder that they share (createFabric). */
  readonly fabric?: { readonly folder: string; readonly name: string; readonly lookMs?: number };
  readonly processor?: { readonly maker: string; readonly features: readonly string[] };
  readonly configurationVersions?: readonly string[];
  readonly vlans?: readonly number[];
  readonly liveMigration?: Partial<HostRecord['liveMigration']>;
  /** More of host.json, such as what preflight looks at. */
  readonly more?: Partial<HostRecord>;
  /** Volumes below the host's folder, by name, each an allowed root. */
  readonly volumes?: readonly {
    readonly name: string;
    readonly sizeBytes: number;
    readonly fileBytesMax?: number;
    readonly sectorBytes?: number;
  }[];
};

const gib = 1024 ** 3;

/** Makes an empty simulated host in a folder: 64 GiB of memory, one switch `LAN` and one volume `vms` of 1 TiB unless told otherwise. */
export async function createHost(folder: string, spec: HostSpec = {}): Promise<void> {
  const layout = layoutOf(folder);
  const volumes = spec.volumes ?? [{ name: 'vms', sizeBytes: 1024 * gib }];
  const record = hostRecord.parse({
    schema: 1,
    memoryBytes: spec.memoryBytes ?? 64 * gib,
    processorCount: spec.processorCount ?? 16,
    changeTracking: spec.changeTracking ?? true,
    switches: spec.switches ?? ['LAN'],
    fabric: spec.fabric ?? null,
    processor: spec.processor,
    configurationVersions: spec.configurationVersions,
    vlans: spec.vlans ?? null,
    liveMigration: {
      enabled: true,
      slotsMax: 2,
      storageSlotsMax: 2,
      bytesPerSecond: gib,
      storageBytesPerSecond: null,
      ...spec.liveMigration,
    },
    ...spec.more,
    volumes: volumes.map(({ name, ...volume }) => ({ root: join(layout.folder, 'volumes', name), ...volume })),
  });
  for (const { root } of record.volumes) await makeFolder(root);
  await writeJsonAtomic(layout.hostFile, mapHostPaths(record, storedPath(layout)));
}

/** Makes a host that stands alone part of a fabric. Nothing happens to one that is part of one, or to a folder that holds no host. */
export async function joinFabric(folder: string, fabric: NonNullable<HostSpec['fabric']>): Promise<void> {
  const layout = layoutOf(folder);
  const read = await readJson(layout.hostFile, hostRecord);
  if (read.state !== 'read' || read.value.fabric !== null) return;
  const stored = storedPath(layout)(fabric.folder);
  await writeJsonAtomic(layout.hostFile, { ...read.value, fabric: { folder: stored, name: fabric.name } });
}
