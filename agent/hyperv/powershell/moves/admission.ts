import { failed, succeeded, type Outcome } from '../../../../contracts/failure';
import type { VmId } from '../../../../contracts/ids';
import type { OperationInput } from '../../../../contracts/operations';
import type { VmNeeds } from '../../../../contracts/operations/moves';
import { refuse } from '../../refuse';
import type { InspectedHost, Told } from '../calls/inspection';
import { findVm, type RealHost } from '../host';
import { classify } from '../worker/classify';
import { unmetVectors } from './processor';

export type Brings = OperationInput<'admit-vm'>['brings'];

/** Whether this host can take a VM. Looks only. What it cannot tell is left to Hyper-V, which compares all of it when it takes the VM. */
export async function checkNeeds(host: RealHost, vmId: VmId, needs: VmNeeds, brings: Brings): Promise<Outcome<void>> {
  const found = await findVm(host, vmId);
  if (!found.ok) return found;
  if (found.value !== undefined)
    return refuse('DestinationOccupied', vmId, `VM ${needs.vmName} (${vmId}) is registered on this host already.`);
  const inspected = await host.client.call('inspect-host', { Folder: '' }, { vmId });
  if (!inspected.ok) return inspected;
  const facts = await host.client.call('read-host', { Roots: [...host.roots] }, { vmId });
  if (!facts.ok) return facts;
  const switchName = (brings.type === 'files' ? brings.switchName : null) ?? needs.switchName;
  const checks = [
    () => checkProcessor(host, vmId, needs),
    () => checkVersion(vmId, needs, inspected.value.configurationVersions),
    () => checkSwitch(vmId, switchName, facts.value.switches),
    () => checkStorage(vmId, needs, brings, inspected.value.cluster),
  ];
  for (const check of checks) {
    const checked = await check();
    if (!checked.ok) return checked;
  }
  return succeeded(undefined);
}

async function checkProcessor(host: RealHost, vmId: VmId, needs: VmNeeds): Promise<Outcome<void>> {
  if (!needs.hasMemoryState) return succeeded(undefined);
  const processor = await host.client.call('read-processor', {}, { vmId });
  if (!processor.ok) return processor;
  const { maker, vectors } = processor.value;
  if (maker !== needs.processorMaker)
    return refuse(
      'ProcessorIncompatible',
      vmId,
      `VM ${needs.vmName} runs on a processor of ${needs.processorMaker}; this host has one of ${maker}.`,
    );
  const unmet = vectors.known ? unmetVectors(needs.processorVectors ?? [], vectors.value) : [];
  if (unmet.length === 0) return succeeded(undefined);
  const told = `VM ${needs.vmName} may use what the processor of this host does not have`;
  const native = `vector ${unmet.join(', ')}`.slice(0, 60);
  return refuse('ProcessorIncompatible', vmId, `${told} (compatibility vector ${unmet.join(', ')}).`, native);
}

function checkVersion(vmId: VmId, needs: VmNeeds, versions: InspectedHost['configurationVersions']): Outcome<void> {
  if (!versions.known || versions.value.includes(needs.configurationVersion)) return succeeded(undefined);
  const message = `VM ${needs.vmName} has configuration version ${needs.configurationVersion}; this host supports ${versions.value.join(', ')}.`;
  return refuse('ConfigurationVersionUnsupported', vmId, message);
}

function checkSwitch(vmId: VmId, wanted: string | null, switches: readonly string[]): Outcome<void> {
  return wanted === null || switches.includes(wanted)
    ? succeeded(undefined)
    : refuse('SwitchMissing', vmId, `This host has no virtual switch "${wanted}".`);
}

function checkStorage(vmId: VmId, needs: VmNeeds, brings: Brings, told: InspectedHost['cluster']): Outcome<void> {
  switch (brings.type) {
    case 'files':
      return succeeded(undefined);
    case 'lun':
      return refuse('DriverLacksOperation', vmId, 'LUNs are not moved by this driver yet.');
    case 'memory': {
      const cluster = knownCluster(vmId, told);
      return cluster.ok ? checkShared(vmId, needs, cluster.value) : cluster;
    }
  }
}

type Cluster = Extract<InspectedHost['cluster'], { known: true }>['value'];

const knownCluster = (vmId: VmId, told: Told<Cluster>): Outcome<Cluster> =>
  told.known ? succeeded(told.value) : failed(classify(told.error, false, { vmId }));

function checkShared(vmId: VmId, needs: VmNeeds, cluster: Cluster): Outcome<void> {
  if (needs.clusterName === null) return refuse('NotClustered', vmId, `VM ${needs.vmName} is no role of a cluster.`);
  if (cluster?.name !== needs.clusterName)
    return refuse('NotClustered', vmId, `This host is no node of cluster ${needs.clusterName}.`, '0x80071398');
  const { storage } = needs;
  const isShared = storage?.type === 'shared-volume' && cluster.sharedVolumes.some(({ name }) => name === storage.name);
  return isShared
    ? succeeded(undefined)
    : refuse('StorageNotShared', vmId, `Files of VM ${needs.vmName} are on no shared volume of its cluster.`);
}
