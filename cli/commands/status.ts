import { Option, type Command } from 'commander';
import { z } from 'zod';
import { migrationId } from '../../contracts/ids';
import { runStates, type MigrationStatus } from '../../contracts/migration';
import type { HyperferryApi } from '../api/client';
import { apiOf } from '../api/api-of';
import type { CommandResult, Context } from '../context';
import { failureOfApi } from '../failure';
import { bytesText, callLines, rateText, routeText, stateText, stepsLine } from '../output/status';
import { formatBytesOf, formatPercent } from '../output/format';
import { concernLines } from '../output/preflight';
import { factLines, tableLines } from '../output/table';
import { parseField } from '../parse';
import { apiCommand, apiOptions, examples, type Run } from './command';

const statusOptions = apiOptions.extend({
  state: z.enum(runStates).optional(),
  top: z.coerce.number().int().min(1).max(1000).optional(),
});
type StatusOptions = z.infer<typeof statusOptions>;

function detailLines(status: MigrationStatus): string[] {
  const copied = bytesText(status);
  const rate = rateText(status);
  const facts: [string, string][] = [
    ['state', stateText[status.state] + (status.cancelRequested ? ', cancel requested' : '')],
    ['moves', `VM ${status.vmId}, ${status.kind}, ${routeText(status)}`],
    ['steps', stepsLine(status)],
    ...(status.phase === null
      ? []
      : [['phase', (status.unwinding ? 'undo of ' : '') + status.phase] satisfies [string, string]]),
    ...(copied === undefined ? [] : [['copied', copied] satisfies [string, string]]),
    ...(status.progress?.disks ?? []).map(({ name, bytesDone, bytesTotal }): [string, string] => [
      name,
      `${formatPercent(bytesDone, bytesTotal)}, ${formatBytesOf(bytesDone, bytesTotal)}`,
    ]),
    ...(rate === undefined ? [] : [['rate', rate] satisfies [string, string]]),
    ...(status.waitingFor === null ? [] : [['waits for', status.waitingFor] satisfies [string, string]]),
    ['created', status.createdAt],
    ['updated', status.updatedAt],
  ];
  return [`${status.id} (run ${status.runId})`, ...factLines(facts, '  '), ...concernsOf(status), ...callLines(status)];
}

const concernsOf = ({ concerns, concernsLeftOut }: MigrationStatus): string[] =>
  concernLines(concerns, concernsLeftOut);

const row = (status: MigrationStatus): string[] => [
  status.id,
  status.state,
  status.phase ?? '',
  status.progress === null ? '' : formatPercent(status.progress.bytesDone, status.progress.bytesTotal),
  routeText(status),
  status.vmId,
  status.updatedAt,
];

async function list(context: Context, api: HyperferryApi, options: StatusOptions): Promise<CommandResult> {
  const page = await api.migrations({ state: options.state, top: options.top });
  if (!page.ok) return failureOfApi(page.error);
  const { items, next } = page.value;
  if (options.json) context.output.json(page.value);
  else if (items.length === 0) context.output.note('no migrations');
  else
    context.output.lines(tableLines(['ID', 'STATE', 'PHASE', 'COPIED', 'HOSTS', 'VM ID', 'UPDATED'], items.map(row)));
  if (next !== null) context.output.note('there are more: --top N shows up to N, --state STATE those in one state');
  return 'done';
}

/** `hyperferry status [ID]` */
export function registerStatus(program: Command, run: Run): void {
  const command = apiCommand(program, 'status [ID]', 'show one migration, or list all')
    .addOption(new Option('--state <state>', 'list those in this state').choices(runStates))
    .option('--top <count>', 'list at most that many');
  examples(
    command,
    ['status', 'one line a migration'],
    ['status web01-20260801-a1b2c3', 'phase, bytes, rate, time left, what it waits for and what it needs from you'],
    ['status --state parked --json', 'those that wait for an answer, as a document: { items, next }'],
  );
  command.action((idText: string | undefined, options: unknown) =>
    run(async (context) => {
      const parsed = parseField(statusOptions, options, 'options');
      if (!parsed.ok) return parsed.failure;
      const api = apiOf(context, parsed.value);
      if (!api.ok) return api.failure;
      if (idText === undefined) return list(context, api.value, parsed.value);
      const id = parseField(migrationId, idText, 'ID');
      if (!id.ok) return id.failure;
      const status = await api.value.migration(id.value);
      if (!status.ok) return failureOfApi(status.error);
      if (parsed.value.json) context.output.json(status.value);
      else context.output.lines(detailLines(status.value));
      return 'done';
    }),
  );
}
