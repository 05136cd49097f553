import { preflight as runPreflight } from '../../activities/definitions';
import { failed, succeeded } from '../../contracts/failure';
import type { DiskFormatWanted, RunInput } from '../../contracts/migration';
import type { OperationInput, OperationOutput } from '../../contracts/operations';
import { callForRun } from '../saga/activity';
import { nothing, undo, type PhaseDefinition } from '../saga/itinerary';
import type { Run } from '../saga/run';
import type { Durable, Step } from '../saga/step';
import { roomNeeded, type Sizes } from './disks';
import { at, inPlace, onDestination, onSource, placeOf, vmOf } from './operations-of-a-run';
import { convertedAs } from './pull-files';
import { mustRun } from './stop';

/** Phases that are the same in many kinds. */
type CommonPhase<Name extends string, Output, Needs = RunInput> = PhaseDefinition<Needs, object, Name, Output>;

export const forwardOnly = nothing('after the pivot a run only goes forward');

export const preflight: CommonPhase<'preflight', unknown> = {
  name: 'preflight',
  step: 'Prepare',
  what: 'Look at the hosts, the VM and the folder, and refuse what could lose, double or strand the VM (docs/preflight.md).',
  *do(run) {
    const { runId, request } = run.input;
    const report = yield* callForRun(run, runPreflight, { runId, request });
    if (!report.ok) return report;
    run.noteConcerns(report.value.concerns);
    return report.value.refusal === null ? succeeded({}) : failed(report.value.refusal);
  },
  undo: nothing('it reads only'),
};

export const reserveVm: CommonPhase<'reserve-vm', unknown> = {
  name: 'reserve-vm',
  step: 'Prepare',
  what: 'Mark the VM on the source host as this run’s, so that no second run takes it.',
  do: onSource('reserve-vm'),
  undo: undo('take the mark back', onSource('release')),
};

export const checkRunning: CommonPhase<'check-disks', Sizes> = {
  name: 'check-disks',
  step: 'Prepare',
  what: 'Check that the VM runs, open every file of every disk on the source host and check its structure.',
  *do(run) {
    const checked = yield* at(run, 'source', 'check-disks', vmOf(run));
    return checked.ok ? mustRun(run, checked.value) : checked;
  },
  undo: nothing('it reads only'),
};

type ToFolder = RunInput & { readonly request: { readonly destinationFolder: string } };
type AfterCheck<Name extends string, Output> = PhaseDefinition<
  ToFolder,
  { readonly 'check-disks': Sizes },
  Name,
  Output
>;

type ToSwitch = ToFolder & {
  readonly request: { readonly destinationSwitch: string | null; readonly convertTo?: DiskFormatWanted };
};

export const importConfiguration: CommonPhase<'import', OperationOutput<'import-configuration'>, ToSwitch> = {
  name: 'import',
  step: 'Cutover',
  what: 'Give the placeholder the configuration, changed to the disks and the switch of the destination host.',
  do: (run) => {
    const { request } = run.input;
    const edits = { switchName: request.destinationSwitch, ...convertedAs(request) };
    return at(run, 'destination', 'import-configuration', { ...placeOf(run), ...edits });
  },
  undo: nothing('the undo of place removes the placeholder'),
};

export const reserveRoom: AfterCheck<'reserve-room', unknown> = {
  name: 'reserve-room',
  step: 'Prepare',
  what: 'Promise room and memory of the destination host to this run.',
  do: (run, done) => at(run, 'destination', 'reserve-room', { ...placeOf(run), ...roomNeeded(done['check-disks']) }),
  undo: undo('take the promise back', onDestination('release')),
};

export const placeVm: AfterCheck<'place', unknown> = {
  name: 'place',
  step: 'Prepare',
  what: 'Make the placeholder on the destination host: a planned VM, which cannot start, and its folder.',
  do: (run, done) => at(run, 'destination', 'place-vm', { ...placeOf(run), vmName: done['check-disks'].vmName }),
  undo: undo('remove the placeholder and every file that was copied for it', inPlace('remove-placeholder')),
};

type Retires = RunInput & {
  readonly request: { readonly policy: { readonly retire: OperationInput<'retire-vm'>['retire'] } };
};

export const retire: CommonPhase<'retire', unknown, Retires> = {
  name: 'retire',
  step: 'Finish',
  what: 'Keep the source fenced, unregister it, or delete it, as the policy says.',
  do: (run) => at(run, 'source', 'retire-vm', { ...vmOf(run), retire: run.input.request.policy.retire }),
  undo: forwardOnly,
};

type WaitsForGuest = RunInput & { readonly request: { readonly policy: { readonly heartbeatWaitMsMax: number } } };

export const heartbeat: CommonPhase<'heartbeat', OperationOutput<'await-heartbeat'>, WaitsForGuest> = {
  name: 'heartbeat',
  step: 'Finish',
  what: 'Wait for the heartbeat of the guest at the destination.',
  do: (run) =>
    at(run, 'destination', 'await-heartbeat', {
      ...vmOf(run),
      waitMsMax: run.input.request.policy.heartbeatWaitMsMax,
    }),
  undo: forwardOnly,
};

export const release: CommonPhase<'release', unknown> = {
  name: 'release',
  step: 'Finish',
  what: 'Take back every reservation of this run on both hosts.',
  do: releaseBoth,
  undo: forwardOnly,
};

function* releaseBoth(run: Run<RunInput>): Durable<Step<unknown>> {
  const atSource = yield* at(run, 'source', 'release', vmOf(run));
  return atSource.ok ? yield* at(run, 'destination', 'release', vmOf(run)) : atSource;
}
