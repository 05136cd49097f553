import type { Command } from 'commander';
import { registerAsked } from '../asked';
import type { Run } from '../command';
import { commands } from './table';

/** `hyperferry disk …`: disk files of this machine, without any host or app. */
export async function registerDisk(program: Command, run: Run, argv: readonly string[]): Promise<void> {
  const disk = program
    .command('disk')
    .description('look at, copy, convert and merge disk files (VHD, VHDX, raw) of this machine');
  await registerAsked(commands, disk, run, argv);
}
