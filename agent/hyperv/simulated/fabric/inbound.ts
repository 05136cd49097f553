import { join } from 'node:path';
import type { RunId, VmId } from '../../../../contracts/ids';
import { exists, readJson } from '../../files';
import type { SimulatedHost } from '../host';
import { renamedFirst } from './fabric';
import { offer, type Offer } from './records';

/** Handovers as the hosts read them. */

export const fileOf = (
  folder: string,
  name: 'offer' | 'accepted' | 'refused' | 'ready' | 'committed' | 'withdrawn' | 'arrived',
) => join(folder, `${name}.json`);

export const has = (folder: string, name: Parameters<typeof fileOf>[1]): Promise<boolean> =>
  exists(fileOf(folder, name));

export async function offerIn(folder: string): Promise<Offer | undefined> {
  const read = await readJson(fileOf(folder, 'offer'), offer);
  return read.state === 'read' ? read.value : undefined;
}

/** Whether a handover is still under way. */
export async function isOpen(folder: string): Promise<boolean> {
  for (const end of ['arrived', 'refused', 'withdrawn'] as const) if (await has(folder, end)) return false;
  return true;
}

/** VMs that this host has accepted and that have not arrived. */
export async function reservedVmsOf(host: SimulatedHost): Promise<VmId[]> {
  const { fabric } = host;
  const vms: VmId[] = [];
  for (const folder of (await fabric?.handovers()) ?? []) {
    const found = await offerIn(folder);
    const isMine = found?.to === fabric?.host && found?.type !== 'role';
    if (found !== undefined && isMine && (await has(folder, 'accepted')) && (await isOpen(folder)))
      vms.push(found.vmId);
  }
  return vms;
}

/** Takes this host's consent to every handover of the run back; false when one of them is committed. */
export async function withdrawConsent(host: SimulatedHost, runId: RunId, vmId: VmId): Promise<boolean> {
  for (const folder of (await host.fabric?.handovers(vmId)) ?? []) {
    const offer = await offerIn(folder);
    if (offer?.runId !== runId || offer.to !== host.fabric?.host || (await has(folder, 'arrived'))) continue;
    await renamedFirst(fileOf(folder, 'ready'), fileOf(folder, 'withdrawn'), folder);
    if (await has(folder, 'committed')) return false;
  }
  return true;
}
