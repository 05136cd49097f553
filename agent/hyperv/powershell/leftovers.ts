import type { Leftover } from '../../../contracts/facts';
import { runId, type RunId } from '../../../contracts/ids';
import { isSameSwitchName } from '../../../contracts/switches';
import { exists, filesBelow } from '../files';
import { homeLayout } from '../home/layout';
import { describeRole } from '../role-settings';
import type { VmValue } from './calls/vm';
import { runOfCheckpoint } from './checkpoints';
import { homeOf, type RealHost } from './host';
import type { SwitchValue } from './calls/switches';
import { madeByIn, marksIn } from './marks';
import { isRoleLost } from './operations/change-role';
import type { RunFile } from './run-files';

/** Everything that carries the mark of a run, of one or of all. A retired source is one thing, with all that hangs on it. */
export async function findLeftovers(
  host: RealHost,
  { vms, switches }: { readonly vms: readonly VmValue[]; readonly switches: readonly SwitchValue[] },
  run?: RunId,
): Promise<Leftover[]> {
  const { runs, retired, comparisons } = host;
  const found = [...vms.flatMap(ofVm), ...switches.flatMap((one) => ofSwitch(one, vms))];
  const noted = await runs.all();
  for (const file of noted.ok ? noted.value : [])
    found.push(...(await ofRun(file)), ...(await ofRole(host, vms, file)));
  for (const { runId: ofRun, path } of await runs.runs())
    found.push({ what: 'run-folder', runId: ofRun, detail: path });
  for (const { runId: ofRun, vmId, vmName, home } of await retired.all())
    found.push({ what: 'retired-vm', runId: ofRun, detail: `VM ${vmName} (${vmId}), set aside, in ${home}` });
  for (const comparing of await comparisons.left())
    found.push({ what: 'planned-vm', runId: comparing, detail: 'a VM that was planned for a comparison' });
  return run === undefined ? found : found.filter((leftover) => leftover.runId === run);
}

function ofVm(vm: VmValue): Leftover[] {
  const name = `VM ${vm.name} (${vm.id})`;
  const { reservedBy, fencedBy, retiredBy } = marksIn(vm.notes);
  if (retiredBy !== null)
    return [{ what: 'retired-vm', runId: retiredBy, detail: `${name}, fenced, in ${homeOf(vm)}` }];
  const checkpoints = vm.checkpoints.flatMap((taken): Leftover[] => {
    const parsed = runId.safeParse(runOfCheckpoint(taken.name));
    return parsed.success ? [{ what: 'vm-checkpoint', runId: parsed.data, detail: `${name}: ${taken.name}` }] : [];
  });
  return [
    ...(reservedBy === null ? [] : [{ what: 'reservation', runId: reservedBy, detail: name } as const]),
    ...(fencedBy === null ? [] : [{ what: 'fence', runId: fencedBy, detail: name } as const]),
    ...checkpoints,
  ];
}

function ofSwitch({ name, type, notes }: SwitchValue, vms: readonly VmValue[]): Leftover[] {
  const madeBy = madeByIn(notes);
  if (madeBy === null) return [];
  const user = vms.find(({ switchName }) => switchName !== null && isSameSwitchName(switchName, name));
  const used = user === undefined ? '' : `, which VM ${user.name} (${user.id}) uses`;
  return [{ what: 'virtual-switch', runId: madeBy, detail: `"${name}" (${type.toLowerCase()})${used}` }];
}

async function ofRole(host: RealHost, vms: readonly VmValue[], file: RunFile): Promise<Leftover[]> {
  const { runId: run, vmId, removedRole } = file;
  const isLost = await isRoleLost(
    host,
    file,
    vms.find(({ id }) => id === vmId),
  );
  return isLost && removedRole !== null
    ? [{ what: 'removed-role', runId: run, detail: describeRole(vmId, removedRole) }]
    : [];
}

async function ofRun({ runId: run, vmId, room, placed, exporting, lun }: RunFile): Promise<Leftover[]> {
  const found: Leftover[] = [];
  if (room !== null) {
    const detail = `${room.roomBytes} bytes in ${room.folder} for VM ${vmId}`;
    found.push({ what: 'reservation', runId: run, detail });
  }
  if (lun !== null && lun.stage !== 'promised') {
    const detail = `LUN ${lun.name} with ${lun.home} of VM ${vmId}: ${lun.stage}`;
    found.push({ what: 'reservation', runId: run, detail });
  }
  if (exporting !== null && (await exists(exporting.folder)))
    found.push({ what: 'partial-disk', runId: run, detail: `an export that is not published: ${exporting.folder}` });
  if (placed === null || placed.startedAt !== null) return found;
  const { disks, journals } = homeLayout(placed.home);
  found.push({ what: 'planned-vm', runId: run, detail: `VM ${placed.vmName} (${vmId}) in ${placed.home}` });
  if (placed.isAdopted) return found;
  for (const { path } of [...(await filesBelow(disks)), ...(await filesBelow(journals))])
    found.push({ what: 'partial-disk', runId: run, detail: path });
  return found;
}
