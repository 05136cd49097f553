import { Command, CommanderError } from 'commander';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { registerAsked } from './commands/asked';
import type { Run } from './commands/command';
import { commands } from './commands/table';
import type { CommandResult, Context } from './context';
import { exitCodeOf, exitCodesHelp, type ExitCode } from './exit';
import { failureLines, type CliFailure } from './failure';
import { packageFolder } from './home';
import { printable } from './output/printable';

const packageVersion = (): string =>
  z.object({ version: z.string() }).parse(JSON.parse(readFileSync(join(packageFolder, 'package.json'), 'utf8')))
    .version;

function tellFailure(context: Context, failure: CliFailure, argv: readonly string[]): void {
  const { problem, ...told } = failure;
  if (argv.includes('--json')) context.output.note(JSON.stringify({ error: { ...told, problem } }));
  else failureLines(failure).forEach((line) => context.output.note(line));
}

function exitOf(context: Context, result: CommandResult, argv: readonly string[]): ExitCode {
  if (typeof result === 'string') return exitCodeOf(result);
  tellFailure(context, result, argv);
  return exitCodeOf(result.exit);
}

function describeProgram(program: Command, context: Context): void {
  program
    .name('hyperferry')
    .description('Moves virtual machines between Hyper-V hosts.')
    .version(packageVersion())
    // What stands behind a command is its own: `host` and `host backup` have options of the same names.
    .enablePositionalOptions()
    .showHelpAfterError('(hyperferry COMMAND --help shows what it takes, with examples)')
    .configureOutput({
      writeOut: (text) => void context.output.stdout.write(text),
      writeErr: (text) =>
        text
          .trimEnd()
          .split('\n')
          .forEach((line) => context.output.note(printable(line))),
    })
    .addHelpText(
      'after',
      `
Environment:
  HYPERFERRY_API   address of the HTTP interface, such as https://NAME.azurewebsites.net/api
  HYPERFERRY_KEY   its function key
  HYPERFERRY_HOME  state folder of the local stack (default: .hyperferry in the package's folder)

Examples:
  $ hyperferry up
      starts the local stack; the other commands then find it by themselves
  $ hyperferry migrate demo --to host-b --watch
      moves a VM and draws its progress

${exitCodesHelp()}`,
    );
}

/** Runs one command line (without the program's own name) and answers the exit code. */
export async function runProgram(argv: readonly string[], context: Context): Promise<ExitCode> {
  let exit: ExitCode = exitCodeOf('done');
  const run: Run = async (body) => {
    exit = exitOf(context, await body(context), argv);
  };
  const program = new Command();
  // Settings such as these are inherited by the commands that are made afterwards.
  describeProgram(program.exitOverride(), context);
  await registerAsked(commands, program, run, argv);
  try {
    await program.parseAsync([...argv], { from: 'user' });
  } catch (thrown) {
    if (!(thrown instanceof CommanderError)) throw thrown;
    return thrown.exitCode === 0 ? exitCodeOf('done') : exitCodeOf('badInput');
  }
  return exit;
}
