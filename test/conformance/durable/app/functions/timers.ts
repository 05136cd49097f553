/** Timer functions. Each writes what it was told to an entity. */
import { app, type InvocationContext, type Timer } from '@azure/functions';
import * as df from 'durable-functions';

const write =
  (key: string) =>
  async (timer: Timer, context: InvocationContext): Promise<void> => {
    const { isPastDue, schedule, scheduleStatus } = timer;
    await df.getClient(context).signalEntity(new df.EntityId('Ledger', key), 'write', {
      isPastDue,
      adjustForDst: schedule.adjustForDST,
      status: scheduleStatus,
    });
  };
app.timer('hourly', {
  schedule: '0 0 * * * *',
  extraInputs: [df.input.durableClient()],
  handler: write('timer-hourly'),
});
app.timer('atStart', {
  schedule: '0 0 0 1 1 *',
  runOnStartup: true,
  extraInputs: [df.input.durableClient()],
  handler: write('timer-at-start'),
});
app.timer('bySpan', {
  schedule: '00:10:00',
  extraInputs: [df.input.durableClient()],
  handler: write('timer-by-span'),
});
app.timer('fromSetting', {
  schedule: '%CONFORMANCE_SCHEDULE%',
  extraInputs: [df.input.durableClient()],
  handler: write('timer-from-setting'),
});
/** Fails twice for each of its times; its retry policy lets it run again. */
app.timer('failing', {
  schedule: '0 0 * * * *',
  retry: { strategy: 'fixedDelay', maxRetryCount: 4, delayInterval: { minutes: 2 } },
  extraInputs: [df.input.durableClient()],
  handler: async (_timer: Timer, context: InvocationContext): Promise<void> => {
    const { retryContext } = context;
    const seen = { retryCount: retryContext?.retryCount ?? 0, maxRetryCount: retryContext?.maxRetryCount ?? null };
    await df.getClient(context).signalEntity(new df.EntityId('Ledger', 'timer-failing'), 'write', seen);
    if (seen.retryCount < 2) throw new Error('not yet');
  },
});
