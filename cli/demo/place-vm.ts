import { join } from 'node:path';
import { createRole } from '../../agent/hyperv/simulated';
import { Fabric } from '../../agent/hyperv/simulated/fabric/fabric';
import { isAtOrBelow } from '../../agent/hyperv/paths';
import type { VmRecord } from '../../agent/hyperv/simulated/records';
import type { HostId, VmId } from '../../contracts/ids';
import { bad, good, type Result } from '../context';
import { badInput } from '../failure';
import type { Layout } from '../stack/layout';
import { localFabric, localHosts } from './hosts';
import { makeVm, type DiskFormat } from './make-vm';
import { readRegistrations } from './registration';

/** Where the files of a demonstration VM are, which decides what kinds can move it. */
export const vmPlaces = ['local', 'cluster', 'lun'] as const;
export type VmPlace = (typeof vmPlaces)[number];

export type WantedVm = {
  readonly name: string;
  readonly vmId?: VmId;
  readonly place: VmPlace;
  readonly host: HostId;
  readonly dataBytes: number;
  readonly seed: number;
  /** VHDX by default. */
  readonly diskFormat?: DiskFormat | undefined;
};

/** VMs of all local hosts, as their state files have them. */
function registeredVms(layout: Layout): VmRecord[] {
  return localHosts.flatMap((host) => readRegistrations(layout.hostFolder(host)));
}

/** A LUN that the host has and no VM uses: one that moves takes all that is on it along. */
async function freeLun(layout: Layout, host: HostId): Promise<Result<string>> {
  const fabric = await Fabric.open(layout.fabricFolder, host);
  if (typeof fabric === 'string') return bad({ exit: 'localStack', title: 'the SAN cannot be read', detail: fabric });
  const vms = registeredVms(layout);
  for (const { name } of fabric.luns) {
    const isUsed = vms.some((vm) => isAtOrBelow(fabric.layout.lun(name), vm.home));
    if (!isUsed && (await fabric.ownerOf(name)) === host) return good(fabric.layout.lun(name));
  }
  return bad(
    badInput('no LUN is free', {
      field: '--on',
      value: 'lun',
      detail: `${host} has none of ${localFabric.luns.join(', ')} without a VM on it`,
      remedy: 'Use --host with the other host, or move a VM away from it with --kind san.',
    }),
  );
}

async function rootOf(layout: Layout, { place, host }: WantedVm): Promise<Result<string | undefined>> {
  switch (place) {
    case 'local':
      return good(undefined);
    case 'cluster':
      return good(join(layout.fabricFolder, 'volumes', localFabric.sharedVolume));
    case 'lun':
      return freeLun(layout, host);
  }
}

/** Makes a VM on a local host: on its own volume, as a role of the cluster on the shared volume, or alone on a LUN. */
export async function placeVm(layout: Layout, wanted: WantedVm, say: (line: string) => void): Promise<Result<VmId>> {
  const { name, host, place, dataBytes, seed } = wanted;
  if (registeredVms(layout).some((vm) => vm.name === name))
    return bad(badInput('a VM of that name is there', { field: 'NAME', value: name, remedy: 'Choose another name.' }));
  const root = await rootOf(layout, wanted);
  if (!root.ok) return root;
  const where = { local: host, cluster: `${host}, a role of ${localFabric.cluster}`, lun: `${host}, on a LUN` }[place];
  const made = await makeVm(
    layout.hostFolder(host),
    {
      name,
      seed,
      dataBytes,
      where,
      ...(wanted.vmId !== undefined && { vmId: wanted.vmId }),
      ...(root.value !== undefined && { root: root.value }),
      ...(wanted.diskFormat !== undefined && { diskFormat: wanted.diskFormat }),
    },
    say,
  );
  if (made.ok && place === 'cluster') await createRole(layout.fabricFolder, made.value, host);
  return made;
}
