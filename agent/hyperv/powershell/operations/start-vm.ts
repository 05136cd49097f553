import { failed, failureOf, succeeded, type Failure, type Outcome } from '../../../../contracts/failure';
import type { RunId } from '../../../../contracts/ids';
import { isoTime } from '../../../clock';
import { refuse } from '../../refuse';
import type { VmValue } from '../calls/vm';
import { stateOf } from '../facts';
import { findVm, homeOf, setMarks, type Handler, type RealHost } from '../host';
import { marksIn, noMarks } from '../marks';
import { placeholderOf, withImport, type ImportedNote } from '../placing';
import { setAside } from './retire-vm';
import { importArguments, incompatible } from './import-configuration';

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
  const found = await findVm(host, vmId);
  if (!found.ok) return found;
  const isHere = found.value !== undefined && homeOf(found.value) === note.placed.home;
  const ready = isHere ? succeeded(undefined) : await checkReady(host, note, found.value, power);
  if (!ready.ok) return ready;
  const registered = isHere ? succeeded(found.value) : await register(host, note, found.value);
  if (!registered.ok) return registered;
  const clean = await takeMarksOff(host, registered.value, runId);
  return clean.ok ? start(host, note, clean.value, power) : failed(afterwards(clean.failure));
};

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

async function register(host: RealHost, note: ImportedNote, before: VmValue | undefined): Promise<Outcome<VmValue>> {
  const { runId, vmId, placed } = note;
  const { home, imported: plan } = placed;
  if (before !== undefined) {
    const aside = await setAside(host, before, runId);
    if (!aside.ok) return aside;
  }
  const done = await host.client.call('import-vm', importArguments(note, home, plan), { vmId });
  // An old registration that went is an effect, whatever became of the import.
  if (!done.ok) return failed(before === undefined ? done.failure : afterwards(done.failure));
  const { incompatibilities, vm } = done.value;
  const [first] = incompatibilities;
  if (first !== undefined) {
    const failure = incompatible(vmId, incompatibilities, first);
    return failed(before === undefined ? failure : afterwards(failure));
  }
  if (vm === null || homeOf(vm) !== home)
    return failed(elsewhere(note, `is registered in ${vm ? homeOf(vm) : 'no place'}`));
  const { DiskPaths } = importArguments(note, home, plan);
  const astray = vm.disks.find(({ path }) => !DiskPaths.includes(path));
  return astray === undefined ? succeeded(vm) : failed(elsewhere(note, `is attached to ${astray.path}`));
}

const elsewhere = ({ vmId, placed: { imported } }: ImportedNote, what: string): Failure =>
  failureOf('HyperVRefused', {
    message: `VM ${imported.vmName} was imported, but ${what}, which is not what was asked for.`,
    subject: { vmId },
    effect: 'applied',
  });

const afterwards = (failure: Failure): Failure => ({
  ...failure,
  effect: failure.effect === 'none' ? 'applied' : failure.effect,
});

/** The exported configuration brings the marks of the source along, which this VM does not have. */
async function takeMarksOff(host: RealHost, vm: VmValue, runId: RunId): Promise<Outcome<VmValue>> {
  const { reservedBy, fencedBy, retiredBy } = marksIn(vm.notes);
  if (![reservedBy, fencedBy, retiredBy].includes(runId)) return succeeded(vm);
  const set = await setMarks(host, vm, noMarks);
  return set.ok ? succeeded(vm) : set;
}

/** When it was started is noted before it is: from then on nothing of it is deleted. A start that had no effect takes the note back. */
async function start(
  host: RealHost,
  note: ImportedNote,
  vm: VmValue,
  power: 'start' | 'leave',
): Promise<Outcome<{ startedAt: string }>> {
  const { vmId, placed } = note;
  const startedAt = placed.startedAt ?? isoTime(host.clock.now());
  if (placed.startedAt === null) await host.runs.write({ ...note, placed: { ...placed, startedAt } });
  if (power === 'leave' || stateOf(vm) === 'running') return succeeded({ startedAt });
  const started = await host.client.call('start-vm', { VmId: vmId }, { vmId });
  if (started.ok) return succeeded({ startedAt });
  const isUntouched = started.failure.effect === 'none' && placed.startedAt === null;
  if (isUntouched) await host.runs.write(note);
  const hadSource = (await host.retired.all()).some((retired) => retired.vmId === vmId);
  return failed(hadSource ? afterwards(started.failure) : started.failure);
}
