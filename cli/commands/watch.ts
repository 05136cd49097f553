import type { Command } from 'commander';
import { z } from 'zod';
import { migrationId, type MigrationId } from '../../contracts/ids';
import type { HyperferryApi } from '../api/client';
import { apiOf } from '../api/api-of';
import type { CommandResult, Context } from '../context';
import { callLines, stateText } from '../output/status';
import { parseField } from '../parse';
import { jsonSink } from '../watch/json';
import { lineSink } from '../watch/lines';
import { screenSink } from '../watch/screen';
import type { WatchSink } from '../watch/sink';
import { watchRun, type WatchEnd } from '../watch/watch';
import { apiCommand, apiOptions, examples, type Run } from './command';

const secondsText = z.coerce.number().positive().max(86_400);
const watchOptions = apiOptions.extend({
  stay: z.boolean().default(false),
  patience: secondsText.default(900),
  interval: secondsText.optional(),
});
type WatchCommandOptions = z.infer<typeof watchOptions>;

/** The sink that fits where the output goes. */
export function sinkFor(context: Context, json: 'json' | 'text'): WatchSink {
  if (json === 'json') return jsonSink(context.output);
  const { stdout } = context.output;
  // A dumb terminal (TERM=dumb, as in editors) cannot move its cursor.
  return stdout.isTTY === true && context.env['TERM'] !== 'dumb' ? screenSink(stdout) : lineSink(context.output);
}

/** Says how the watch ended, in text, and answers the exit. */
export function concludeWatch(context: Context, id: MigrationId, end: WatchEnd, json: 'json' | 'text'): CommandResult {
  const { output } = context;
  if (end.why === 'interrupted') {
    output.note(`no longer watched; the run goes on: hyperferry watch ${id}`);
    return 'interrupted';
  }
  if (end.why === 'parked') return 'waitsForAnswer';
  const { state } = end.status;
  if (json === 'text') {
    output.line(`${id}: ${stateText[state]}`);
    if (state !== 'completed') output.lines(callLines(end.status));
    if (state !== 'rejected') output.note(`next: hyperferry receipt ${id}`);
  }
  return state === 'completed' ? 'done' : 'runNotCompleted';
}

/** Watches a run to its end on the output of the context. */
export async function watchTo(
  context: Context,
  api: HyperferryApi,
  id: MigrationId,
  options: Pick<WatchCommandOptions, 'json' | 'stay' | 'patience' | 'interval'>,
): Promise<CommandResult> {
  const form = options.json ? 'json' : 'text';
  const end = await watchRun({
    api,
    id,
    clock: context.clock,
    signal: context.signal,
    sink: sinkFor(context, form),
    intervalMs: (options.interval ?? 0.5) * 1000,
    patienceMs: options.patience * 1000,
    whenParked: options.stay ? 'stay' : 'end',
  });
  return end.ok ? concludeWatch(context, id, end.value, form) : end.failure;
}

/** `hyperferry watch ID` */
export function registerWatch(program: Command, run: Run): void {
  const command = apiCommand(program, 'watch ID', 'follow a migration until it ends or waits for an answer')
    .option('--stay', 'keep watching a run that waits for an answer')
    .option('--patience <seconds>', 'how long the HTTP interface may be away (default 900)')
    .option('--interval <seconds>', 'between two looks (default 0.5)');
  examples(
    command,
    ['watch web01-20260801-a1b2c3', 'draws phases, bytes, rate and time left; off a terminal, one line a change'],
    ['watch web01-20260801-a1b2c3 --json', 'one JSON document a line, each with "type" and "at"'],
  );
  command.action((idText: string, options: unknown) =>
    run(async (context) => {
      const parsed = parseField(watchOptions, options, 'options');
      if (!parsed.ok) return parsed.failure;
      const id = parseField(migrationId, idText, 'ID');
      if (!id.ok) return id.failure;
      const api = apiOf(context, parsed.value);
      return api.ok ? watchTo(context, api.value, id.value, parsed.value) : api.failure;
    }),
  );
}
