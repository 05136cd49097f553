import { createFabric, createHost, createRole, createVm, openSimulatedDriver } from '../../../agent/hyperv/simulated';
import type { Outcome } from '../../../contracts/failure';
import { runId, type VmId } from '../../../contracts/ids';
import { Draw } from '../platform/chance';
import type { Loop } from '../platform/loop';
import { folderOf } from '../platform/modules';
import { lunNameOf, vmsOf, type SimulatedVm, type Size } from './vms';

const kib = 1024;
const mib = 1024 * kib;

export const machineNames = ['hv-a', 'hv-b', 'hv-c'] as const;
/** What is no machine: the storage that machines share. It never loses power, and what is written to it is there at once. */
export const sharedStorage = 'fabric';
const sharedVolume = 'csv1';

/** The machine on which everything is made. */
export const made = 'template';

/** Makes a host with every VM, and the storage that it shares, by the product's own code. Answers the ids of the VMs, in their order. */
export async function makeVms(loop: Loop, size: Size): Promise<VmId[]> {
  const simulatedVms = vmsOf(size);
  const [folder, fabric] = [folderOf(made, 'host'), folderOf(sharedStorage)];
  const nodes = [made, ...machineNames];
  await createFabric(fabric, {
    cluster: { name: 'c1', nodes, sharedVolumes: [{ name: sharedVolume, sizeBytes: 4096 * mib }] },
    luns: simulatedVms
      .filter(({ place }) => place === 'lun')
      .map((vm) => ({ name: lunNameOf(vm), sizeBytes: 4096 * mib, visibleTo: nodes, attachedTo: made })),
  });
  await createHost(folder, {
    memoryBytes: 1024 * mib,
    volumes: [{ name: 'vms', sizeBytes: 4096 * mib }],
    fabric: { folder: fabric, name: made },
    liveMigration: { bytesPerSecond: 256 * kib, storageBytesPerSecond: size === 'small' ? null : 256 * kib },
  });
  const vms: VmId[] = [];
  for (const one of simulatedVms) {
    const root = rootOf(one, fabric);
    const vmId = valueOf(await createVm(folder, { ...one.spec, ...(root !== undefined && { root }) }));
    vms.push(vmId);
    if (one.place === 'shared') await createRole(fabric, vmId, made);
    if (one.place === 'exported') await exportVm(loop, folder, vmId);
  }
  return vms;
}

function rootOf(vm: SimulatedVm, fabric: string): string | undefined {
  if (vm.place === 'shared') return `${fabric}/volumes/${sharedVolume}`;
  return vm.place === 'lun' ? `${fabric}/luns/${lunNameOf(vm)}` : undefined;
}

/** Has the product's own host write the export that a later import takes. */
async function exportVm(loop: Loop, folder: string, vmId: VmId): Promise<void> {
  const clock = { now: () => loop.nowMs, sleep: (ms: number) => loop.pass(ms) };
  const chance = new Draw(0, 'export');
  const driver = valueOf(await openSimulatedDriver({ folder, clock, newGuid: () => chance.guid() }));
  const run = runId.parse('export-r1');
  const context = { runId: run, signal: new AbortController().signal, report: () => undefined };
  const place = { vmId, folder: `${folder}/volumes/vms/exports` };
  valueOf(await driver.perform('reserve-vm', context, { vmId }));
  valueOf(await driver.perform('export-vm', context, { ...place, part: 'whole', vmCheckpointId: null }));
  valueOf(await driver.perform('publish-export', context, place));
  valueOf(await driver.perform('release', context, { vmId }));
  await driver.close();
}

function valueOf<T>(outcome: Outcome<T>): T {
  if (outcome.ok) return outcome.value;
  throw new Error(outcome.failure.message);
}
