import { failed, succeeded, type Outcome } from '../../../../contracts/failure';
import type { VmId } from '../../../../contracts/ids';
import type { OperationInput } from '../../../../contracts/operations';
import type { VmNeeds } from '../../../../contracts/operations/moves';
import { unmetVectors } from '../../../../contracts/processor';
import { isAtOrBelow } from '../../paths';
import { refuse } from '../../refuse';
import type { InspectedHost, ProcessorFacts, Told } from '../calls/inspection';
import { findVm, type RealHost } from '../host';
import { lookAtLun } from '../luns';
import { classify } from '../worker/classify';

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
  const switchName = (brings.type === 'memory' ? null : brings.switchName) ?? needs.switchName;
  const checks = [
    () => checkProcessor(vmId, needs, inspected.value.processor),
    () => checkVersion(vmId, needs, inspected.value.configurationVersions),
    () => checkSwitch(vmId, switchName, facts.value.switches),
    () => checkStorage(host, vmId, needs, brings, inspected.value.cluster),
  ];
  for (const check of checks) {
    const checked = await check();
    if (!checked.ok) return checked;
  }
  return succeeded(undefined);
}

function checkProcessor(vmId: VmId, needs: VmNeeds, processor: ProcessorFacts): Outcome<void> {
  if (!needs.hasMemoryState) return succeeded(undefined);
  if (!processor.known) return failed(classify(processor.error, false, { vmId }));
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

async function checkStorage(
  host: RealHost,
  vmId: VmId,
  needs: VmNeeds,
  brings: Brings,
  told: InspectedHost['cluster'],
): Promise<Outcome<void>> {
  switch (brings.type) {
    case 'files':
      return succeeded(undefined);
    case 'lun':
      return checkLun(host, vmId, needs, brings.name);
    case 'memory': {
      const cluster = knownCluster(vmId, told);
      return cluster.ok ? checkShared(vmId, needs, cluster.value) : cluster;
    }
  }
}

/** It is seen here, is nobody's, and can be mounted where the source has it. Its files cannot be looked at before it was given up. */
async function checkLun(host: RealHost, vmId: VmId, needs: VmNeeds, name: string): Promise<Outcome<void>> {
  const { storage } = needs;
  if (storage?.type !== 'lun' || storage.name !== name || storage.mountPath === undefined)
    return refuse('LunMissing', vmId, `Files of VM ${needs.vmName} are not on LUN ${name} alone, mounted at one path.`);
  const { mountPath, folder } = storage;
  if (!isAtOrBelow(mountPath, folder) || !host.roots.some((root) => isAtOrBelow(root, folder)))
    return refuse(
      'PathOutsideRoots',
      vmId,
      `${folder} is below none of the roots of this host (${host.roots.join(', ')}).`,
    );
  const looked = await lookAtLun(host, vmId, { name, mountPath });
  if (!looked.ok) return looked;
  const { isOffline, isClustered, pathIs } = looked.value;
  if (isClustered) return refuse('LunBusy', vmId, `LUN ${name} belongs to a cluster.`);
  if (!isOffline) return refuse('LunBusy', vmId, `LUN ${name} is online on this host already.`);
  switch (pathIs) {
    case 'free':
    case 'own':
      return succeeded(undefined);
    case 'taken':
      return refuse('DestinationOccupied', vmId, `Something else is mounted at ${mountPath} on this host.`);
    case 'absent':
      return refuse('LunMissing', vmId, `This host has no folder ${mountPath} at which LUN ${name} could be mounted.`);
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
