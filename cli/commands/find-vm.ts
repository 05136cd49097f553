import { vmId } from '../../contracts/ids';
import type { HostId } from '../../contracts/ids';
import type { HyperferryApi } from '../api/client';
import { bad, good, type Result } from '../context';
import { inventory, type Inventory, type PlacedVm } from './vms';

const describe = (vm: PlacedVm): string => `${vm.hostId}: ${vm.name} ${vm.vmId} (${vm.state})`;

function absentText(found: Inventory): string {
  const names = found.unreachable.map(({ hostId }) => hostId);
  return names.length === 0 ? '' : ` Not looked at, since not reachable: ${names.join(', ')}.`;
}

/**
 * The VM that a person means by a name or a GUID. Placeholders do not count, and a fenced VM (the source of an earlier run) only where
 * there is no other: names are not unique on a Hyper-V host, and a retired source has the id of the VM that left.
 */
export async function findVm(
  api: HyperferryApi,
  nameOrId: string,
  sourceHost: HostId | undefined,
): Promise<Result<PlacedVm>> {
  const found = await inventory(api, sourceHost);
  if (!found.ok) return found;
  const id = vmId.safeParse(nameOrId);
  const meant = (vm: PlacedVm): boolean =>
    id.success ? vm.vmId === id.data : vm.name.toLowerCase() === nameOrId.toLowerCase();
  const all = found.value.items.filter((vm) => vm.state !== 'planned' && meant(vm));
  const free = all.filter((vm) => vm.fencedBy === null);
  const candidates = free.length > 0 ? free : all;
  const [only, ...others] = candidates;
  const where = sourceHost === undefined ? 'any host' : sourceHost;
  if (only === undefined)
    return bad({
      exit: 'badInput',
      title: 'no such VM',
      detail: `no VM "${nameOrId}" on ${where}.${absentText(found.value)}`,
      field: 'VM',
      value: nameOrId,
      remedy: 'Check the name or the GUID, and the host.',
      next: 'hyperferry vms',
    });
  if (others.length > 0)
    return bad({
      exit: 'badInput',
      title: `"${nameOrId}" names ${candidates.length} VMs`,
      detail: candidates.map(describe).join('; '),
      field: 'VM',
      value: nameOrId,
      remedy: 'Name the VM by its GUID, and its host by --from.',
      next: `hyperferry migrate ${only.vmId} --from ${only.hostId} ...`,
    });
  return good(only);
}
