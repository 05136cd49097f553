import { succeeded, type Outcome } from '../../../../contracts/failure';
import type { Guest } from '../guest/guest';
import type { Handler } from '../host';
import { factsOfFiles } from '../images';
import type { VmRecord } from '../records';
import { refuse } from '../../refuse';
import { registeredVm } from '../refusals';

/** Reads the files themselves, also those that a guest has open: it stands still, everything flushed, for that moment. */
export const checkDisks: Handler<'check-disks'> = async (host, _context, { vmId }) => {
  const registered = registeredVm(host, vmId);
  if (!registered.ok) return registered;
  const vm = registered.value;
  const guest = host.guests.get(vmId);
  const read = (): ReturnType<typeof factsOfFiles> => factsOfFiles(host, vm.disks);
  const disks = guest === undefined ? await read() : await whileStill(guest, read);
  if (!disks.ok) return disks;
  const whole = checkVmCheckpoints(vm, disks.value);
  if (!whole.ok) return whole;
  return succeeded({ vmName: vm.name, memoryBytes: vm.memoryBytes, disks: disks.value, state: vm.state });
};

async function whileStill<T>(guest: Guest, look: () => Promise<T>): Promise<T> {
  const seen: T[] = [];
  await guest.quiesced(async () => {
    seen.push(await look());
    return undefined;
  });
  const [result] = seen;
  if (result === undefined) throw new Error('a guest that stands still lets itself be looked at');
  return result;
}

/** A copy carries the chain that the VM runs on; a VM checkpoint on another branch of it would be lost. */
export function checkVmCheckpoints(
  vm: VmRecord,
  disks: readonly { readonly images: readonly { readonly path: string }[] }[],
): Outcome<void> {
  const inChain = new Set(disks.flatMap((disk) => disk.images.map((image) => image.path)));
  for (const taken of vm.vmCheckpoints) {
    const stray = taken.frozen.find((disk) => !inChain.has(disk.path));
    if (stray !== undefined)
      return refuse(
        'VmStateWrong',
        vm.vmId,
        `VM checkpoint "${taken.name}" of VM ${vm.name} uses ${stray.path}, which the VM does not run on.`,
      );
  }
  return succeeded(undefined);
}
