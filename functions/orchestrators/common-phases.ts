import type { RunInput } from '../../contracts/migration';
import type { OperationOutput } from '../../contracts/operations';
import { nothing, undo, type PhaseDefinition } from '../saga/itinerary';
import type { Run } from '../saga/run';
import type { Durable, Step } from '../saga/step';
import { at, onSource, vmOf } from './operations-of-a-run';

/** Phases that are the same in many kinds. */
type CommonPhase<Name extends string, Output, Needs = RunInput> = PhaseDefinition<Needs, object, Name, Output>;

export const forwardOnly = nothing('after the pivot a run only goes forward');

export const reserveVm: CommonPhase<'reserve-vm', unknown> = {
  name: 'reserve-vm',
  step: 'Prepare',
  what: 'Mark the VM on the source host as this run’s, so that no second run takes it.',
  do: onSource('reserve-vm'),
  undo: undo('take the mark back', onSource('release')),
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
