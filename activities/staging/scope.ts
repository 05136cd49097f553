import { z } from 'zod';
import { batchId, runId, type BatchId, type RunId } from '../../contracts/ids';

/**
 * Who shares staged blocks: the runs of a batch, or one run that belongs to none. The document says which containers there are for it and
 * which runs need them. It is there as long as there is anything to remove, and every change of it is guarded by its ETag.
 */
export const stagingScope = z.object({
  schema: z.literal(1),
  /** Grows when the containers of a scope are given up while it may be used again. */
  generation: z.int().positive(),
  /** Containers that runs of the scope may use; the last one is that of the key that is in force. */
  containers: z.array(z.string()),
  /** Runs that began to use them. */
  holders: z.array(runId),
  /** Runs that ended. */
  left: z.array(runId),
  /** Containers that nobody needs, and that are to be removed. */
  collecting: z.array(z.string()),
});
export type StagingScope = z.infer<typeof stagingScope>;

export const noScope: StagingScope = {
  schema: 1,
  generation: 1,
  containers: [],
  holders: [],
  left: [],
  collecting: [],
};

const [ofBatch, ofRun] = ['batch-', 'run-'];
export const scopeOfBatch = (id: BatchId): string => `${ofBatch}${id}`;
export const scopeOfRun = (id: RunId): string => `${ofRun}${id}`;

/** Whose scope has this name; undefined where the name is none. */
export function ownerOfScope(scope: string): { readonly batchId: BatchId } | { readonly runId: RunId } | undefined {
  const batch = scope.startsWith(ofBatch) ? batchId.safeParse(scope.slice(ofBatch.length)).data : undefined;
  if (batch !== undefined) return { batchId: batch };
  const run = scope.startsWith(ofRun) ? runId.safeParse(scope.slice(ofRun.length)).data : undefined;
  return run === undefined ? undefined : { runId: run };
}

const added = <T>(list: readonly T[], one: T): T[] => (list.includes(one) ? [...list] : [...list, one]);

/** The scope once a run holds a container in it. Undefined: the run has ended, and holds nothing any more. */
export function heldBy(scope: StagingScope, run: RunId, container: string): StagingScope | undefined {
  if (scope.left.includes(run)) return undefined;
  return { ...scope, holders: added(scope.holders, run), containers: added(scope.containers, container) };
}

/** The scope once these runs have ended. */
export const leftBy = (scope: StagingScope, runs: readonly RunId[]): StagingScope => ({
  ...scope,
  left: runs.reduce<RunId[]>((left, run) => added(left, run), scope.left),
});

/**
 * The scope once its containers are given up: when every run that may need them has ended. `mayNeed` has those that have not begun yet as
 * well. Unchanged while one of them has not ended.
 */
export function givenUp(scope: StagingScope, mayNeed: readonly RunId[]): StagingScope {
  const needed = [...mayNeed, ...scope.holders].some((run) => !scope.left.includes(run));
  if (needed || scope.containers.length === 0) return scope;
  return {
    ...scope,
    generation: scope.generation + 1,
    containers: [],
    holders: [],
    collecting: [...scope.collecting, ...scope.containers],
  };
}

/**
 * The scope once a container that was made for it is to be removed, since it does not name it any more; whoever comes next gets another. Undefined:
 * it names it.
 */
export const withStray = (scope: StagingScope, container: string): StagingScope | undefined =>
  scope.containers.includes(container)
    ? undefined
    : { ...scope, generation: scope.generation + 1, collecting: added(scope.collecting, container) };

/** The scope once these containers are gone. */
export const collected = (scope: StagingScope, gone: readonly string[]): StagingScope => ({
  ...scope,
  collecting: scope.collecting.filter((one) => !gone.includes(one)),
});

/** Whether there is nothing left to remove for it, now or later. */
export const isEmpty = ({ containers, collecting }: StagingScope): boolean =>
  containers.length === 0 && collecting.length === 0;
