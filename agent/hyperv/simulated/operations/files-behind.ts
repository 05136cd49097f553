import { failed, succeeded, type Outcome } from '../../../../contracts/failure';
import { arrivalOf } from '../fabric/handover';
import { filesInUseExcept } from '../file-use';
import type { SimulatedHost } from '../host';
import type { RunRecord } from '../records';
import { refuse } from '../../refuse';
import { deleteFiles } from './retire-vm';

type Behind = { readonly files: readonly string[]; readonly home: string };

/** Files of a VM that a move by the hypervisor has taken elsewhere; undefined while the VM still has them. */
export function filesBehind(host: SimulatedHost, { moved, vmId }: RunRecord): Behind | undefined {
  if (moved === null || moved.home === null || host.state.vm(vmId)?.home === moved.home) return undefined;
  return { files: moved.remove, home: moved.home };
}

/**
 * Removes what a move left that nobody waited for to its end: it was committed, and its host died, or a later attempt of the run took over,
 * before the old files were gone. Refused for the time being until the other host has the VM.
 */
export async function clearBehind(host: SimulatedHost, run: RunRecord): Promise<Outcome<void>> {
  const behind = filesBehind(host, run);
  if (behind === undefined) return succeeded(undefined);
  const { runId, vmId } = run;
  if (host.state.vm(vmId) === undefined && (await arrivalOf(host, runId, vmId)) === undefined)
    return refuse('VmBusy', vmId, `VM ${vmId} was handed over and has yet to arrive at the other host.`);
  const inUse = await filesInUseExcept(host);
  const deleted = await deleteFiles(host, {
    policy: 'delete',
    delete: behind.files.filter((path) => !inUse.has(path)),
    home: behind.home,
  });
  return deleted.ok ? deleted : failed({ ...deleted.failure, effect: 'applied' });
}
