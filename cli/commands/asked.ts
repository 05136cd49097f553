import type { Command } from 'commander';
import type { Run } from './command';

/** Adds a command to its parent. `argv` is what stands behind its name. */
export type Register = (parent: Command, run: Run, argv: readonly string[]) => void | Promise<void>;

/** Commands that are added together, by their names. `load` requires their file, which an `import` could do only at once, or as a promise that no test has. */
export type Loaded = { readonly names: readonly string[]; readonly load: () => Register };

/**
 * Adds the command that the line asks for, or all of them where it asks for none: for help, and for a mistake. What another command needs is not
 * loaded, which takes longer than most commands do.
 */
export async function registerAsked(
  commands: readonly Loaded[],
  parent: Command,
  run: Run,
  argv: readonly string[],
): Promise<void> {
  const [name = '', ...rest] = argv;
  const asked = commands.filter(({ names }) => names.includes(name));
  const loading = asked.length === 0 ? commands : asked;
  for (const { load } of loading) await load()(parent, run, rest);
}
