import { failed, succeeded, type Outcome } from '../../../../contracts/failure';
import type { RunId } from '../../../../contracts/ids';
import { isoTime } from '../../../clock';
import { hadEffect } from '../../afterwards';
import { refuse } from '../../refuse';
import type { VmValue } from '../calls/vm';
import { stateOf } from '../facts';
import { findVm, setMarks, type Handler, type RealHost } from '../host';
import { marksIn, noMarks } from '../marks';
import { placeholderOf, withImport, type ImportedNote, type PlaceholderNote } from '../placing';
import { complete, register, registeredBy } from './register-vm';

/**
 * The placeholder becomes the VM: the old registration goes where this host has one, Hyper-V imports the configuration in place, and the
 * VM starts. Each of the three may be repeated. Once the old registration went or the import is done, no failure says that nothing was.
 */
export const startVm: Handler<'start-vm'> = async (host, { runId }, { vmId, folder, power = 'start' }) => {
  const placed = await placeholderOf(host, runId, vmId, folder);
  // A run that has no placeholder here has no configuration either.
  if (!placed.ok) return placed;
  const imported = withImport(placed.value);
  if (!imported.ok) return imported;
  const note = imported.value;
  const here = await registeredBy(host, note);
  if (!here.ok) return here;
  const registered =
    here.value === undefined ? await registerIfReady(host, note, power) : await complete(host, note, here.value);
  if (!registered.ok) return registered;
  const vm = registered.value;
  const clean = await takeMarksOff(host, vm, note);
  if (!clean.ok) return failed(hadEffect(clean.failure));
  const open = await openFiles(host, note);
  if (!open.ok) return failed(hadEffect(open.failure));
  // With what the registration noted.
  const now = await placeholderOf(host, runId, vmId, folder);
  if (!now.ok) return failed(hadEffect(now.failure));
  const started = await start(host, now.value, vm, power);
  return !started.ok || vm.id === vmId ? started : succeeded({ ...started.value, registeredAs: vm.id });
};

async function registerIfReady(
  host: RealHost,
  note: ImportedNote,
  power: 'start' | 'leave',
): Promise<Outcome<VmValue>> {
  const found = await findVm(host, note.vmId);
  if (!found.ok) return found;
  const ready = await checkReady(host, note, found.value, power);
  return ready.ok ? register(host, note, found.value) : ready;
}

/** Everything that can be known to be wrong is said before anything is changed. */
async function checkReady(
  host: RealHost,
  { runId, vmId, placed: { imported } }: ImportedNote,
  before: VmValue | undefined,
  power: 'start' | 'leave',
): Promise<Outcome<void>> {
  if (before !== undefined && !mayBeSetAside(before, runId))
    return refuse('DestinationOccupied', vmId, `VM ${before.name} is registered here, and not fenced by run ${runId}.`);
  if (imported.differencing.some(({ mergedBytes }) => mergedBytes === null))
    return refuse('VmStateWrong', vmId, `The differencing disks of VM ${imported.vmName} are not merged yet.`);
  const facts = await host.client.call('read-host', { Roots: [...host.roots] }, { vmId });
  if (!facts.ok) return facts;
  const { memoryFreeBytes } = facts.value;
  return power === 'leave' || memoryFreeBytes >= imported.memoryBytes
    ? succeeded(undefined)
    : refuse(
        'NotEnoughMemory',
        vmId,
        `VM ${imported.vmName} needs ${imported.memoryBytes} bytes of memory; ${memoryFreeBytes} are free.`,
      );
}

/** The source of this run on this same host, or what an earlier run left here when it took the VM away. Neither can run. */
function mayBeSetAside(vm: VmValue, run: RunId): boolean {
  const { retiredBy, fencedBy } = marksIn(vm.notes);
  return stateOf(vm) !== 'running' && (retiredBy !== null || fencedBy === run);
}

/**
 * The exported configuration brings the marks of the VM along that it was made of, which this VM does not have: those of this run, and of
 * the run that made the export.
 */
async function takeMarksOff(host: RealHost, vm: VmValue, { runId, placed }: ImportedNote): Promise<Outcome<void>> {
  const { reservedBy, fencedBy, retiredBy } = marksIn(vm.notes);
  const isNew = placed.imported.fromExport !== null && placed.startedAt === null;
  return isNew || [reservedBy, fencedBy, retiredBy].includes(runId)
    ? setMarks(host, vm, noMarks)
    : succeeded(undefined);
}

/** The fence of the source is on the files themselves, and came with them. */
async function openFiles(
  { client }: RealHost,
  { vmId, placed: { imported } }: ImportedNote,
): Promise<Outcome<unknown>> {
  if (imported.fromExport?.cameWithLun !== true) return succeeded(undefined);
  return client.call('unlock-files', { VmId: vmId, DiskPaths: imported.disks.map(({ path }) => path) }, { vmId });
}

/** When it was started is noted before it is: from then on nothing of it is deleted. A start that had no effect takes the note back. */
async function start(
  host: RealHost,
  note: PlaceholderNote,
  vm: VmValue,
  power: 'start' | 'leave',
): Promise<Outcome<{ startedAt: string }>> {
  const { vmId, placed } = note;
  const startedAt = placed.startedAt ?? isoTime(host.clock.now());
  if (placed.startedAt === null) await host.runs.write({ ...note, placed: { ...placed, startedAt } });
  if (power === 'leave' || stateOf(vm) === 'running') return succeeded({ startedAt });
  const started = await host.client.call('start-vm', { VmId: vm.id }, { vmId: vm.id });
  if (started.ok) return succeeded({ startedAt });
  const isUntouched = started.failure.effect === 'none' && placed.startedAt === null;
  if (isUntouched) await host.runs.write(note);
  const hadSource = (await host.retired.all()).some((retired) => retired.vmId === vmId);
  return failed(hadSource ? hadEffect(started.failure) : started.failure);
}
