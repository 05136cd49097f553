import { failed, succeeded, type Outcome } from '../../../contracts/failure';
import type { RunId, VmId } from '../../../contracts/ids';
import type { VmNeeds } from '../../../contracts/operations';
import { reservedVmsOf } from './fabric/inbound';
import type { SimulatedHost } from './host';
import { refuse } from '../refuse';
import { hasSwitch } from './switches';
import { memoryFreeBytes } from './volumes';

/** What a VM brings along: `memory` when its files stay where both hosts reach them. */
export type Brings = 'memory' | 'files' | 'lun';

/** Features that every processor of a maker has: what a guest sees in compatibility mode. */
export const commonFeatures: readonly string[] = ['sse4.2', 'aes'];

/** Whether this host can take a VM. Looks only; each refusal has the code that Hyper-V gives. */
export async function checkNeeds(
  host: SimulatedHost,
  run: RunId,
  vm: VmId,
  needs: VmNeeds,
  brings: Brings,
  switchName: string | null,
): Promise<Outcome<void>> {
  const name = `VM ${needs.vmName}`;
  const here = host.state.vm(vm);
  if (here !== undefined)
    return refuse('DestinationOccupied', vm, `${name} (${vm}) is registered on this host already.`);
  for (const check of [checkProcessor, checkVersion, checkNetwork]) {
    const checked = check(host, vm, needs, switchName);
    if (!checked.ok) return checked;
  }
  const storage = checkStorage(host, vm, needs, brings);
  if (!storage.ok) return storage;
  const promised = host.state.run(run, vm).room?.memoryBytes ?? 0;
  const freeBytes = memoryFreeBytes(host.record, host.state, vm);
  if (promised < needs.memoryBytes && freeBytes < needs.memoryBytes)
    return refuse(
      'NotEnoughMemory',
      vm,
      `${name} needs ${needs.memoryBytes} bytes of memory; ${freeBytes} are free.`,
      '0x800705AA',
    );
  return succeeded(undefined);
}

function checkProcessor(host: SimulatedHost, vm: VmId, needs: VmNeeds): Outcome<void> {
  if (!needs.hasMemoryState) return succeeded(undefined);
  const { maker, features } = host.record.processor;
  if (maker !== needs.processorMaker)
    return refuse(
      'ProcessorIncompatible',
      vm,
      `VM ${needs.vmName} runs on a processor of ${needs.processorMaker}; this host has one of ${maker}.`,
      'event 21502',
    );
  const missing = needs.processorFeatures.filter((feature) => !features.includes(feature));
  if (missing.length === 0) return succeeded(undefined);
  return refuse(
    'ProcessorIncompatible',
    vm,
    `VM ${needs.vmName} may use ${missing.join(', ')}, which the processor of this host does not have.`,
    'event 21502',
  );
}

function checkVersion(host: SimulatedHost, vm: VmId, needs: VmNeeds): Outcome<void> {
  const { configurationVersions: known } = host.record;
  if (known.includes(needs.configurationVersion)) return succeeded(undefined);
  const message = `VM ${needs.vmName} has configuration version ${needs.configurationVersion}; this host supports ${known.join(', ')}.`;
  return refuse('ConfigurationVersionUnsupported', vm, message, '32784');
}

function checkNetwork(host: SimulatedHost, vm: VmId, needs: VmNeeds, switchName: string | null): Outcome<void> {
  const wanted = switchName ?? needs.switchName;
  if (wanted !== null && !hasSwitch(host, wanted))
    return refuse('SwitchMissing', vm, `This host has no virtual switch "${wanted}".`, '33012');
  const { vlans } = host.record;
  if (needs.vlanId !== null && vlans !== null && !vlans.includes(needs.vlanId))
    return refuse('VlanMissing', vm, `The switches of this host do not carry VLAN ${needs.vlanId}.`, 'event 21024');
  return succeeded(undefined);
}

function checkStorage(host: SimulatedHost, vm: VmId, needs: VmNeeds, brings: Brings): Outcome<void> {
  const { fabric } = host;
  switch (brings) {
    case 'files':
      return succeeded(undefined);
    case 'lun':
      if (needs.storage?.type === 'lun' && fabric?.luns.some(({ name }) => name === needs.storage?.name) === true)
        return succeeded(undefined);
      return refuse(
        'LunMissing',
        vm,
        `The SAN does not show ${needs.storage?.name ?? 'a LUN of the VM'} to this host.`,
      );
    case 'memory': {
      const cluster = fabric?.cluster ?? null;
      if (needs.clusterName === null || cluster?.name !== needs.clusterName)
        return refuse(
          'NotClustered',
          vm,
          needs.clusterName === null
            ? `VM ${needs.vmName} is no role of a cluster.`
            : `This host is no node of cluster ${needs.clusterName}.`,
          '0x80071398',
        );
      const isShared =
        needs.storage?.type === 'shared-volume' &&
        cluster.sharedVolumes.some(({ name }) => name === needs.storage?.name);
      if (isShared) return succeeded(undefined);
      return refuse('StorageNotShared', vm, `Files of VM ${needs.vmName} are on no shared volume of its cluster.`);
    }
  }
}

/** Moves by the hypervisor that this host makes now, other than of this VM. */
export async function slotsUsed(host: SimulatedHost, vm: VmId, type: 'live' | 'storage'): Promise<number> {
  const inbound = type === 'live' ? await reservedVmsOf(host) : [];
  const outbound = [...host.jobs].flatMap(([other, job]) => (job === type ? [other] : []));
  return [...outbound, ...inbound].filter((other) => other !== vm).length;
}

/** Whether this host makes one more move by the hypervisor at once. */
export async function checkSlots(host: SimulatedHost, vm: VmId, type: 'live' | 'storage'): Promise<Outcome<void>> {
  const { enabled, slotsMax, storageSlotsMax } = host.record.liveMigration;
  if (type === 'live' && !enabled)
    return refuse('MigrationDisabled', vm, 'Live migration is not enabled on this host.');
  const max = type === 'live' ? slotsMax : storageSlotsMax;
  const busy = await slotsUsed(host, vm, type);
  if (busy < max) return succeeded(undefined);
  const refusal = refuse('MigrationLimitReached', vm, `This host moves ${busy} VMs already, of ${max}.`, 'event 21501');
  return failed({ ...refusal.failure, retry: 'transient' });
}
