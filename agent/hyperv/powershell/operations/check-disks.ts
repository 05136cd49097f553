import { succeeded, type Outcome } from '../../../../contracts/failure';
import type { RunId } from '../../../../contracts/ids';
import { refuse } from '../../refuse';
import type { VmValue } from '../calls/vm';
import { sizesOf, stateOf } from '../facts';
import { runOfCheckpoint } from '../checkpoints';
import { reservedVm, type Handler } from '../host';

/** As `Get-VHD` says them. */
const carriedFormats: readonly string[] = ['VHD', 'VHDX'];

/**
 * Hyper-V opens every file of every chain. Refuses disks that it cannot describe and, where agents carry them, formats that are not carried
 * over, and VM checkpoints that people made, whose settings the exported configuration would lack.
 */
export const checkDisks: Handler<'check-disks'> = async (host, { runId }, { vmId, carriedBy = 'agent' }) => {
  const reserved = await reservedVm(host, runId, vmId);
  if (!reserved.ok) return reserved;
  const vm = reserved.value;
  const sizes = sizesOf(vm);
  if (!sizes.ok) return sizes;
  const told = { ...sizes.value, state: stateOf(vm), exportsRunning: true };
  if (carriedBy === 'host') return succeeded(told);
  for (const { images } of vm.disks)
    for (const { format, path } of images)
      if (!carriedFormats.includes(format))
        return refuse('DiskNotVhdx', vmId, `${path} of VM ${vm.name} is of format ${format}.`);
  const whole = checkVmCheckpoints(vm, runId);
  return whole.ok ? succeeded(told) : whole;
};

/** VM checkpoints that another than the run made are not carried over yet: their disks would be, and what restores them not. */
export function checkVmCheckpoints(vm: VmValue, run: RunId): Outcome<void> {
  const others = vm.checkpoints.filter(({ name }) => runOfCheckpoint(name) !== run);
  return others.length === 0
    ? succeeded(undefined)
    : refuse(
        'VmStateWrong',
        vm.id,
        `VM ${vm.name} has VM checkpoints of its own ("${others.map(({ name }) => name).join('", "')}"), which are not carried over.`,
      );
}
