import type { Command } from 'commander';
import { z } from 'zod';
import { destinationFolderOf } from '../../contracts/migration';
import { apiOf } from '../api/api-of';
import type { CommandResult, Context } from '../context';
import { failureOfApi } from '../failure';
import { routeText } from '../output/status';
import { parseField } from '../parse';
import { apiCommand, examples, type Run } from './command';
import { moveOptions, requestOf, withMoveOptions } from './move-request';
import { newMigrationId } from './new-id';
import { submitMigration } from './submit';
import { watchTo } from './watch';

const migrateOptions = moveOptions.extend({ id: z.string().optional(), watch: z.boolean().default(false) });
type MigrateOptions = z.infer<typeof migrateOptions>;

async function migrate(context: Context, vmText: string, options: MigrateOptions): Promise<CommandResult> {
  const api = apiOf(context, options);
  if (!api.ok) return api.failure;
  const idFor = (vmName: string) => options.id ?? newMigrationId(vmName, context.clock, context.randomBytes);
  const request = await requestOf(api.value, vmText, options, idFor);
  if (!request.ok) return request.failure;
  const started = await submitMigration(context, api.value, request.value);
  if (!started.ok) return failureOfApi(started.error);
  const { id } = started.value;
  const folder = destinationFolderOf(request.value);
  if (options.watch) return watchTo(context, api.value, id, { json: options.json, stay: false, patience: 900 });
  if (options.json) context.output.json({ id, request: request.value });
  else {
    context.output.line(id);
    const { kind, vmId } = request.value;
    const below = folder === undefined ? '' : `, below ${folder}`;
    context.output.note(`started: VM ${vmId}, ${kind}, ${routeText(request.value)}${below}`);
    context.output.note(`next: hyperferry watch ${id}`);
  }
  return 'done';
}

/** `hyperferry migrate VM --to HOST` */
export function registerMigrate(program: Command, run: Run): void {
  const command = withMoveOptions(
    apiCommand(program, 'migrate VM', 'move a VM, by name or GUID, to another host or another folder'),
  )
    .option('--id <id>', 'id of the migration; the same id twice starts one run (default: made from the name)')
    .option('--watch', 'follow it to its end');
  examples(
    command,
    ['migrate web01 --to host-b --watch', 'moves the VM to the roomiest volume of host-b and draws its progress'],
    [
      'migrate 6f9619ff-8b86-d011-b42d-00c04fc964ff --from host-a --to host-b --folder /vm --bandwidth 100MiB/s',
      'the same by GUID into a folder of choice, with a limit; prints the id of the migration',
    ],
  );
  command.action((vmText: string, options: unknown) =>
    run(async (context) => {
      const parsed = parseField(migrateOptions, options, 'options');
      return parsed.ok ? migrate(context, vmText, parsed.value) : parsed.failure;
    }),
  );
}
