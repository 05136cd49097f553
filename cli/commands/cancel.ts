import type { Command } from 'commander';
import { z } from 'zod';
import { migrationId } from '../../contracts/ids';
import { cancelRequest } from '../../contracts/migration';
import { apiOf } from '../api/api-of';
import type { CommandResult, Context } from '../context';
import { failureOfApi } from '../failure';
import { parseField } from '../parse';
import { apiCommand, apiOptions, examples, type Run } from './command';
import { watchTo } from './watch';

const cancelOptions = apiOptions.extend({ reason: z.string().default(''), watch: z.boolean().default(false) });
type CancelOptions = z.infer<typeof cancelOptions>;

async function cancel(context: Context, idText: string, options: CancelOptions): Promise<CommandResult> {
  const api = apiOf(context, options);
  if (!api.ok) return api.failure;
  const id = parseField(migrationId, idText, 'ID');
  if (!id.ok) return id.failure;
  const body = parseField(cancelRequest.shape.reason, options.reason, '--reason');
  if (!body.ok) return body.failure;
  const sent = await api.value.cancel(id.value, body.value);
  if (!sent.ok) return failureOfApi(sent.error);
  if (options.watch) {
    const end = await watchTo(context, api.value, id.value, { json: options.json, stay: false, patience: 900 });
    // Rolled back is what was asked for.
    return end === 'runNotCompleted' ? 'done' : end;
  }
  if (options.json) context.output.json({ id: id.value, cancelRequested: true });
  else context.output.line(`${id.value}: cancel requested; what was done is taken back, unless the VM already starts`);
  context.output.note(`next: hyperferry watch ${id.value}`);
  return 'done';
}

/** `hyperferry cancel ID` */
export function registerCancel(program: Command, run: Run): void {
  const command = apiCommand(program, 'cancel ID', 'cancel a migration: everything it did is taken back')
    .option('--reason <text>', 'kept with the run')
    .option('--watch', 'follow the unwinding to its end (exit 0 when it is rolled back)');
  examples(
    command,
    ['cancel web01-20260801-a1b2c3 --reason "wrong host"', 'asks for it and returns'],
    ['cancel web01-20260801-a1b2c3 --watch', 'waits until nothing is left of the run'],
  );
  command.action((idText: string, options: unknown) =>
    run(async (context) => {
      const parsed = parseField(cancelOptions, options, 'options');
      return parsed.ok ? cancel(context, idText, parsed.value) : parsed.failure;
    }),
  );
}
