import type { Outcome } from '../../contracts/failure';
import type { OperationInput, OperationOutput, OperationProgress } from '../../contracts/operations';
import type { RunId } from '../../contracts/ids';
import type { HyperVDriver } from '../hyperv/driver';
import type { Operation } from './task';

export type HandlerContext = {
  /** Aborted when the operation is to stop: canceled, overtaken by a newer epoch, or the agent ends. */
  readonly signal: AbortSignal;
  readonly report: (progress: OperationProgress) => void;
};

/** Carries an operation out. Runs it again from the start after a crash, so what it calls is "make it so" throughout. */
export type CarryOut = (operation: Operation, context: HandlerContext) => Promise<Outcome<unknown>>;

/** One file over the byte route, to a place that the driver chose. */
export type PullTask = HandlerContext & {
  readonly runId: RunId;
  readonly input: OperationInput<'pull'>;
  readonly path: string;
  readonly journalPath: string;
  readonly seed?: { readonly path: string; readonly roots: readonly string[] };
};
export type Pull = (task: PullTask) => Promise<Outcome<OperationOutput<'pull'>>>;

/** Pulls go to the byte route, at the place that the driver names; everything else is the driver's. */
export function createCarryOut(driver: HyperVDriver, pull: Pull): CarryOut {
  return async ({ runId, task }, context) => {
    if (task.kind !== 'pull') return driver.perform(task.kind, { runId, ...context }, task.input);
    const { vmId, folder, subject, seedPath } = task.input;
    const place = await driver.locateForWriting(runId, vmId, folder, subject);
    if (!place.ok) return place;
    const seed = seedPath === undefined ? undefined : await driver.locateSeed(seedPath);
    if (seed?.ok === false) return seed;
    const named = seed === undefined ? {} : { seed: seed.value };
    return pull({ ...context, ...place.value, ...named, runId, input: task.input });
  };
}
