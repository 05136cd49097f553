import { failed, failureOf, succeeded, type Failure, type Outcome } from '../../../../contracts/failure';
import { hadEffect } from '../../afterwards';
import type { VmValue } from '../calls/vm';
import { findVm, homeOf, type RealHost } from '../host';
import { incompatible } from '../incompatible';
import { keepConfiguration } from '../kept-configuration';
import type { ImportedNote } from '../placing';
import { editsOf, hasNewId } from './import-configuration';
import { setAside } from './retire-vm';

/** The VM that this run registered from its placeholder: by its id, or by its folder where Hyper-V drew the id. */
export async function registeredBy(host: RealHost, note: ImportedNote): Promise<Outcome<VmValue | undefined>> {
  const { imported, home } = note.placed;
  if (imported.fromExport?.isRegistering === false) return succeeded(undefined);
  if (hasNewId(note, imported)) return registeredIn(host, home);
  const found = await findVm(host, note.vmId);
  return !found.ok || found.value === undefined || homeOf(found.value) === home ? found : succeeded(undefined);
}

/** The VM whose own folder that is. */
export async function registeredIn({ client }: RealHost, home: string): Promise<Outcome<VmValue | undefined>> {
  const read = await client.call('read-vms', {});
  return read.ok ? succeeded(read.value.vms.find((vm) => homeOf(vm) === home)) : read;
}

/** Hyper-V imports the configuration in place; the old registration of the same id goes first, where this host has one. */
export async function register(
  host: RealHost,
  note: ImportedNote,
  before: VmValue | undefined,
): Promise<Outcome<VmValue>> {
  const { runId, vmId } = note;
  if (before !== undefined) {
    const aside = await setAside(host, before, runId);
    if (!aside.ok) return aside;
  }
  // An old registration that went is an effect, whatever became of the import.
  const told = (failure: Failure): Failure => (before === undefined ? failure : hadEffect(failure));
  const announced = await announce(host, note);
  const done = await importInto(host, announced);
  if (!done.ok) {
    if (done.failure.effect === 'none') await host.runs.write(note);
    return failed(told(done.failure));
  }
  const { incompatibilities, vm } = done.value;
  const [first] = incompatibilities;
  if (first !== undefined) {
    await host.runs.write(note);
    return failed(told(incompatible(vmId, incompatibilities, first)));
  }
  return asAsked(announced, vm);
}

/** What was cut short once Hyper-V had registered the VM: an import may be to give it another name. */
export async function complete(host: RealHost, note: ImportedNote, vm: VmValue): Promise<Outcome<VmValue>> {
  if (note.placed.imported.fromExport === null || note.placed.startedAt !== null) return succeeded(vm);
  const done = await importInto(host, note);
  return done.ok ? asAsked(note, done.value.vm) : failed(hadEffect(done.failure));
}

/** Noted first, and what Hyper-V would change of a folder that is not this run's is kept. */
async function announce({ runs }: RealHost, note: ImportedNote): Promise<ImportedNote> {
  const { fromExport } = note.placed.imported;
  if (fromExport === null) return note;
  if (note.placed.isAdopted) await keepConfiguration(note.placed.home, note.runId, fromExport.exportedVmId);
  const imported = { ...note.placed.imported, fromExport: { ...fromExport, isRegistering: true } };
  const announced = { ...note, placed: { ...note.placed, imported } };
  await runs.write(announced);
  return announced;
}

const importInto = ({ client }: RealHost, note: ImportedNote) => {
  const { home, imported } = note.placed;
  const asked = {
    ...editsOf(note, home, imported),
    VmId: note.vmId,
    Folder: home,
    HasNewId: hasNewId(note, imported),
    NewName: imported.fromExport?.newName ?? '',
  };
  return client.call('import-vm', asked, { vmId: note.vmId });
};

/** What Hyper-V registered is compared with what was asked for. */
function asAsked(note: ImportedNote, vm: VmValue | null): Outcome<VmValue> {
  const { home, imported } = note.placed;
  if (vm === null || homeOf(vm) !== home)
    return failed(elsewhere(note, `is registered in ${vm ? homeOf(vm) : 'no place'}`));
  const { DiskPaths } = editsOf(note, home, imported);
  const astray = vm.disks.find(({ path }) => !DiskPaths.includes(path));
  return astray === undefined ? succeeded(vm) : failed(elsewhere(note, `is attached to ${astray.path}`));
}

const elsewhere = ({ vmId, placed: { imported } }: ImportedNote, what: string): Failure =>
  failureOf('HyperVRefused', {
    message: `VM ${imported.vmName} was imported, but ${what}, which is not what was asked for.`,
    subject: { vmId },
    effect: 'applied',
  });
