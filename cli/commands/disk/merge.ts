import type { Command } from 'commander';
import { resolve } from 'node:path';
import { z } from 'zod';
import { mergeIntoParent, type Merged } from '../../../agent/disks/merge';
import { openDisk } from '../../../agent/disks/chain';
import { chainBroken } from '../../../agent/disks/failures';
import { nodeFiles } from '../../../agent/disks/file';
import { succeeded, type Outcome } from '../../../contracts/failure';
import type { CommandResult, Context } from '../../context';
import { formatBytes } from '../../output/format';
import { examples, type Run } from '../command';
import { failureOfDisk } from './failure';
import { diskCommand, diskOptions, guidSource, rootsOf } from './options';
import { Progress } from './progress';

const mergeOptions = diskOptions.extend({ into: z.string().optional() });
type MergeOptions = z.infer<typeof mergeOptions>;

/** The image that is written, and those above it, whose content it has afterwards; the lowest first. */
type Plan = { readonly into: string; readonly merged: readonly string[] };

async function planOf(path: string, options: MergeOptions): Promise<Outcome<Plan>> {
  const disk = await openDisk(resolve(path), { access: 'read', roots: rootsOf(options, path) });
  if (!disk.ok) return disk;
  const paths = disk.value.images.map((image) => image.path);
  await disk.value.close();
  const wanted = options.into === undefined ? paths.at(-2) : await nodeFiles.realPath(resolve(options.into));
  const index = wanted === undefined ? -1 : paths.indexOf(wanted);
  if (wanted === undefined || index === -1 || index === paths.length - 1)
    return chainBroken(`${path}: ${options.into ?? 'a parent'} is not below it in its chain`);
  return succeeded({ into: wanted, merged: paths.slice(index + 1) });
}

async function merge(context: Context, path: string, options: MergeOptions): Promise<CommandResult> {
  const plan = await planOf(path, options);
  if (!plan.ok) return failureOfDisk(plan.failure);
  const { into, merged } = plan.value;
  const progress = new Progress(context);
  const done = await mergeIntoParent({
    childPath: merged.at(-1) ?? path,
    parentPath: into,
    between: { roots: rootsOf(options, path) },
    parentDataWriteId: 'from-child',
    newGuid: guidSource(context),
    signal: context.signal,
    report: progress.report,
  }).finally(() => progress.end());
  if (!done.ok) return failureOfDisk(done.failure);
  tell(context, plan.value, done.value, options);
  return 'done';
}

function tell({ output }: Context, { into, merged }: Plan, done: Merged, { json }: MergeOptions): void {
  if (json) {
    output.json({ into, merged, ...done });
    return;
  }
  output.line(`${into} holds the whole disk: ${formatBytes(done.dataBytes)} written into it and read back`);
  for (const path of merged) output.line(`no longer needed: ${path}`);
}

/** `hyperferry disk merge CHILD` */
export function registerMerge(disk: Command, run: Run): void {
  const command = diskCommand(
    disk,
    'merge <CHILD>',
    'write what a differencing disk holds into its parent; the child is kept; stopped in any way, it is run again',
  ).option('--into <FILE>', 'an image further down in the chain: all above it are merged in one pass');
  examples(
    command,
    ['disk merge checkpoint.avhdx', 'the parent then reads as the child did; other children of it no longer fit it'],
    ['disk merge third.avhdx --into base.vhdx', 'first, second and third into the base'],
  );
  command.action((path: string, options: unknown) =>
    run((context) => merge(context, path, mergeOptions.parse(options))),
  );
}
