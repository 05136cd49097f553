import { failureOf, succeeded } from '../../../contracts/failure';
import type { VmId } from '../../../contracts/ids';
import { compareInputOf, importedVmId, importInputOf, type RunInputOf } from '../../../contracts/migration';
import type { OperationInput } from '../../../contracts/operations';
import type { FixUp } from '../../../contracts/operations/exports';
import { copiedByHost } from '../../../contracts/receipt';
import type { MadeSwitchType } from '../../../contracts/switches';
import { ask } from '../../saga/ask';
import { itinerary, nothing, onceUnderWay, undo } from '../../saga/itinerary';
import type { Run } from '../../saga/run';
import type { Durable, Step } from '../../saga/step';
import { forwardOnly, preflight } from '../common-phases';
import { at } from '../operations-of-a-run';

type Input = RunInputOf<'import'>;

type MadeSwitch = { readonly name: string; readonly type: MadeSwitchType };

const ofVm = (run: Run<Input>) => ({ vmId: importedVmId(run.input.request) });

const place = (run: Run<Input>) => ({ ...ofVm(run), folder: asked(run).folder });

const isCopy = (run: Run<Input>): boolean => run.input.request.destinationFolder !== undefined;

const asked = (run: Run<Input>): OperationInput<'compare-import'> => importInputOf(run.input.request);

/**
 * Import: a VM from a folder that an export made, or from a plain copy of one, as a copy or in place, under its id or a new one. What must
 * change is found first, shown, and then applied.
 */
export const importKind = itinerary<Input>('import', 3)
  .phase(preflight)
  .phase({
    name: 'compare',
    step: 'Prepare',
    what: 'Find every file that is needed, check it, and say what has to be changed.',
    do: (run) => at(run, 'destination', 'compare-import', compareInputOf(run.input.request)),
    undo: nothing('it reads only'),
  })
  .phase({
    name: 'fix-ups',
    step: 'Prepare',
    what: 'Show what has to be changed to a person who lets it be, if the policy asks for one.',
    *do(run, done) {
      const { fixUps } = done.compare;
      if (fixUps.length === 0 || run.input.request.policy.fixUps === 'apply') return succeeded({ fixUps });
      const message = fixUps.map(({ what, from, to }) => `${what}: ${from} becomes ${to}`).join('; ');
      const text = `The import has to change something: ${message}. accept: change it and go on. A cancel leaves everything as it was.`;
      const failure = failureOf('ApprovalWanted', { message: 'The import has to change something.' });
      const answer = yield* ask(run, { text, answers: ['accept'], failure });
      return answer.ok ? succeeded({ fixUps }) : answer;
    },
    undo: nothing('nothing was changed yet'),
  })
  .phase({
    name: 'reserve-room',
    step: 'Prepare',
    what: 'Promise room and memory to this run, if the files are copied.',
    *do(run, done) {
      if (!isCopy(run)) return succeeded(undefined);
      const { roomBytes, memoryBytes } = done.compare;
      return yield* at(run, 'destination', 'reserve-room', { ...place(run), roomBytes, memoryBytes });
    },
    undo: undo('take the promise back', (run) => at(run, 'destination', 'release', ofVm(run))),
  })
  .phase({
    name: 'switch',
    step: 'Prepare',
    what: 'Make the virtual switch, if the request has one made and the host has none of that name.',
    *do(run): Durable<Step<{ readonly made: MadeSwitch | null }>> {
      const { makeSwitch: type, destinationSwitch: name } = run.input.request;
      if (type === undefined || name === null) return succeeded({ made: null });
      const made = yield* at(run, 'destination', 'make-switch', { ...ofVm(run), name, type });
      return made.ok ? succeeded({ made: made.value.made ? { name, type } : null }) : made;
    },
    undo: undo('remove the switch, if this run made it and nobody uses it', function* (run) {
      if (run.input.request.makeSwitch === undefined) return succeeded(undefined);
      return yield* at(run, 'destination', 'remove-switch', ofVm(run));
    }),
  })
  .phase({
    name: 'place',
    step: 'Prepare',
    what: 'Make the placeholder: a planned VM, which cannot start, with a folder of its own or with the one that is imported.',
    *do(run, done): Durable<Step<unknown>> {
      if (!isCopy(run)) return yield* at(run, 'destination', 'adopt-import', asked(run));
      return yield* at(run, 'destination', 'place-vm', { ...place(run), vmName: done.compare.vmName });
    },
    undo: undo('remove the placeholder and what was copied for it; a folder that is imported in place stays', (run) =>
      at(run, 'destination', 'remove-placeholder', place(run)),
    ),
  })
  .phase({
    name: 'copy',
    step: 'Transfer',
    what: 'Copy the files, if they are not used in place. The folder stays good for another import.',
    load: onceUnderWay,
    *do(run) {
      if (!isCopy(run)) return succeeded(undefined);
      return yield* at(run, 'destination', 'copy-import', asked(run));
    },
    undo: nothing('the undo of place removes every file of this run'),
  })
  .phase({
    name: 'import',
    step: 'Transfer',
    what: 'Give the placeholder the configuration with its changes.',
    *do(run) {
      if (!isCopy(run)) return yield* at(run, 'destination', 'adopt-import', asked(run));
      const switchName = run.input.request.destinationSwitch;
      return yield* at(run, 'destination', 'import-configuration', { ...place(run), switchName });
    },
    undo: nothing('the undo of place removes the placeholder'),
  })
  .phase({
    name: 'register',
    step: 'Finish',
    what: 'Make the placeholder a VM, and start it if that is asked for.',
    pivot: true,
    do: (run) => {
      const power = run.input.request.policy.start ? 'start' : 'leave';
      return at(run, 'destination', 'start-vm', { ...place(run), power });
    },
    undo: nothing('the VM may have taken writes'),
  })
  .phase({
    name: 'release',
    step: 'Finish',
    what: 'Take back every reservation of this run, and its mark off a switch that it made.',
    do: (run) => at(run, 'destination', 'release', ofVm(run)),
    undo: forwardOnly,
  })
  .build((done) => ({
    carried: done.copy ? copiedByHost(done.copy.copiedBytes) : null,
    configurationChanges: [
      ...(done.switch?.made
        ? [`The virtual switch "${done.switch.made.name}" (${done.switch.made.type}) was made.`]
        : []),
      ...(done.compare?.fixUps ?? []).flatMap((fixUp) => told(fixUp, done.register?.registeredAs)),
      ...(done.import?.changes ?? []),
    ],
  }));

/** Fix-ups of which the changes of the configuration do not tell. */
function told({ what, from, to }: FixUp, registeredAs: VmId | undefined): string[] {
  if (what !== 'id' && what !== 'name') return [];
  const now = what === 'id' ? (registeredAs ?? to) : to;
  return [`The ${what} was ${from} and is now ${now}.`];
}
