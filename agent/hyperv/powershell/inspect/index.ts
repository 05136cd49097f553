import type { InspectionRequest } from '../../../../contracts/inspection';
import { known } from '../../../../contracts/inspection';
import { succeeded } from '../../../../contracts/failure';
import type { DriverInspection } from '../../driver';
import { findVm, type RealHost } from '../host';
import { openPromises, promisedBytes } from '../promises';
import { marksIn } from '../marks';
import { orThrow } from '../or-throw';
import { isPlaceholder } from '../placing';
import { inspectHost } from './host';
import { inspectImport } from './imports';
import { inspectPlace, placeOf } from './place';
import { both, wholeFact } from './told';
import { inspectVm } from './vm';

/**
 * What the host can tell of a move before it: the host, all VMs, this VM, each in one round trip. What cannot be told says why, so that no
 * check takes it for a yes. Throws where Hyper-V does not tell whether the VM is there: nothing can be said of the rest then.
 */
export async function inspect(real: RealHost, request: InspectionRequest): Promise<DriverInspection> {
  const { runId, vmId, vmName, describesVm, folder, imports } = request;
  const { client } = real;
  const place = folder === null ? undefined : await placeOf(real, folder);
  const facts = await client.call('read-host', { Roots: [...real.roots] });
  const host = await client.call('inspect-host', { Folder: place?.ok === true ? place.value.root : '' });
  const all = await client.call('read-vms', {});
  const vm = orThrow(await findVm(real, vmId));
  const noted = await openPromises(real.runs);
  const others = noted.ok ? succeeded(noted.value.filter((one) => one.vmId !== vmId || one.runId !== runId)) : noted;
  const own = noted.ok ? noted.value.find((one) => one.vmId === vmId && one.runId === runId) : undefined;
  const volumes = both(
    wholeFact(facts, (read) => read.volumes.filter(({ error }) => error === null)),
    wholeFact(noted, (files) => files),
    (roots, files) => roots.map((one) => ({ ...one, reservedBytes: promisedBytes(files, one.root) })),
  );
  const toImport = imports === null ? null : await inspectImport(real, imports);
  const wanted = vmName ?? vm?.name ?? (toImport?.found === true ? toImport.vmName : undefined);
  const nowMs = Math.round(real.clock.now());
  return {
    host: inspectHost({ nowMs, facts, host, vm, promises: others, vmId }),
    presence: {
      registered: known(vm === undefined ? null : { vmName: vm.name, isRetired: marksIn(vm.notes).retiredBy !== null }),
      placeholderOf: wholeFact(
        others,
        (files) => files.find((one) => one.vmId === vmId && isPlaceholder(one))?.runId ?? null,
      ),
      promisedTo: wholeFact(
        others,
        (files) => files.find((one) => one.vmId === vmId && one.room !== null)?.runId ?? null,
      ),
      sameName: wholeFact(all, ({ vms }) =>
        vms.filter(({ id, name }) => id !== vmId && name === wanted).map(({ id }) => id),
      ),
    },
    vm:
      describesVm && vm !== undefined
        ? inspectVm({
            vm,
            all: all.ok ? succeeded(all.value.vms) : all,
            inspected: await client.call('inspect-vm', { VmId: vmId }, { vmId }),
            host,
            volumes,
            run: runId,
          })
        : null,
    place:
      place === undefined
        ? null
        : await inspectPlace({ place, facts, host, vm, vmName: wanted, promises: others, own, request }),
    imports: toImport,
  };
}
