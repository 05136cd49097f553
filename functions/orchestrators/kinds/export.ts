import { succeeded } from '../../../contracts/failure';
import type { RunInputOf } from '../../../contracts/migration';
import type { OperationOutput } from '../../../contracts/operations';
import { copiedByHost } from '../../../contracts/receipt';
import { itinerary, nothing, onceUnderWay, undo } from '../../saga/itinerary';
import { forwardOnly, preflight, release, reserveVm } from '../common-phases';
import { sizesOf } from '../disks';
import { at, onSource, placeOf, vmOf, type RunToFolder } from '../operations-of-a-run';

type Input = RunInputOf<'export'>;

const unpublish = (run: RunToFolder) => at(run, 'source', 'remove-unpublished', placeOf(run));

/**
 * Export: the VM, one of its VM checkpoints as a VM of its own, or its configuration alone, written into a folder of its host. A VM that
 * runs goes on running: its host exports it as it is, or it is exported below a VM checkpoint of this run.
 */
export const exportKind = itinerary<Input>('export', 2)
  .phase(preflight)
  .phase(reserveVm)
  .phase({
    name: 'check-disks',
    step: 'Prepare',
    what: 'Open every file of every disk and check its structure.',
    *do(run) {
      const checked = yield* at(run, 'source', 'check-disks', { ...vmOf(run), carriedBy: 'host' });
      if (!checked.ok) return checked;
      const { state, exportsRunning = false } = checked.value;
      return succeeded({ ...sizesOf(checked.value), state, exportsRunning });
    },
    undo: nothing('it reads only'),
  })
  .phase({
    name: 'vm-checkpoint',
    step: 'Transfer',
    what: 'Take a VM checkpoint of a VM that runs and is exported as a whole, so that its files stand still. A host that exports such a VM by itself needs none.',
    *do(run, done) {
      const { state, exportsRunning } = done['check-disks'];
      const wanted = state === 'running' && run.input.request.part === 'whole' && !exportsRunning;
      if (!wanted) return succeeded({ taken: false });
      const taken = yield* at(run, 'source', 'take-vm-checkpoint', vmOf(run));
      return taken.ok ? succeeded({ taken: true }) : taken;
    },
    undo: undo('merge the differencing disks back', onSource('remove-vm-checkpoint')),
  })
  .phase({
    name: 'export',
    step: 'Transfer',
    what: 'Write what is asked for into a folder that is no export yet.',
    load: onceUnderWay,
    do: (run) => {
      const { part, vmCheckpointId } = run.input.request;
      return at(run, 'source', 'export-vm', { ...placeOf(run), part, vmCheckpointId });
    },
    undo: undo('remove what was written', unpublish),
  })
  .phase({
    name: 'publish',
    step: 'Finish',
    what: 'Make it an export, all at once.',
    pivot: true,
    do: (run) => at(run, 'source', 'publish-export', placeOf(run)),
    undo: nothing('an export that is there may be in use'),
  })
  .phase({
    name: 'merge',
    step: 'Finish',
    what: 'Merge the differencing disks of the VM checkpoint back.',
    do: onSource('remove-vm-checkpoint'),
    undo: forwardOnly,
  })
  .phase(release)
  .build((done) => ({
    carried: done.export ? copiedByHost(done.export.exportedBytes) : null,
    configurationChanges: done.publish ? told(done.publish) : [],
  }));

const told = ({ folder, exportedVmId }: OperationOutput<'publish-export'>): string[] => [
  `The export is ${folder}.`,
  ...(exportedVmId === undefined ? [] : [`The VM in it has the id ${exportedVmId}.`]),
];
