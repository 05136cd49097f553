import type { Outcome } from '../../contracts/failure';
import type { OperationInput, OperationOutput, OperationProgress } from '../../contracts/operations';
import type { OperationId, RunId } from '../../contracts/ids';
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

/** One file over the staged route. */
export type StagedTask<K extends 'stage' | 'pull-staged'> = HandlerContext & {
  readonly operationId: OperationId;
  readonly runId: RunId;
  readonly input: OperationInput<K>;
};

/** The operations of the staged route. */
export type StagedOperations = {
  stage(task: StagedTask<'stage'>): Promise<Outcome<OperationOutput<'stage'>>>;
  pull(task: StagedTask<'pull-staged'>): Promise<Outcome<OperationOutput<'pull-staged'>>>;
};

/** Pulls go to the byte route, at the place that the driver names, or to the staged route; everything else is the driver's. */
export function createCarryOut(driver: HyperVDriver, pull: Pull, staged: StagedOperations): CarryOut {
  return async ({ operationId, runId, task }, context) => {
    switch (task.kind) {
      case 'pull': {
        const { vmId, folder, subject, seedPath } = task.input;
        const place = await driver.locateForWriting(runId, vmId, folder, subject);
        if (!place.ok) return place;
        const seed = seedPath === undefined ? undefined : await driver.locateSeed(seedPath);
        if (seed?.ok === false) return seed;
        const named = seed === undefined ? {} : { seed: seed.value };
        return pull({ ...context, ...place.value, ...named, runId, input: task.input });
      }
      case 'stage':
        return staged.stage({ ...context, operationId, runId, input: task.input });
      case 'pull-staged':
        return staged.pull({ ...context, operationId, runId, input: task.input });
      default:
        return driver.perform(task.kind, { runId, ...context }, task.input);
    }
  };
}
