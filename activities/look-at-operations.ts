import type { z } from 'zod';
import type { Outcome } from '../contracts/failure';
import { succeeded } from '../contracts/failure';
import type { RunId } from '../contracts/ids';
import type { OperationProgress, OperationView } from '../contracts/operations';
import type { App } from './app';
import type { lookAtOperations as definition, OperationRef } from './definitions';
import { renewAccess } from './staging/complete';
import { advanceLedger } from './storage/ledger';

type Asked = z.infer<(typeof definition)['input']>;

/** Asks every agent at once. A host that does not answer is a failure in its place and holds nobody else back. */
export async function lookAtOperations(
  app: App,
  { runId, operations }: Asked,
): Promise<Outcome<Outcome<OperationView>[]>> {
  return succeeded(await Promise.all(operations.map((operation) => look(app, runId, operation))));
}

async function look(
  app: App,
  run: RunId,
  { host, operationId, ledgerName }: OperationRef,
): Promise<Outcome<OperationView>> {
  const view = await app.agents.lookAtOperation(host, operationId);
  if (view.ok && view.value.state === 'running' && view.value.progress !== null)
    await renewAccess(app, run, { host, operationId, kind: view.value.kind }, view.value.progress);
  if (!view.ok || ledgerName === undefined || view.value.progress === null) return view;
  const advanced = await advanceLedger(app.documents, run, ledgerName, view.value.progress, app.now());
  if (advanced.ok) return view;
  // The transfer does not need the ledger to go on; the next look brings it up to date.
  const progress: OperationProgress = { ...view.value.progress, waitingFor: `the ledger: ${advanced.failure.message}` };
  return succeeded({ ...view.value, progress });
}
