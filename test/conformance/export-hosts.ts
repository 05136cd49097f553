import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { HyperVDriver } from '../../agent/hyperv/driver';
import { smallVm, type HostName, type TestHosts } from '../simulated/test-hosts';
import type { ExportHosts } from './hyperv-exports';

/** What the VM of these tests is. */
export const exportedVm = { ...smallVm, switchName: 'LAN', vmCheckpoints: ['before the update'] };

/** Hosts for tests of exports, with drivers that `open` gives. */
export async function exportHosts(
  hosts: TestHosts,
  open: (name: HostName) => Promise<HyperVDriver>,
): Promise<ExportHosts> {
  const hostFile = join(await hosts.hostFolder('destination'), 'host.json');
  await writeFile(hostFile, (await readFile(hostFile, 'utf8')).replace('"LAN"', '"WAN"'));
  const [vmCheckpointId = ''] = await hosts.vmCheckpointIds();
  return {
    host: await open('source'),
    other: await open('destination'),
    vmId: hosts.vmId,
    vmCheckpointId,
    root: hosts.pathOn('source'),
    otherRoot: hosts.pathOn('destination'),
    switchName: 'LAN',
    otherSwitchName: 'WAN',
  };
}
