import type { VmId } from '../../../../contracts/ids';
import {
  known,
  notKnown,
  type HostInspection,
  type InspectionRequest,
  type Presence,
} from '../../../../contracts/inspection';
import { slotsUsed } from '../admission';
import { guardianCalled } from '../facts';
import type { SimulatedHost } from '../host';
import { placeholderOfAnother, promisedToAnother } from '../operations/reserve-room';
import { switchesOf, switchNamesOf } from '../switches';
import { memoryFreeBytes } from '../volumes';

/** This host tells everything. */
type Told = HostInspection & { readonly switchTypes: NonNullable<HostInspection['switchTypes']> };

export async function inspectHost(host: SimulatedHost, vm: VmId): Promise<Told> {
  const { record, state, clock } = host;
  const { enabled, slotsMax, storageSlotsMax } = record.liveMigration;
  const inUse = state.vms.flatMap(({ vmId, name, hardware }) =>
    vmId === vm || hardware.macAddress === null ? [] : [{ address: hardware.macAddress, vmName: name }],
  );
  return {
    clock: known({ nowMs: Math.round(clock.now()) + record.clockAheadMs }),
    memory: known({ totalBytes: record.memoryBytes, freeBytes: memoryFreeBytes(record, state, vm) }),
    logicalProcessors: known(record.processorCount),
    processor: known({ ...record.processor, vectors: [] }),
    configurationVersions: known(record.configurationVersions),
    switches: known(switchNamesOf(host)),
    switchTypes: known(switchesOf(host)),
    vlans: known(record.vlans),
    macAddresses: known({ poolFirst: record.macAddressPool.first, poolLast: record.macAddressPool.last, inUse }),
    diskFormats: known(record.diskFormats),
    guardians: known(record.guardians.map(guardianCalled)),
    attestedBy: known(record.attestedBy),
    changeTracking: known(record.changeTracking),
    liveMigration: known({
      enabled,
      slots: { max: slotsMax, used: await slotsUsed(host, vm, 'live') },
      storageSlots: { max: storageSlotsMax, used: await slotsUsed(host, vm, 'storage') },
    }),
    migrationAuthentication: known(record.migrationAuthentication),
    migrationNetworks: known(record.migrationNetworks),
    cluster: known(clusterOf(host)),
    luns: known(await lunsOf(host)),
  };
}

function clusterOf({ fabric }: SimulatedHost) {
  if (fabric === undefined || fabric.cluster === null) return null;
  const { name, nodeStates, hasQuorum, sharedVolumes } = fabric.cluster;
  return {
    name,
    node: nodeStates?.[fabric.host] ?? ('up' as const),
    hasQuorum: hasQuorum ?? true,
    sharedVolumes: sharedVolumes.map((volume) => ({
      name: volume.name,
      access: volume.access?.[fabric.host] ?? ('direct' as const),
    })),
  };
}

const lunsOf = ({ fabric }: SimulatedHost) =>
  Promise.all(
    (fabric?.luns ?? []).map(async ({ name, reservedBy }) => ({
      name,
      host: (await fabric?.ownerOf(name)) ?? null,
      reservedBy: reservedBy ?? null,
    })),
  );

export function inspectPresence(
  host: SimulatedHost,
  { vmId, runId }: InspectionRequest,
  vmName: string | null,
): Presence {
  const { state } = host;
  const vm = state.vm(vmId);
  const sameName = state.vms.filter((other) => other.vmId !== vmId && other.name === vmName);
  return {
    registered: known(vm === undefined ? null : { vmName: vm.name, isRetired: vm.retiredBy !== null }),
    placeholderOf: known(placeholderOfAnother(host, runId, vmId)),
    promisedTo: known(promisedToAnother(host, runId, vmId)),
    sameName:
      vmName === null ? notKnown('the name of the VM is not known') : known(sameName.map((other) => other.vmId)),
  };
}
