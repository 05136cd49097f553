import { app as functionsApp, type InvocationContext, type Timer } from '@azure/functions';
import * as df from 'durable-functions';
import type { App } from '../../activities/app';
import { collect, runsOfBatch } from '../../activities/staging/hold';
import { ownerOfScope } from '../../activities/staging/scope';
import { listScopes } from '../../activities/staging/scope-documents';
import { describeThrown, succeeded, type Outcome } from '../../contracts/failure';
import type { RunId } from '../../contracts/ids';
import { batchInstanceOf } from './batches';
import { statusOf } from './instances';

/**
 * Removes staged blocks whose runs have all ended without having told so, and those whose removal was begun and not finished. A run that is
 * not known has not begun yet, as long as its batch goes on; otherwise it never will.
 */
export async function collectStaging(app: App, client: df.DurableClient, log: (text: string) => void): Promise<void> {
  const scopes = await listScopes(app.documents);
  if (!scopes.ok) {
    log(`staging: ${scopes.failure.message}`);
    return;
  }
  for (const scope of scopes.value) {
    try {
      const done = await collectScope(app, client, scope);
      if (!done.ok) log(`staging ${scope}: ${done.failure.message}`);
    } catch (thrown) {
      // One scope that cannot be looked at must not keep the others from it; the next tick tries again.
      log(`staging ${scope}: ${describeThrown(thrown)}`);
    }
  }
}

async function collectScope(app: App, client: df.DurableClient, scope: string): Promise<Outcome<void>> {
  const owner = ownerOfScope(scope);
  if (owner === undefined) return succeeded(undefined);
  const runs = 'runId' in owner ? succeeded([owner.runId]) : await runsOfBatch(app, owner.batchId);
  if (!runs.ok) return runs;
  // Before the runs: one that begins between the two looks is of a batch that went on.
  const goesOn = 'batchId' in owner && !(await isOver(client, batchInstanceOf(owner.batchId)));
  const ended: RunId[] = [];
  for (const run of runs.value) {
    const status = await statusOf(client, run);
    if (status === undefined ? !goesOn : hasEnded(status.runtimeStatus)) ended.push(run);
  }
  return collect(app, scope, runs.value, ended);
}

async function isOver(client: df.DurableClient, instanceId: string): Promise<boolean> {
  const status = await statusOf(client, instanceId);
  return status !== undefined && hasEnded(status.runtimeStatus);
}

const hasEnded = (runtimeStatus: string): boolean =>
  ['Completed', 'Failed', 'Terminated', 'Canceled'].includes(runtimeStatus);

export function registerStagingTimer(app: () => App): void {
  const input = df.input.durableClient();
  functionsApp.timer('collect-staging', {
    // Each ten minutes, unless the setting says otherwise.
    schedule: process.env['HYPERFERRY_STAGING_SCHEDULE'] ?? '30 */10 * * * *',
    extraInputs: [input],
    handler: async (_timer: Timer, context: InvocationContext) => {
      await collectStaging(app(), df.getClient(context), (text) => context.log(text));
    },
  });
}
