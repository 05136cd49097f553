import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Leftover } from '../../../contracts/facts';
import { runId, type RunId } from '../../../contracts/ids';
import { ifExists } from '../../files';
import { exists, filesBelow } from '../files';
import type { SimulatedHost } from './host';
import { homeLayout } from '../home/layout';
import { isRoleLost } from './operations/change-role';
import { filesBehind } from './operations/files-behind';
import { describeRole } from '../role-settings';
import type { PlannedRecord, RunRecord, VmRecord } from './records';
import { userOfSwitch } from './switches';

/** Everything on the host that carries the mark of a run, of one or of all. A retired source is one thing, with all that hangs on it. */
export async function findLeftovers(host: SimulatedHost, run?: RunId): Promise<Leftover[]> {
  const { state, layout } = host;
  const found: Leftover[] = [];
  for (const vm of state.vms) found.push(...ofVm(vm));
  for (const ofRun of state.runs) found.push(...(await leftByMove(host, ofRun)));
  for (const ofRun of state.runs) if (await isRoleLost(host, ofRun)) found.push(...ofRole(ofRun));
  for (const { runId: ofRun, vmId, room } of state.runs)
    if (room !== null)
      found.push({
        what: 'reservation',
        runId: ofRun,
        detail: `${room.roomBytes} bytes in ${room.folder} for VM ${vmId}`,
      });
  for (const planned of state.planned) found.push(...(await ofPlaceholder(planned)));
  for (const { runId: ofRun, vm } of state.retired)
    found.push({ what: 'retired-vm', runId: ofRun, detail: `VM ${vm.name} (${vm.vmId}), set aside, in ${vm.home}` });
  for (const { name, type, madeBy } of state.switches) {
    const user = userOfSwitch(host, name);
    const detail = `"${name}" (${type})${user === undefined ? '' : `, which ${user} uses`}`;
    if (madeBy !== null) found.push({ what: 'virtual-switch', runId: madeBy, detail });
  }
  for (const folder of await runFolders(layout.runsFolder))
    found.push({ what: 'run-folder', runId: folder.runId, detail: folder.path });
  // A folder of placeholders whose record is gone or cannot be read.
  for (const folder of await runFolders(layout.plannedFolder))
    if (!state.planned.some((planned) => planned.runId === folder.runId))
      found.push({ what: 'planned-vm', runId: folder.runId, detail: folder.path });
  return run === undefined ? found : found.filter((leftover) => leftover.runId === run);
}

function ofVm(vm: VmRecord): Leftover[] {
  const name = `VM ${vm.name} (${vm.vmId})`;
  if (vm.retiredBy !== null)
    return [{ what: 'retired-vm', runId: vm.retiredBy, detail: `${name}, fenced, in ${vm.home}` }];
  const found: Leftover[] = [];
  if (vm.reservedBy !== null) found.push({ what: 'reservation', runId: vm.reservedBy, detail: name });
  if (vm.fencedBy !== null) found.push({ what: 'fence', runId: vm.fencedBy, detail: name });
  for (const taken of vm.vmCheckpoints)
    if (taken.runId !== null)
      found.push({ what: 'vm-checkpoint', runId: taken.runId, detail: `${name}: ${taken.name}, ${taken.stage}` });
  return found;
}

const ofRole = ({ runId: ofRun, vmId, removedRole }: RunRecord): Leftover[] =>
  removedRole === null ? [] : [{ what: 'removed-role', runId: ofRun, detail: describeRole(vmId, removedRole) }];

async function leftByMove(host: SimulatedHost, ofRun: RunRecord): Promise<Leftover[]> {
  const found: Leftover[] = [];
  for (const path of filesBehind(host, ofRun)?.files ?? [])
    if (await exists(path)) found.push({ what: 'old-file', runId: ofRun.runId, detail: path });
  return found;
}

async function ofPlaceholder({ runId: run, vmId, vmName, home, adopted }: PlannedRecord): Promise<Leftover[]> {
  const detail = `VM ${vmName} (${vmId}) in ${home}`;
  if (adopted) return [{ what: 'planned-vm', runId: run, detail }];
  const { disks, journals } = homeLayout(home);
  const partial = [...(await filesBelow(disks)), ...(await filesBelow(journals))];
  return [
    { what: 'planned-vm', runId: run, detail },
    ...partial.map((file): Leftover => ({ what: 'partial-disk', runId: run, detail: file.path })),
  ];
}

async function runFolders(folder: string): Promise<{ runId: RunId; path: string }[]> {
  const names = (await ifExists(readdir(folder))) ?? [];
  return names.flatMap((name) => {
    const parsed = runId.safeParse(name);
    return parsed.success ? [{ runId: parsed.data, path: join(folder, name) }] : [];
  });
}
