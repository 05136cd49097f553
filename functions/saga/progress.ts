import type { PhaseRecord } from '../../contracts/receipt';
import type { Itinerary, Phase } from './itinerary';
import type { Run } from './run';
import type { SagaState } from './state';

/** Where a run stands in its itinerary: entering phases and attempts, and keeping the account of them. */

export const currentPhase = <Input>(state: SagaState, itinerary: Itinerary<Input>): Phase<Input> | undefined =>
  itinerary.phases[state.position];

/** A cancel counts until the pivot has been attempted; inside of it where the pivot can be stopped and then tells how it ended. */
export function cancelHonoured<Input>(state: SagaState, itinerary: Itinerary<Input>): boolean {
  if (state.direction === 'unwind' || state.position > itinerary.pivotIndex) return false;
  if (state.position < itinerary.pivotIndex) return true;
  const { cancelable } = itinerary.phases[itinerary.pivotIndex] ?? { cancelable: false };
  return !state.touched && (state.attempt === null || cancelable);
}

/** Enters the phase at `position`; nothing of it has been attempted. */
export function beginPhase(state: SagaState, position: number): void {
  state.position = position;
  state.attempt = null;
  state.phaseSince = null;
  state.attempts = 0;
  state.touched = false;
  state.notes = undefined;
  state.paused = false;
  state.reached = {};
  state.progress = null;
}

/** Begins an attempt under a new epoch, or goes on with the one that a renewal interrupted. */
export function beginAttempt<Input>(run: Run<Input>, phase: Phase<Input>, action: 'do' | 'undo'): void {
  const { state } = run;
  if (state.attempt === null) {
    state.epoch += 1;
    state.attempts += 1;
    state.phaseSince ??= run.now().toISOString();
    state.attempt = { phase: phase.name, action, epoch: state.epoch, settled: {}, stopped: [], operationsBefore: 0 };
  }
  run.enterPhase();
}

/** Whether transient failures of this phase are retried still. */
export function patient<Input>(run: Run<Input>, patienceMsMax: number): boolean {
  const since = run.state.phaseSince === null ? run.now().getTime() : new Date(run.state.phaseSince).getTime();
  return run.now().getTime() - since < patienceMsMax;
}

/** Notes how a phase ended, all its attempts as one. */
export function account<Input>(
  run: Run<Input>,
  phase: Phase<Input>,
  action: PhaseRecord['action'],
  outcome: PhaseRecord['outcome'],
): void {
  const endedAt = run.now().toISOString();
  const startedAt = run.state.phaseSince ?? endedAt;
  run.state.log.push({
    name: phase.name,
    action,
    outcome,
    attempts: Math.max(1, run.state.attempts),
    startedAt,
    endedAt,
  });
}
