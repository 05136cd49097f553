import { failed, failureOf, succeeded, type Failure, type Outcome } from '../../contracts/failure';
import { migrationIdOf, runIdOf, type BatchId, type RunId } from '../../contracts/ids';
import { isStaged } from '../../contracts/requests';
import type { App } from '../app';
import { readBatchDocument } from '../storage/batches';
import { readRecord } from '../storage/records';
import { batchKeyOf, containerNameOf } from './batch-key';
import { collected, givenUp, heldBy, leftBy, scopeOfBatch, scopeOfRun, withStray } from './scope';
import { changeScope } from './scope-documents';

export type Held = { readonly container: string; readonly batchKey: Buffer };
type StagingApp = Pick<App, 'documents' | 'staging' | 'signingKey'>;

/**
 * Notes that a run needs the container of its scope, and makes the container where it is not there. `StagingAccessEnded`, for good, when the
 * run has ended.
 */
export async function holdStaging(app: StagingApp, run: RunId): Promise<Outcome<Held>> {
  const scope = await scopeOf(app, run);
  if (!scope.ok) return scope;
  const keyAt = (generation: number): Buffer => batchKeyOf(app.signingKey, scope.value.name, generation);
  const held = await changeScope(app.documents, scope.value.name, (found) =>
    heldBy(found, run, containerNameOf(keyAt(found.generation))),
  );
  if (!held.ok) return held;
  if (held.value === undefined) return failed(hasEnded(run));
  const batchKey = keyAt(held.value.generation);
  const container = containerNameOf(batchKey);
  const made = await app.staging.create(container);
  if (!made.ok) return made;
  if (made.value === 'there') return succeeded({ container, batchKey });
  // An activity that was held up, or delivered twice, may come after its run has left: nobody would find what it made then.
  const astray = await changeScope(app.documents, scope.value.name, (found) => withStray(found, container));
  if (!astray.ok) return astray;
  if (astray.value === undefined) return succeeded({ container, batchKey });
  const gone = await collect(app, scope.value.name, scope.value.mayNeed, []);
  return gone.ok ? failed(hasEnded(run)) : gone;
}

const hasEnded = (run: RunId): Failure =>
  failureOf('StagingAccessEnded', { message: `Run ${run} has ended.`, retry: 'permanent', effect: 'none' });

/** Notes that a run has ended, and removes what nobody needs any more. Done again it ends the same. */
export async function leaveStaging(app: StagingApp, run: RunId): Promise<Outcome<void>> {
  const scope = await scopeOf(app, run);
  return scope.ok ? collect(app, scope.value.name, scope.value.mayNeed, [run]) : scope;
}

/**
 * Gives up the containers of a scope once all who may need them have ended, and removes those that were given up. First the document says so,
 * then the container goes, then the document is done with it: what a crash leaves is found by the next who comes.
 */
export async function collect(
  app: StagingApp,
  scope: string,
  mayNeed: readonly RunId[],
  ended: readonly RunId[],
): Promise<Outcome<void>> {
  const changed = await changeScope(app.documents, scope, (found) =>
    found.containers.length === 0 && found.collecting.length === 0 ? undefined : givenUp(leftBy(found, ended), mayNeed),
  );
  if (!changed.ok) return changed;
  const gone = changed.value?.collecting ?? [];
  if (gone.length === 0) return succeeded(undefined);
  for (const container of gone) {
    const removed = await app.staging.remove(container);
    if (!removed.ok) return removed;
  }
  const done = await changeScope(app.documents, scope, (found) => collected(found, gone));
  return done.ok ? succeeded(undefined) : done;
}

/** Runs that may need what a batch shares, whether they have begun or not. */
export async function runsOfBatch(app: Pick<App, 'documents'>, batch: BatchId): Promise<Outcome<RunId[]>> {
  const found = await readBatchDocument(app.documents, batch);
  if (!found.ok) return found;
  return succeeded((found.value?.migrations ?? []).filter((one) => isStaged(one)).map((one) => runIdOf(one.id)));
}

async function scopeOf(
  app: Pick<App, 'documents'>,
  run: RunId,
): Promise<Outcome<{ readonly name: string; readonly mayNeed: readonly RunId[] }>> {
  const record = await readRecord(app.documents, migrationIdOf(run));
  if (!record.ok) return record;
  const batch = record.value?.batchId ?? null;
  if (batch === null) return succeeded({ name: scopeOfRun(run), mayNeed: [run] });
  const runs = await runsOfBatch(app, batch);
  return runs.ok ? succeeded({ name: scopeOfBatch(batch), mayNeed: [run, ...runs.value] }) : runs;
}
