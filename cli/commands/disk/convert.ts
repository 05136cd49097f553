import { Option, type Command } from 'commander';
import { z } from 'zod';
import { diskSegments } from '../../../agent/disks/disk-segments';
import type { Disk, ImageShape } from '../../../agent/disks/image';
import { formatOfName } from '../../../agent/disks/open-image';
import { defaultVhdBlockSizeBytes } from '../../../agent/disks/vhd';
import { defaultBlockSizeBytes } from '../../../agent/disks/vhdx';
import { bad, good, type CommandResult, type Context, type Result } from '../../context';
import { badInput } from '../../failure';
import { examples, type Run } from '../command';
import { failureOfDisk } from './failure';
import { diskCommand, diskOptions, guidSource, isRawName, sizeOf } from './options';
import { runCopy } from './run-copy';
import { identityOf, withDisk } from './source';
import type { Wanted } from './target';

const formats = ['vhd', 'vhdx', 'raw'] as const;
const kinds = ['dynamic', 'fixed'] as const;
const convertOptions = diskOptions.extend({
  format: z.enum(formats).optional(),
  kind: z.enum(kinds).default('dynamic'),
  blockSize: z.string().optional(),
});
type ConvertOptions = z.infer<typeof convertOptions>;

function formatFor(target: string, options: ConvertOptions): Result<Wanted['format']> {
  const format = options.format ?? formatOfName(target) ?? (isRawName(target) ? 'raw' : undefined);
  if (format !== undefined) return good(format);
  const remedy = 'Name TARGET .vhd, .vhdx, .raw or .img, or say --format.';
  return bad(badInput('the format to convert to is not said', { field: '--format', remedy }));
}

function wantedOf(context: Context, disk: Disk, target: string, options: ConvertOptions): Result<Wanted> {
  const format = formatFor(target, options);
  if (!format.ok) return format;
  const defaultBytes = format.value === 'vhd' ? defaultVhdBlockSizeBytes : defaultBlockSizeBytes;
  const blockSize = options.blockSize === undefined ? good(defaultBytes) : sizeOf(options.blockSize, '--block-size');
  if (!blockSize.ok) return blockSize;
  const id = guidSource(context)();
  const isSmall = disk.logicalSectorSizeBytes === 512;
  const shape: ImageShape = {
    kind: options.kind,
    virtualSizeBytes: disk.virtualSizeBytes,
    blockSizeBytes: blockSize.value,
    logicalSectorSizeBytes: isSmall ? 512 : 4096,
    physicalSectorSizeBytes: isSmall && format.value === 'vhd' ? 512 : 4096,
    virtualDiskId: id,
    dataWriteId: id,
  };
  return good({ format: format.value, shape });
}

function convert(context: Context, path: string, target: string, options: ConvertOptions): Promise<CommandResult> {
  return withDisk(path, options, async (disk) => {
    const wanted = wantedOf(context, disk, target, options);
    if (!wanted.ok) return wanted.failure;
    const files = await identityOf(disk.images);
    if (!files.ok) return failureOfDisk(files.failure);
    const { format, shape } = wanted.value;
    const source = {
      virtualSizeBytes: disk.virtualSizeBytes,
      extents: (fromBytes: number) => diskSegments(disk.images, fromBytes),
      read: (bytes: Uint8Array, offsetBytes: number) => disk.read(bytes, offsetBytes),
      identity: `${format}, ${shape.kind}, ${shape.blockSizeBytes} of ${files.value}`,
    };
    return runCopy(context, source, target, wanted.value, options);
  });
}

/** `hyperferry disk convert FILE TARGET` */
export function registerConvert(disk: Command, run: Run): void {
  const command = diskCommand(
    disk,
    'convert <FILE> <TARGET>',
    'make one whole disk of another format of a disk and its chain; can be stopped and gone on with as copy can',
  )
    .addOption(new Option('--format <format>', 'what to make (default: as TARGET is named)').choices(formats))
    .addOption(
      new Option('--kind <kind>', 'whether all blocks are in place from the start').choices(kinds).default('dynamic'),
    )
    .option('--block-size <size>', 'of a dynamic disk (default: 32MiB for VHDX, 2MiB for VHD)');
  examples(
    command,
    ['disk convert old.vhd new.vhdx', 'a dynamic VHDX with the same content and ids of its own'],
    ['disk convert checkpoint.avhdx whole.vhdx', 'the disk as the VM checkpoint has it, without parents'],
    ['disk convert web01.vhdx web01.raw', 'a sparse raw image'],
    ['disk convert web01.raw web01.vhd --kind fixed', 'a fixed VHD, 2040 GiB at most'],
  );
  command.action((path: string, target: string, options: unknown) =>
    run((context) => convert(context, path, target, convertOptions.parse(options))),
  );
}
