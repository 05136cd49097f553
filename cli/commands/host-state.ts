import type { Command } from 'commander';
import { resolve } from 'node:path';
import { z } from 'zod';
import { backUp, restore, type BackupEnd, type BackupFacts } from '../../runtime/store/backup';
import type { CommandResult, Context } from '../context';
import { formatBytes } from '../output/format';
import { examples, type Run } from './command';

const backupOptions = z.object({ state: z.string(), to: z.string(), json: z.boolean().default(false) });
const restoreOptions = z.object({ from: z.string(), state: z.string(), json: z.boolean().default(false) });

/** `hyperferry host backup` and `hyperferry host restore` */
export function registerHostState(host: Command, run: Run): void {
  registerBackup(host, run);
  registerRestore(host, run);
}

function registerBackup(host: Command, run: Run): void {
  const command = host
    .command('backup')
    .description(
      'copy the state of a host to one file, while it runs; the copy is read through before it gets its name',
    )
    .requiredOption('--state <folder>', 'state folder of the host')
    .requiredOption('--to <file>', 'file to make; it holds the keys too, so only its owner may read it')
    .option('--json', 'print JSON instead of text');
  examples(command, ['host backup --state /var/lib/hyperferry --to /backup/monday.db', 'exit 0 only when it is whole']);
  command.action((options: unknown) =>
    run(async (context) => {
      const { state, to, json } = backupOptions.parse(options);
      const now = new Date(context.clock.now()).toISOString();
      const ended = backUp(resolve(state), resolve(to), now);
      return tell(context, ended, json ? 'json' : 'text', { '--state': state, '--to': to }, (facts) => [
        `${resolve(to)}: ${facts.instances} instances, ${formatBytes(facts.bytes)}, as of ${facts.takenAt}; read through, and whole`,
      ]);
    }),
  );
}

function registerRestore(host: Command, run: Run): void {
  const command = host
    .command('restore')
    .description('make the state of a new folder from a backup; what ran after the backup was taken runs again')
    .requiredOption('--from <file>', 'file that "host backup" made')
    .requiredOption('--state <folder>', 'state folder to make; one that has a state is refused')
    .option('--json', 'print JSON instead of text');
  examples(command, [
    'host restore --from /backup/monday.db --state /var/lib/hyperferry-2',
    'then start the host on it',
  ]);
  command.action((options: unknown) =>
    run(async (context) => {
      const { from, state, json } = restoreOptions.parse(options);
      const ended = restore(resolve(from), resolve(state));
      return tell(context, ended, json ? 'json' : 'text', { '--from': from, '--state': state }, (facts) => [
        `${resolve(state)}: ${facts.instances} instances as of ${facts.takenAt}`,
        `What was acknowledged after that is not in it; what ran after that runs again when a host is started on it.`,
      ]);
    }),
  );
}

function tell(
  context: Context,
  ended: BackupEnd,
  json: 'json' | 'text',
  values: Readonly<Record<string, string>>,
  lines: (facts: BackupFacts) => string[],
): CommandResult {
  if (ended.kind === 'refused') {
    const { field, message, remedy } = ended.problem;
    return { exit: 'refused', title: message, field, value: values[field], remedy };
  }
  if (json === 'json') context.output.json(ended.facts);
  else context.output.lines(lines(ended.facts));
  return 'done';
}
