import { app as functionsApp, type InvocationContext, type Timer } from '@azure/functions';
import * as df from 'durable-functions';
import type { App } from '../../activities/app';
import { dueBatches, unschedule } from '../../activities/storage/batches';
import { describeThrown } from '../../contracts/failure';
import { batchInstanceOf } from './batches';
import { statusOf } from './instances';

/**
 * Starts the batches whose time has come. A batch is unscheduled only after its orchestration exists, and the orchestration's id is the
 * batch's, so a timer that dies in between starts nothing twice.
 */
export async function startDueBatches(app: App, client: df.DurableClient, log: (text: string) => void): Promise<void> {
  const due = await dueBatches(app.documents, app.now());
  if (!due.ok) {
    log(`batches: ${due.failure.message}`);
    return;
  }
  for (const { id, path } of due.value) {
    const instanceId = batchInstanceOf(id);
    try {
      if ((await statusOf(client, instanceId)) === undefined) {
        await client.startNew('run-batch', {
          instanceId,
          input: { batchId: id, lookMs: app.settings.HYPERFERRY_LOOK_MS_MAX },
        });
        log(`batch ${id}: started`);
      }
      const done = await unschedule(app.documents, path);
      if (!done.ok) log(`batch ${id}: ${done.failure.message}`);
    } catch (thrown) {
      // One batch that cannot start must not keep the others from it; the next tick tries again.
      log(`batch ${id}: ${describeThrown(thrown)}`);
    }
  }
}

export function registerBatchTimer(app: () => App): void {
  const input = df.input.durableClient();
  functionsApp.timer('start-due-batches', {
    // Each minute, unless the setting says otherwise.
    schedule: process.env['HYPERFERRY_BATCH_SCHEDULE'] ?? '0 * * * * *',
    extraInputs: [input],
    handler: async (_timer: Timer, context: InvocationContext) => {
      await startDueBatches(app(), df.getClient(context), (text) => context.log(text));
    },
  });
}
