import { succeeded, type Outcome } from '../../../../contracts/failure';
import type { RunId } from '../../../../contracts/ids';
import { isoTime } from '../../../clock';
import type { GuestMemory } from '../guest/memory';
import { readSavedState } from '../guest/saved-state-file';
import { removeDurably } from '../../files';
import { bootGuest } from '../guests';
import type { Handler, SimulatedHost } from '../host';
import { factsOfFiles } from '../images';
import type { RetiredRecord, VmRecord, VmRegistration } from '../records';
import { refuse } from '../../refuse';
import { hasSwitch } from '../switches';
import { importedPlaceholder, type ImportedPlan } from '../refusals';
import { memoryFreeBytes } from '../volumes';
import { placeBelow } from './reserve-room';

/**
 * The placeholder becomes the VM by one rename of its state file, which also takes the fenced or retired registration of the same VM
 * out of use, where there is one: at no moment may two of them start. What follows is finished by a repeat, or when the host comes up.
 */
export const startVm: Handler<'start-vm'> = async (host, { runId }, { vmId, folder, power = 'start' }) => {
  const before = host.state.vm(vmId);
  if (before?.startedBy?.runId === runId) return finish(host, before, before.startedBy.startedAt);
  const planned = importedPlaceholder(host, runId, vmId);
  if (!planned.ok) return planned;
  const place = await placeBelow(host, folder, vmId);
  if (!place.ok) return place;
  if (!planned.value.adopted && place.value.home !== planned.value.home)
    return refuse('VmStateWrong', vmId, `The placeholder is in ${planned.value.home}, not in ${folder}.`);
  const ready = await checkReady(host, planned.value, before, power);
  if (!ready.ok) return ready;
  // Of the source on this same host: its disks are not those of the VM any more.
  await removeDurably(host.layout.trackingFolder(vmId));
  const startedAt = isoTime(host.clock.now());
  const started = await host.state.saveVm({
    ...planned.value.imported.vm,
    state: power === 'start' ? 'running' : planned.value.imported.vm.state,
    startedBy: { runId, startedAt },
    setAside: before === undefined ? null : retire(before, runId),
  });
  await host.reached('start-committed');
  return finish(host, started, startedAt, ready.value);
};

/** Everything that can be known to be wrong is said before anything is changed. */
async function checkReady(
  host: SimulatedHost,
  plan: ImportedPlan,
  before: VmRecord | undefined,
  power: 'start' | 'leave',
): Promise<Outcome<GuestMemory | undefined>> {
  const { vmId, runId } = plan;
  const { vm, differencing } = plan.imported;
  if (before !== undefined && !mayBeSetAside(before, runId))
    return refuse('DestinationOccupied', vmId, `VM ${before.name} is registered here, and not fenced by run ${runId}.`);
  if (differencing.some((one) => one.mergedBytes === null))
    return refuse('VmStateWrong', vmId, `The differencing disks of VM ${vm.name} are not merged yet.`);
  if (vm.switchName !== null && !hasSwitch(host, vm.switchName))
    return refuse('SwitchMissing', vmId, `This host has no virtual switch "${vm.switchName}".`);
  const freeBytes = memoryFreeBytes(host.record, host.state, vmId);
  if (power === 'start' && freeBytes < vm.memoryBytes)
    return refuse(
      'NotEnoughMemory',
      vmId,
      `VM ${vm.name} needs ${vm.memoryBytes} bytes of memory; ${freeBytes} are free.`,
    );
  const disks = await factsOfFiles(host, vm.disks);
  if (!disks.ok) return { ok: false, failure: { ...disks.failure, effect: 'none' } };
  if (vm.savedState === null) return succeeded(undefined);
  const saved = await readSavedState(vm.savedState.path, vmId);
  if (!saved.ok)
    return refuse('StartFailed', vmId, `VM ${vm.name} cannot start from its saved state: ${saved.reason}.`);
  return succeeded(saved.memory);
}

/** The source of this run on this same host, or what an earlier run left here when it took the VM away. Neither can run. */
const mayBeSetAside = (vm: VmRecord, run: RunId): boolean =>
  vm.state !== 'running' && (vm.retiredBy !== null || vm.fencedBy === run);

function retire({ setAside: _finished, ...vm }: VmRecord, run: RunId): RetiredRecord {
  const retiredBy = vm.retiredBy ?? run;
  const registration: VmRegistration = { ...vm, reservedBy: null, retiredBy };
  return { schema: 1, runId: retiredBy, vm: registration };
}

async function finish(
  host: SimulatedHost,
  vm: VmRecord,
  startedAt: string,
  memory?: GuestMemory,
): ReturnType<typeof startVm> {
  const isPending = vm.state === 'running' && !host.guests.has(vm.vmId);
  const booted = isPending ? await bootGuest(host, vm, memory) : succeeded(undefined);
  if (!booted.ok) return booted;
  await finishStart(host, vm.vmId);
  return succeeded({ startedAt });
}

/** What remains of a start once the VM is registered. */
export async function finishStart(host: SimulatedHost, vmId: VmRecord['vmId']): Promise<void> {
  const vm = host.state.vm(vmId);
  if (vm === undefined) return;
  if (vm.setAside !== null) {
    await host.state.saveRetired(vm.setAside);
    await host.reached('start-set-aside');
    await host.state.saveVm({ ...vm, setAside: null });
  }
  if (vm.startedBy !== null) await host.state.dropPlanned(vm.startedBy.runId, vmId);
}
