import { succeeded, type Outcome } from '../../../../contracts/failure';
import type { RunId, VmId } from '../../../../contracts/ids';
import { refuse } from '../../refuse';
import { findVm, homeOf, type RealHost } from '../host';
import type { FoundImport } from './find';

/** A VM of this host that uses a disk of an import, or has the folder as its own. */
export async function userOf(
  { client }: RealHost,
  { folder, disks }: Pick<FoundImport, 'folder' | 'disks'>,
): Promise<Outcome<string | null>> {
  const read = await client.call('read-vms', {});
  if (!read.ok) return read;
  const wanted = new Set(disks.flatMap(({ paths }) => paths));
  const user = read.value.vms.find(
    (vm) =>
      homeOf(vm) === folder ||
      vm.disks.some(({ path, images }) => wanted.has(path) || images.some((image) => wanted.has(image.path))),
  );
  return succeeded(user?.name ?? null);
}

/** Whether the id that the VM gets is free here: it may be one that this run has started by then. */
export async function checkId(host: RealHost, run: RunId, vmId: VmId): Promise<Outcome<void>> {
  const found = await findVm(host, vmId);
  if (!found.ok) return found;
  const vm = found.value;
  if (vm === undefined) return succeeded(undefined);
  const noted = await host.runs.read(run, vmId);
  if (!noted.ok) return noted;
  return noted.value.placed?.imported?.fromExport?.isRegistering === true
    ? succeeded(undefined)
    : refuse('DestinationOccupied', vmId, `A VM ${vmId} (${vm.name}) is registered here: import it under a new id.`);
}
