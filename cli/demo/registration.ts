import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fabricLayout } from '../../agent/hyperv/simulated/fabric/fabric';
import { fileOf } from '../../agent/hyperv/simulated/fabric/inbound';
import { layoutOf as hostLayoutOf, livePath, mapVmPaths } from '../../agent/hyperv/simulated/layout';
import { vmRecord, type VmRecord } from '../../agent/hyperv/simulated/records';
import { vmId, type VmId } from '../../contracts/ids';

// What simulated hosts say about VMs in their own state files, whether their agents live or not.

/** The registration in the host's folder, with the paths that its files have; undefined when it is not there. */
export function readRegistration(hostFolder: string, vm: VmId): VmRecord | undefined {
  const layout = hostLayoutOf(hostFolder);
  let text: string;
  try {
    text = readFileSync(layout.vmFile(vm), 'utf8');
  } catch {
    return undefined;
  }
  return mapVmPaths(vmRecord.parse(JSON.parse(text)), livePath(layout));
}

/** Every registration in the host's folder. */
export function readRegistrations(hostFolder: string): VmRecord[] {
  const { vmsFolder } = hostLayoutOf(hostFolder);
  const names = existsSync(vmsFolder) ? readdirSync(vmsFolder) : [];
  return names.flatMap((name) => {
    const id = vmId.safeParse(name);
    const found = id.success ? readRegistration(hostFolder, id.data) : undefined;
    return found === undefined ? [] : [found];
  });
}

/** Whether a handover of that VM was committed: from then on the VM is the other host's, whatever the first one's file still says. */
export function isHandedOver(fabricFolder: string, vm: VmId, jobId: string): boolean {
  const folder = fabricLayout(fabricFolder).handover(vm, jobId);
  return existsSync(fileOf(folder, 'committed')) || existsSync(fileOf(folder, 'arrived'));
}

/** Whether a VM is on its way: handed over by the one host and not yet registered by the other, which makes that good at its next look. */
export function isInTransit(fabricFolder: string, vm: VmId): boolean {
  const folder = fabricLayout(fabricFolder).handoversOf(vm);
  const jobs = existsSync(folder) ? readdirSync(folder) : [];
  return jobs.some((job) => existsSync(fileOf(join(folder, job), 'committed')));
}
