import type { Command } from 'commander';
import { formatOf, type ImageFormat } from '../../../agent/disks/open-image';
import type { ReadableImage } from '../../../agent/disks/image';
import { inspectVhd, type VhdFacts } from '../../../agent/disks/vhd/inspect';
import { inspectVhdx, type VhdxFacts } from '../../../agent/disks/vhdx/inspect';
import { succeeded, type Outcome } from '../../../contracts/failure';
import type { CommandResult, Context } from '../../context';
import { formatBytes } from '../../output/format';
import { factLines } from '../../output/table';
import { examples, type Run } from '../command';
import { failureOfDisk } from './failure';
import { diskCommand, diskOptions, type DiskOptions } from './options';
import { isRaw, withDisk } from './source';

type Details =
  { readonly format: 'raw' } | ({ readonly format: 'vhd' } & VhdFacts) | ({ readonly format: 'vhdx' } & VhdxFacts);

async function detailsOf(path: string): Promise<Outcome<Details>> {
  const format = await formatOf(path);
  return format.ok ? detailsAs(format.value, path) : format;
}

async function detailsAs(format: ImageFormat, path: string): Promise<Outcome<Details>> {
  switch (format) {
    case 'vhd': {
      const facts = await inspectVhd(path);
      return facts.ok ? succeeded({ format, ...facts.value }) : facts;
    }
    case 'vhdx': {
      const facts = await inspectVhdx(path);
      return facts.ok ? succeeded({ format, ...facts.value }) : facts;
    }
  }
}

function detailLines(details: Details): [string, string][] {
  switch (details.format) {
    case 'raw':
      return [];
    case 'vhd': {
      const { cylinders, heads, sectorsPerTrack } = details.geometry;
      return [
        ['geometry', `${cylinders} cylinders, ${heads} heads, ${sectorsPerTrack} sectors a track`],
        ['created', `${new Date(details.createdAtMs).toISOString()} by "${details.creator}"`],
      ];
    }
    case 'vhdx':
      return [
        ['log', details.log === 'empty' ? 'empty' : `to be replayed, ${details.replayedSectors} pieces of 4 KiB`],
        ['created', `by "${details.creator}"`],
      ];
  }
}

function imageLines({ path, shape, fileSizeBytes }: ReadableImage, details: Details): string[] {
  const facts: [string, string][] = [
    ['format', `${details.format}, ${shape.kind}`],
    ['size', `${formatBytes(shape.virtualSizeBytes)} (${shape.virtualSizeBytes} bytes)`],
    ['file', `${formatBytes(fileSizeBytes)} (${fileSizeBytes} bytes)`],
    ['sectors', `${shape.logicalSectorSizeBytes} bytes logical, ${shape.physicalSectorSizeBytes} physical`],
    ...(shape.kind === 'fixed' ? [] : [['blocks', formatBytes(shape.blockSizeBytes)] satisfies [string, string]]),
    ...(details.format === 'raw' ? [] : idLines(shape)),
    ...detailLines(details),
  ];
  return [path, ...factLines(facts, '  ')];
}

function idLines({ virtualDiskId, dataWriteId, parent }: ReadableImage['shape']): [string, string][] {
  const paths = [parent?.relativePath, parent?.absolutePath].filter((path) => path !== undefined);
  return [
    ['disk id', virtualDiskId],
    ['content id', dataWriteId],
    ...(parent === undefined
      ? []
      : [['parent', `${parent.dataWriteId}, ${paths.join(' or ')}`] satisfies [string, string]]),
  ];
}

function info(context: Context, path: string, options: DiskOptions): Promise<CommandResult> {
  return withDisk(path, options, async (disk) => {
    const images: { image: ReadableImage; details: Details }[] = [];
    for (const image of disk.images) {
      const details = isRaw(path, options) ? succeeded({ format: 'raw' } as const) : await detailsOf(image.path);
      if (!details.ok) return failureOfDisk(details.failure);
      images.push({ image, details: details.value });
    }
    tell(context, images, options);
    return 'done';
  });
}

function tell(
  { output }: Context,
  images: readonly { image: ReadableImage; details: Details }[],
  { json }: DiskOptions,
): void {
  if (json) {
    const items = images.map(({ image, details }) => ({
      path: image.path,
      fileSizeBytes: image.fileSizeBytes,
      ...image.shape,
      ...details,
    }));
    output.json({ images: items });
    return;
  }
  if (images.length > 1) output.line(`a chain of ${images.length} images, base first`);
  for (const { image, details } of images) output.lines(imageLines(image, details));
}

/** `hyperferry disk info FILE` */
export function registerInfo(disk: Command, run: Run): void {
  const command = diskCommand(disk, 'info <FILE>', 'say what a disk is: every image of its chain');
  examples(
    command,
    ['disk info web01.vhdx', 'format, sizes, ids, log and parents'],
    ['disk info checkpoint.avhdx --root /vms --json', 'the same as a document: { images: [...] }, base first'],
  );
  command.action((path: string, options: unknown) => run((context) => info(context, path, diskOptions.parse(options))));
}
