import type { Command } from 'commander';
import { resolve } from 'node:path';
import { checkImage, type ImageCheck } from '../../../agent/disks/check';
import type { Failure } from '../../../contracts/failure';
import type { CommandResult, Context } from '../../context';
import { badInput } from '../../failure';
import { formatBytes } from '../../output/format';
import { examples, type Run } from '../command';
import { failureOfDisk } from './failure';
import { diskCommand, diskOptions, type DiskOptions } from './options';
import { Progress } from './progress';
import { isRaw, openForReading } from './source';

type Checked = { readonly images: readonly ImageCheck[]; readonly chainFailure: Failure | undefined };

/** Checks every image that the chain opens with; of a chain that does not open, the file itself. */
async function checkChain(context: Context, path: string, options: DiskOptions): Promise<Checked | Failure> {
  const progress = new Progress(context);
  const disk = await openForReading(path, options);
  const paths = disk.ok ? disk.value.images.map((image) => image.path) : [resolve(path)];
  if (disk.ok) await disk.value.close();
  const images: ImageCheck[] = [];
  for (const one of paths) {
    const checked = await checkImage(one, { signal: context.signal, report: progress.report });
    progress.end();
    if (!checked.ok) return checked.failure;
    images.push(checked.value);
  }
  return { images, chainFailure: disk.ok ? undefined : disk.failure };
}

function linesOf({ images, chainFailure }: Checked): string[] {
  const lines = images.flatMap(({ path, findings, dataBytes }) => [
    findings.length === 0 ? `${path}: nothing is wrong` : `${path}:`,
    ...findings.flatMap(({ level, message, remedy }) => [`  ${level}: ${message}`, `    remedy: ${remedy}`]),
    ...(dataBytes === undefined ? [] : [`  data: ${formatBytes(dataBytes)}`]),
  ]);
  const isSaid = images.some(({ findings }) => findings.some(({ message }) => message === chainFailure?.message));
  if (chainFailure === undefined || isSaid) return lines;
  return [...lines, `chain: ${chainFailure.message}`, `  remedy: ${failureOfDisk(chainFailure).remedy ?? ''}`];
}

async function check(context: Context, path: string, options: DiskOptions): Promise<CommandResult> {
  if (isRaw(path, options)) return badInput('a raw image has no structures to check', { field: 'FILE', value: path });
  const checked = await checkChain(context, path, options);
  if ('code' in checked) return failureOfDisk(checked);
  if (context.signal.aborted) return 'interrupted';
  const { images, chainFailure } = checked;
  const isDamaged = images.some(({ findings }) => findings.some(({ level }) => level === 'damage'));
  if (options.json) {
    const chain = chainFailure === undefined ? null : { code: chainFailure.code, message: chainFailure.message };
    context.output.json({ images, chain });
  } else context.output.lines(linesOf(checked));
  return isDamaged || chainFailure !== undefined ? 'damaged' : 'done';
}

/** `hyperferry disk check FILE` */
export function registerCheck(disk: Command, run: Run): void {
  const command = diskCommand(
    disk,
    'check <FILE>',
    'look at every structure of a disk and its chain, and explain what is wrong; nothing is changed',
  );
  examples(
    command,
    ['disk check web01.vhdx', 'says what is damaged, and whether the log must be replayed; exit code 9 for damage'],
    [
      'disk check web01.vhdx --json',
      '{ images: [{ path, findings: [{ level, message, remedy }], dataBytes }], chain }',
    ],
  );
  command.action((path: string, options: unknown) =>
    run((context) => check(context, path, diskOptions.parse(options))),
  );
}
