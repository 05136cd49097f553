import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { layoutOf as hostLayoutOf } from '../../agent/hyperv/simulated/layout';
import { vmId } from '../../contracts/ids';
import { good, type Result } from '../context';
import type { Layout } from '../stack/layout';
import { localHosts } from './hosts';
import { demoShape, makeVm } from './make-vm';

const mib = 1024 ** 2;

/** The VM of the demonstration. Its id is fixed, so that a start finds the one that an earlier start made. */
export const demoVm = {
  vmId: vmId.parse('de300000-0000-4000-8000-000000000001'),
  name: 'demo',
  ...demoShape,
} as const;

export const demoDataBytesDefault = 600 * mib;

/** Makes the VM on the first host unless one of the hosts has it. What an interrupted making left is removed first. */
export async function ensureDemoVm(
  layout: Layout,
  dataBytes: number,
  say: (line: string) => void,
): Promise<Result<unknown>> {
  const registered = localHosts.some((host) => existsSync(hostLayoutOf(layout.hostFolder(host)).vmFile(demoVm.vmId)));
  if (registered) return good(undefined);
  const [first] = localHosts;
  const folder = layout.hostFolder(first);
  rmSync(join(folder, 'volumes', 'vms', demoVm.vmId), { recursive: true, force: true });
  return makeVm(folder, { name: demoVm.name, seed: 1, vmId: demoVm.vmId, dataBytes, where: first }, say);
}
