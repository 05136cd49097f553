import { hostId, type VmId } from '../../../../contracts/ids';
import { makeFolder, writeJsonAtomic } from '../../files';
import { fabricLayout } from './fabric';
import type { FabricRecord, RoleRecord } from './records';

export type FabricSpec = {
  readonly cluster?: {
    readonly name: string;
    readonly nodes: readonly string[];
    readonly sharedVolumes: readonly { readonly name: string; readonly sizeBytes: number }[];
  };
  /** `attachedTo` is the host that has it at first. */
  readonly luns?: readonly {
    readonly name: string;
    readonly sizeBytes: number;
    readonly visibleTo: readonly string[];
    readonly attachedTo: string;
  }[];
};

/** Makes the folder that simulated hosts share. A host becomes part of it by `fabric` and `name` of its HostSpec. */
export async function createFabric(folder: string, spec: FabricSpec): Promise<void> {
  const layout = fabricLayout(folder);
  const cluster = spec.cluster ?? null;
  const record: FabricRecord = {
    schema: 1,
    cluster: cluster && {
      name: cluster.name,
      nodes: cluster.nodes.map((node) => hostId.parse(node)),
      sharedVolumes: [...cluster.sharedVolumes],
    },
    luns: (spec.luns ?? []).map(({ name, sizeBytes, visibleTo }) => ({
      name,
      sizeBytes,
      visibleTo: visibleTo.map((host) => hostId.parse(host)),
    })),
  };
  await makeFolder(layout.handovers);
  for (const { name } of record.cluster?.sharedVolumes ?? []) await makeFolder(layout.sharedVolume(name));
  for (const { name } of record.luns) await makeFolder(layout.lun(name));
  for (const { name, attachedTo } of spec.luns ?? [])
    await writeJsonAtomic(layout.lunOwner(name), { host: hostId.parse(attachedTo) });
  await writeJsonAtomic(layout.file, record);
}

/** Makes a VM whose files are on a shared volume a role of the cluster. */
export const createRole = (
  folder: string,
  vm: VmId,
  owner: string,
  of: Partial<Pick<RoleRecord, 'settings' | 'otherResources'>> = {},
): Promise<void> =>
  writeJsonAtomic(fabricLayout(folder).role(vm), { schema: 1, vmId: vm, owner: hostId.parse(owner), ...of });
