import { failed, failureOf, succeeded, type Outcome } from '../../contracts/failure';
import type { RunInput, StopPolicy } from '../../contracts/migration';
import type { OperationOutput } from '../../contracts/operations';
import { movableStates } from '../../contracts/requests/states';
import type { Run } from '../saga/run';
import type { Durable, Step } from '../saga/step';
import { sizesOf, type Sizes } from './disks';
import { at, vmOf } from './operations-of-a-run';

type StoppedRun = Run<RunInput & { readonly request: { readonly policy: { readonly stop: StopPolicy } } }>;

/** A VM that stands still: since when, and how long its saved memory is, where it has one. */
export type Stopped = Sizes & { readonly stoppedAt: string; readonly memory: number | null };

/** Stops a VM that runs, as the policy says. */
export function* stopVm(run: StoppedRun): Durable<Step<Stopped>> {
  if (run.input.request.policy.stop === 'save') {
    const saved = yield* at(run, 'source', 'save-vm', vmOf(run));
    if (!saved.ok) return saved;
    const { savedAt, memoryFileBytes } = saved.value;
    return succeeded({ ...sizesOf(saved.value), stoppedAt: savedAt, memory: memoryFileBytes });
  }
  const off = yield* at(run, 'source', 'shut-down-vm', vmOf(run));
  if (!off.ok) return off;
  return succeeded({ ...sizesOf(off.value), stoppedAt: off.value.shutDownAt, memory: null });
}

/** A VM that was found off or saved stays so: then it has no time since which this run has it stopped. */
export function* stopIfRunning(
  run: StoppedRun,
  found: Sizes & { readonly state: Checked['state'] },
): Durable<Step<Omit<Stopped, 'stoppedAt'> & { readonly stoppedAt: string | null }>> {
  if (found.state === 'running') return yield* stopVm(run);
  return succeeded({ ...found, stoppedAt: null, memory: found.state === 'saved' ? found.memoryFileBytes : null });
}

type Checked = OperationOutput<'check-disks'>;

/** A VM whose disks are copied while it runs must run: said before anything is changed, not after an hour of copying. */
export function mustRun(run: Run<RunInput>, checked: Checked): Outcome<Sizes> {
  const { kind, vmId } = run.input.request;
  if (movableStates[kind].some((state) => state === checked.state)) return succeeded(sizesOf(checked));
  const message = `VM ${checked.vmName} is ${checked.state}; "${kind}" moves a VM that runs.`;
  const remedy = 'Start the VM, or choose the kind "lan", which moves it as it is.';
  return failed(failureOf('VmStateWrong', { message, remedy, subject: { vmId } }));
}
