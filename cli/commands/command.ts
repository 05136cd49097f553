import type { Command } from 'commander';
import { z } from 'zod';
import type { Context, CommandResult } from '../context';

/** Runs a command's body and ends the program with its result. */
export type Run = (body: (context: Context) => Promise<CommandResult>) => Promise<void>;

/** Options of every command that talks to the HTTP interface and prints data. */
export const apiOptions = z.object({
  api: z.string().optional(),
  key: z.string().optional(),
  json: z.boolean().default(false),
});
export type ApiCommandOptions = z.infer<typeof apiOptions>;

/** A command with `--api`, `--key` and `--json`. */
export function apiCommand(parent: Command, nameAndArguments: string, description: string): Command {
  return parent
    .command(nameAndArguments)
    .description(description)
    .option('--api <url>', 'address of the HTTP interface (or HYPERFERRY_API; else of the running local stack)')
    .option('--key <key>', 'function key (or HYPERFERRY_KEY, which other users of the machine do not see)')
    .option('--json', 'print JSON instead of text');
}

/** Adds examples below the help of a command: pairs of a command line and what it does. */
export function examples(command: Command, ...pairs: readonly (readonly [string, string])[]): Command {
  const lines = pairs.flatMap(([line, what]) => [`  $ hyperferry ${line}`, `      ${what}`]);
  return command.addHelpText('after', ['', 'Examples:', ...lines].join('\n'));
}
